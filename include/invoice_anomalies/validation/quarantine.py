"""From broken rules to quarantined rows: every reason of every row, and the row as it came."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.extract import STRUCTURE_ERROR
from invoice_anomalies.validation.outcome import no_quarantine
from invoice_anomalies.validation.rules import UNREADABLE, Rule
from invoice_anomalies.validation.story import Row

Reasons = dict[int, list[str]]


def reasons_of(rule: Rule, rows: Sequence[int], raw: pd.DataFrame, sentences: pd.DataFrame) -> list[str]:
    """The reason for each of these rows (positions), from what came in the columns of the rule."""
    came = [_column(name, raw, sentences).iloc[list(rows)].astype(object) for name in rule.columns]
    return [rule.reason(values) for values in zip(*came, strict=True)]


def _column(name: str, raw: pd.DataFrame, sentences: pd.DataFrame) -> pd.Series:
    return sentences[name.removesuffix(UNREADABLE)] if name.endswith(UNREADABLE) else raw[name]


def rows_as_they_came(
    contract: Contract, raw: pd.DataFrame, rows: Sequence[int], reasons: Sequence[str] = ()
) -> list[Row]:
    """These rows (positions) for a reader, each with its one reason where there are any."""
    told = {at: [reasons[place]] if reasons else [] for place, at in enumerate(rows)}
    return told_rows(quarantine(contract, raw, told))


def told_rows(quarantined: pd.DataFrame) -> list[Row]:
    """The rows of a frame of quarantined rows for a reader."""
    columns = zip(quarantined.index, quarantined["raw"], quarantined["reasons"], strict=True)
    return [Row(int(line), raw, list(reasons)) for line, raw, reasons in columns]


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
    if row.get(STRUCTURE_ERROR) is None:
        row.pop(STRUCTURE_ERROR, None)
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
