"""Rows of an extract on their way into the tables: the keys of its invoices, and tables of the transaction."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import NUMERIC_TYPES
from invoice_anomalies.contract.schema import LINE
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse.copy import copy_in
from invoice_anomalies.warehouse.queries import execute, scalar
from invoice_anomalies.warehouse.schema.columns import definitions

SEPARATOR = "|"
Chunks = Iterable[tuple[pd.DataFrame, pd.DataFrame]]
"""Chunks of an extract: valid rows (TYPED, index line) and quarantined rows (index line, columns raw and reasons)."""


@dataclass(frozen=True)
class Extract:
    """One extract: its night, and where it lay."""

    extract_date: date
    file: str


def stage_chunks(cursor: Cursor, contract: Contract, extract: Extract, chunks: Chunks) -> int:
    """Copy the chunks into tables of this transaction, and return the number of valid rows.

    Raises WarehouseError where a line or a key comes twice.
    """
    execute(cursor, "make_night_table", columns=definitions(contract))
    execute(cursor, "make_quarantine_table")
    for valid, quarantined in chunks:
        copy_in(cursor, "night_invoices", _with_keys(contract, extract, valid))
        copy_in(cursor, "night_rejected", _rejected(quarantined))
    try:
        execute(cursor, "fill_quarantine")
    except errors.UniqueViolation as error:
        raise WarehouseError(
            f"{extract.file}: a line is quarantined twice; {error.diag.message_detail} Nothing was loaded"
        ) from None
    return scalar(cursor, "count_staged")


def invoice_keys(contract: Contract, valid: pd.DataFrame, extract_date: date) -> "pd.Series[str]":
    """Build the key of each invoice from a TYPED frame (index line): the contract's key fields joined by "|".

    Dates are ISO, numbers plain (12 and 12.5); the key field `line` becomes "<extract_date>#<line>". A "|" or "\\" in a
    value is written with a "\\" before it where there are several key fields, so that two invoices never share a key.
    """
    key_fields = [_as_text(contract, name, valid, extract_date) for name in contract.key]
    if len(key_fields) == 1:
        return key_fields[0]
    keys = _escaped(key_fields[0])
    for key_field in key_fields[1:]:
        keys = keys.str.cat(_escaped(key_field), sep=SEPARATOR)
    return keys


def raw_row(contract: Contract, table: str) -> sql.Composed:
    """A typed row of this table or alias as JSON text, by the headers of the extract; typed_from reads it back."""
    # Built by ||: functions of Postgres take 100 arguments at most, and names are cut after 63 bytes.
    # A percent sign in a header would be taken for a place of a value.
    headers = {
        name: f"{json.dumps(contract.header(name), ensure_ascii=False)}: ".replace("%", "%%")
        for name in contract.fields
    }
    values = [
        sql.SQL("{} || coalesce(to_json({})::text, 'null')").format(sql.Literal(header), sql.Identifier(table, name))
        for name, header in headers.items()
    ]
    return sql.SQL("'{{' || {} || '}}'").format(sql.SQL(" || ', ' || ").join(values))


def storable(text: str) -> str:
    """The text without what Postgres cannot hold: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _with_keys(contract: Contract, extract: Extract, valid: pd.DataFrame) -> pd.DataFrame:
    frame = valid[list(contract.fields)].copy(deep=False)
    frame.insert(0, "invoice_key", invoice_keys(contract, valid, extract.extract_date))
    frame.insert(0, "line", valid.index)
    twice = frame["invoice_key"].duplicated(keep=False)
    if twice.any():
        lines = ", ".join(str(line) for line in frame.index[twice][:10])
        raise WarehouseError(
            f"{extract.file}: {int(twice.sum())} valid rows share their key ({', '.join(contract.key)}), lines {lines}"
            "; nothing was loaded. Validation keeps the first of a key and quarantines the others"
        )
    return frame


def _rejected(quarantined: pd.DataFrame) -> pd.DataFrame:
    reasons = [
        json.dumps([storable(reason) for reason in reasons], ensure_ascii=False) for reasons in quarantined["reasons"]
    ]
    return pd.DataFrame(
        {
            "line": quarantined.index,
            "raw": pd.Series([storable(raw) for raw in quarantined["raw"]], dtype="str"),
            "reasons": pd.Series(reasons, dtype="str"),
        }
    )


def _escaped(key_field: "pd.Series[str]") -> "pd.Series[str]":
    return key_field.str.replace("\\", "\\\\", regex=False).str.replace(SEPARATOR, "\\" + SEPARATOR, regex=False)


def _as_text(contract: Contract, name: str, valid: pd.DataFrame, extract_date: date) -> "pd.Series[str]":
    if name == LINE:
        return extract_date.isoformat() + "#" + valid.index.to_series().astype("str")
    if contract.fields[name].type == "date":
        days = np.datetime_as_string(valid[name].to_numpy(dtype="datetime64[D]"))
        return pd.Series(days, index=valid.index, dtype="str")
    if contract.fields[name].type in NUMERIC_TYPES:
        return pd.Series([_plain(number) for number in valid[name]], index=valid.index, dtype="str")
    return valid[name].astype("str")


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(float(number))
