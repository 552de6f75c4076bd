"""From broken rules to quarantined rows: every reason of every row, the row as it came, and keys that come twice."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.extract import STRUCTURE_ERROR
from invoice_anomalies.validation.data_docs import Row
from invoice_anomalies.validation.result import no_quarantined_rows
from invoice_anomalies.validation.rules import UNREADABLE, Rule

Positions = npt.NDArray[np.int64]  # shape (rows,)

# Of the two halves of a fingerprint: 16 bytes each, as pandas asks for.
HASH_KEYS = ("0123456789123456", "6543219876543210")


def reasons_of(
    rule: Rule, positions: Sequence[int], raw: pd.DataFrame, sentences: pd.DataFrame | None = None
) -> list[str]:
    """The reason for each of these rows, from what came in the columns of the rule.

    sentences: about the unreadable values of each field; for rules that read them.
    """
    came = [_column(name, raw, sentences).iloc[list(positions)].astype(object) for name in rule.columns]
    return [rule.reason(values) for values in zip(*came, strict=True)]


def _column(name: str, raw: pd.DataFrame, sentences: pd.DataFrame | None) -> pd.Series:
    if sentences is not None and name.endswith(UNREADABLE):
        return sentences[name.removesuffix(UNREADABLE)]
    return raw[name]


def reasons_frame(rule_index: int, positions: Sequence[int], reasons: Sequence[str]) -> pd.DataFrame:
    """The reasons of rows that break a rule: columns position, rule_index and reason."""
    return pd.DataFrame(
        {
            "position": np.asarray(positions, dtype="int64"),
            "rule_index": np.full(len(positions), rule_index, dtype="int64"),
            "reason": pd.Series(list(reasons), dtype="str"),
        }
    )


def quarantined_rows(contract: Contract, raw: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    """The quarantined rows: index line, columns raw (JSON text) and reasons (list of sentences, in order of the rules).

    reasons: columns position (in raw), rule_index and reason.
    """
    if reasons.empty:
        return no_quarantined_rows()
    ordered = reasons.sort_values(["position", "rule_index"])
    positions, texts = ordered["position"].to_numpy(), ordered["reason"].tolist()
    begins = np.flatnonzero(np.concatenate([[True], positions[1:] != positions[:-1]]))
    ends = [*begins[1:].tolist(), len(texts)]
    rows = raw.iloc[positions[begins]]
    by_row = [texts[begin:end] for begin, end in zip(begins.tolist(), ends, strict=True)]
    return pd.DataFrame(
        {
            "raw": pd.Series(_as_json(contract, rows), index=rows.index, dtype="str"),
            "reasons": pd.Series(by_row, index=rows.index, dtype="object"),
        }
    ).rename_axis("line")


def to_rows(quarantined: pd.DataFrame) -> list[Row]:
    """The rows of a frame of quarantined rows for a reader."""
    columns = zip(quarantined.index, quarantined["raw"], quarantined["reasons"], strict=True)
    return [Row(int(line), raw, list(reasons)) for line, raw, reasons in columns]


def rows_as_they_came(
    contract: Contract, raw: pd.DataFrame, positions: Sequence[int], reasons: Sequence[str] = ()
) -> list[Row]:
    """These rows for a reader, each with its one reason where there are any."""
    rows = raw.iloc[list(positions)]
    told: list[list[str]] = [[reason] for reason in reasons] or [[] for _ in positions]
    texts = _as_json(contract, rows)
    return [Row(int(line), text, why) for line, text, why in zip(rows.index, texts, told, strict=True)]


def duplicate_key_rows(keys: pd.DataFrame, unfit: npt.NDArray[np.bool_]) -> tuple[Positions, Positions]:
    """The rows whose key another row keeps, and the row that keeps it, each by position; shape (losers,) each.

    The first row that is fit in all else keeps its key, so that a broken line does not cost the good one after it.
    keys: the columns of the key, index: position; a key that is missing in part is none. unfit: by position, shape
    (rows of the night,).
    """
    keys = keys.dropna()
    keys = keys[keys.duplicated(keep=False)]
    if keys.empty:
        return np.array([], dtype="int64"), np.array([], dtype="int64")
    position = keys.index.to_numpy(dtype="int64")
    group = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy()
    rows = pd.DataFrame({"group": group, "position": position, "unfit": unfit[position]})
    keeper = rows.sort_values(["unfit", "position"]).groupby("group")["position"].first().to_numpy()[group]
    loses = keeper != position
    return position[loses], keeper[loses]


def duplicate_key_reason(key: Sequence[str], line: int) -> str:
    """The reason of a row whose key the row of this line keeps."""
    return f"{', '.join(key)}: same key as line {line}; expected each invoice once"


def fingerprints(values: pd.DataFrame, names: set[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frame with the first 64 bits of a fingerprint in place of each value of these columns; and the other 64.

    Equal values have equal fingerprints, and unequal ones have not: among a million, the chance of a pair is 1e-27.
    """
    columns = sorted(names & set(values))
    first, second = ({name: _hashed(values[name], hash_key) for name in columns} for hash_key in HASH_KEYS)
    return values.assign(**first), pd.DataFrame(second, index=values.index)


def _hashed(column: pd.Series, hash_key: str) -> pd.Series:
    numbers = pd.util.hash_pandas_object(column, index=False, hash_key=hash_key).to_numpy().view("int64")
    return pd.Series(pd.arrays.IntegerArray(numbers, column.isna().to_numpy()), column.index)


def equality_codes(first: pd.Series, second: pd.Series) -> pd.Series:
    """Numbers that are equal where both halves of the fingerprints are; missing where they are."""
    halves = pd.DataFrame({"first": first, "second": second})
    codes = halves.groupby(["first", "second"], sort=False, dropna=False).ngroup()
    return codes.astype("Int64").mask(first.isna())


def _as_json(contract: Contract, rows: pd.DataFrame) -> list[str]:
    headers = [contract.header(name) if name in contract.fields else str(name) for name in rows.columns]
    return [_json_text(headers, values) for values in rows.astype(object).to_numpy().tolist()]


def _json_text(headers: Sequence[str], values: Sequence[Any]) -> str:
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
