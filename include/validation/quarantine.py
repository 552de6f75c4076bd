"""From broken rules to quarantined rows: every reason of every row, and the row as it came."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from include.contract import Contract
from include.extract import MISFIT
from include.validation.outcome import no_quarantine
from include.validation.rules import UNREADABLE, Rule

Reasons = dict[int, list[str]]


def reasons_of(rule: Rule, rows: Sequence[int], raw: pd.DataFrame, sentences: pd.DataFrame) -> list[str]:
    """The reason for each of these rows (positions), from what came in the columns of the rule."""
    came = [_column(name, raw, sentences).iloc[list(rows)].astype(object) for name in rule.columns]
    return [rule.reason(values) for values in zip(*came, strict=True)]


def _column(name: str, raw: pd.DataFrame, sentences: pd.DataFrame) -> pd.Series:
    return sentences[name.removesuffix(UNREADABLE)] if name.endswith(UNREADABLE) else raw[name]


def same_key(contract: Contract, values: pd.DataFrame, unfit: Mapping[int, list[str]]) -> dict[int, str]:
    """Reason for each row (position) whose key another row of the file keeps.

    The first row that is fit in all else keeps its key, so that a broken line does not cost the good one after it.
    values: the typed fields. unfit: the reasons so far, by position.
    """
    keys = values[contract.key].dropna()
    keys = keys[keys.duplicated(keep=False)]
    if keys.empty:
        return {}
    place = {line: position for position, line in enumerate(values.index)}
    rows = pd.DataFrame(
        {"group": keys.groupby(contract.key, sort=False).ngroup(), "at": [place[i] for i in keys.index]}
    )
    rows["unfit"] = rows["at"].isin(list(unfit))
    keeper = rows.sort_values(["unfit", "at"]).groupby("group")["at"].first()
    names = ", ".join(contract.key)
    return {
        at: f"{names}: same key as line {values.index[keeper[group]]}; expected each invoice once"
        for group, at in zip(rows["group"], rows["at"], strict=True)
        if keeper[group] != at
    }


def quarantine(contract: Contract, raw: pd.DataFrame, reasons: Reasons) -> pd.DataFrame:
    """The frame of quarantined rows: index line, columns raw (JSON text) and reasons (list of sentences)."""
    if not reasons:
        return no_quarantine()
    places = sorted(reasons)
    rows = raw.iloc[places]
    headers = [contract.header(name) if name in contract.fields else str(name) for name in rows.columns]
    plain = rows.astype(object).to_numpy().tolist()
    return pd.DataFrame(
        {
            "raw": pd.Series([_as_json(headers, values) for values in plain], index=rows.index, dtype="str"),
            "reasons": pd.Series([reasons[place] for place in places], index=rows.index, dtype="object"),
        }
    ).rename_axis("line")


def _as_json(headers: Sequence[str], values: Sequence[Any]) -> str:
    row = {header: _plain(value) for header, value in zip(headers, values, strict=True)}
    if row.get(MISFIT) is None:
        row.pop(MISFIT, None)
    return json.dumps(row, ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    """A cell as JSON may hold it, and Postgres after it, which takes no NUL character."""
    if isinstance(value, str):
        return value.replace("\x00", "\u2400")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    missing = pd.isna(value)
    return None if isinstance(missing, bool) and missing else value
