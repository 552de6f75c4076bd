"""The rows of an extract on their way into the tables: staged in tables of the transaction, keyed, storable."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import pandas as pd
from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse.columns import definitions
from invoice_anomalies.warehouse.connection import one, run
from invoice_anomalies.warehouse.copy import copy_in
from invoice_anomalies.warehouse.keys import invoice_keys

Parts = Iterable[tuple[pd.DataFrame, pd.DataFrame]]
"""Parts of an extract: valid rows (TYPED, index line) and quarantined rows (index line, columns raw and reasons)."""


@dataclass(frozen=True)
class Night:
    """One extract: its night, and where it lay."""

    extract_date: date
    file: str


def stage_parts(cursor: Cursor, contract: Contract, night: Night, parts: Parts) -> int:
    """Copy the parts into tables of this transaction, and return the number of valid rows.

    Raises WarehouseError where a line or a key comes twice.
    """
    run(cursor, "make_night_table", columns=definitions(contract))
    run(cursor, "make_quarantine_table")
    for valid, quarantined in parts:
        copy_in(cursor, "night_invoices", _with_keys(contract, night, valid))
        copy_in(cursor, "night_rejected", _rejected(quarantined))
    try:
        run(cursor, "fill_quarantine")
    except errors.UniqueViolation as error:
        raise WarehouseError(
            f"{night.file}: a line is quarantined twice; {error.diag.message_detail} Nothing was loaded"
        ) from None
    return one(cursor, "count_staged")


def raw_row(contract: Contract, table: str) -> sql.Composed:
    """A typed row of this table or alias as JSON text, by the headers of the extract; from_raw reads it back."""
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


def _with_keys(contract: Contract, night: Night, valid: pd.DataFrame) -> pd.DataFrame:
    frame = valid[list(contract.fields)].copy(deep=False)
    frame.insert(0, "invoice_key", invoice_keys(contract, valid, night.extract_date))
    frame.insert(0, "line", valid.index)
    twice = frame["invoice_key"].duplicated(keep=False)
    if twice.any():
        lines = ", ".join(str(line) for line in frame.index[twice][:10])
        raise WarehouseError(
            f"{night.file}: {int(twice.sum())} valid rows share their key ({', '.join(contract.key)}), lines {lines}; "
            "nothing was loaded. Validation keeps the first of a key and quarantines the others"
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
