"""A night's extract into the tables: every row is loaded or quarantined, and loading again changes nothing."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pandas as pd
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from include.contract import Contract
from include.errors import WarehouseError
from include.warehouse.columns import definitions, fields_of
from include.warehouse.connection import ask, ask_one, one, run, whole
from include.warehouse.copy import copy_in
from include.warehouse.keys import invoice_keys

USUAL_NIGHTS = 30
FEWEST_USUAL_NIGHTS = 3

Parts = Iterable[tuple[pd.DataFrame, pd.DataFrame]]
"""Parts of an extract: valid rows (TYPED, index line) and quarantined rows (index line, columns raw and reasons)."""


@dataclass(frozen=True)
class Night:
    """One extract: its night, and where it lay."""

    extract_date: date
    file: str


@dataclass(frozen=True)
class Changes:
    """What a load changed: invoices that the night did not have, whose values changed, that it has no longer."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def any(self) -> bool:
        return self.added + self.changed + self.removed > 0


@dataclass(frozen=True)
class LoadCounts:
    """What became of a night's rows: rows_in == loaded + quarantined."""

    rows_in: int
    loaded: int
    quarantined: int
    changes: Changes = field(default=Changes(), compare=False)


def load_night(
    connection: Connection,
    contract: Contract,
    night: Night,
    parts: Parts,
    rows_in: int,
    warnings: list[str],
    data_docs: str,
) -> LoadCounts:
    """Make the tables hold exactly this extract for its night, whatever they held of it before.

    The earliest night keeps an invoice: the row of a later one is quarantined with that reason, whichever came first.
    Memory: one part. Raises WarehouseError, and changes nothing, where a line or key comes twice or rows_in is not
    loaded + quarantined.
    """
    of_night = {"extract_date": night.extract_date, "file": night.file}
    with whole(connection) as cursor:
        valid = _stage(cursor, contract, night, parts)
        run(cursor, "lock_nights")
        changes = _replace_invoices(cursor, contract, night, valid)
        run(cursor, "replace_quarantine", of_night)
        counts = LoadCounts(
            rows_in, one(cursor, "night_rows", of_night), one(cursor, "count_quarantine", of_night), changes
        )
        if counts.rows_in != counts.loaded + counts.quarantined:
            raise WarehouseError(
                f"{night.file}: {rows_in} rows came in, but {counts.loaded} would be loaded and {counts.quarantined} "
                "quarantined; nothing was loaded. A row was lost or counted twice on the way: please report this"
            )
        _record(cursor, night, counts, [], warnings, data_docs, success=True)
        run(cursor, "supersede_runs", of_night)
        if changes.any:
            run(cursor, "record_load", {**of_night, **vars(changes)})
    return counts


def refuse_night(connection: Connection, night: Night, rows_in: int, problems: list[str], data_docs: str) -> None:
    """Record that the night was refused and why; what an earlier extract loaded for it stays."""
    with whole(connection) as cursor:
        run(cursor, "lock_nights")
        _record(cursor, night, LoadCounts(rows_in, 0, 0), problems, [], data_docs, success=False)


Status = Literal["missing", "no extract", "refused", "loaded"]


def night_status(connection: Connection, extract_date: date) -> Status:
    """Tell whether the night has been loaded; refused where none of its extracts was accepted at its last run.

    "no extract": it is on record that the night had none, and none has come since.
    """
    status: Status | None = ask_one(connection, "night_status", {"extract_date": extract_date})
    return status or "missing"


def record_day_without_extract(connection: Connection, extract_date: date, reason: str) -> None:
    """Record that the night had no extract and why; leave a night alone whose extract came."""
    with whole(connection) as cursor:
        run(cursor, "lock_nights")
        run(cursor, "record_day_without_extract", {"extract_date": extract_date, "reason": reason})


def day_without_extract(connection: Connection, extract_date: date) -> str | None:
    """Why the night had no extract; None where that is not on record."""
    reason: str | None = ask_one(connection, "day_without_extract", {"extract_date": extract_date})
    return reason


def night_rows(connection: Connection, extract_date: date) -> int:
    """Count the invoices of the night."""
    return int(ask_one(connection, "night_rows", {"extract_date": extract_date}))


def usual_rows(connection: Connection, extract_date: date) -> float | None:
    """Median number of rows of up to 30 accepted nights before this one; None below 3 nights."""
    values = {"extract_date": extract_date, "most_nights": USUAL_NIGHTS, "fewest_nights": FEWEST_USUAL_NIGHTS}
    median = ask_one(connection, "usual_rows", values)
    return None if median is None else float(median)


def last_load(connection: Connection, first: date, last: date) -> int:
    """Number of the last load that changed a night from first to last; 0 where none did."""
    return int(ask_one(connection, "last_load", {"first": first, "last": last}))


def stale_nights(connection: Connection, first: date) -> list[date]:
    """Nights from `first` on whose scores rest on invoices that changed since."""
    return [night for (night,) in ask(connection, "stale_nights", {"first": first})]


def nights_that_gave_way(connection: Connection) -> list[Night]:
    """Nights with rows in quarantine for an invoice that an earlier night had, and has no longer: it is theirs now."""
    return [Night(*row) for row in ask(connection, "nights_that_gave_way")]


def _stage(cursor: Cursor, contract: Contract, night: Night, parts: Parts) -> int:
    """Copy the parts into tables of this transaction, and return the number of valid rows."""
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


def _replace_invoices(cursor: Cursor, contract: Contract, night: Night, valid: int) -> Changes:
    of_night = {"extract_date": night.extract_date, "file": night.file}
    removed = taken_over = 0
    if one(cursor, "night_rows", of_night):
        removed = one(cursor, "delete_undelivered_invoices", of_night)
    if one(cursor, "later_nights", of_night):
        taken_over = one(cursor, "displace_later_nights", of_night, raw=_raw(contract, "invoice"))
    try:
        run(
            cursor,
            "upsert_invoices",
            of_night,
            fields=fields_of(contract),
            night_fields=fields_of(contract, "night"),
            new_fields=fields_of(contract, "excluded"),
            old_fields=fields_of(contract, "invoice"),
        )
    except errors.CardinalityViolation:
        raise WarehouseError(
            f"{night.file}: valid rows of different parts share their key ({', '.join(contract.key)}); nothing was "
            "loaded. Validation keeps the first of a key and quarantines the others"
        ) from None
    row = cursor.fetchone() or (0, 0, 0)
    touched, added, changed = (int(number) for number in row)
    if touched < valid:
        # The others did not change, or an earlier night holds them.
        run(cursor, "quarantine_earlier_nights", of_night, raw=_raw(contract, "night"))
    return Changes(added + taken_over, changed - taken_over, removed)


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
        json.dumps([_storable(reason) for reason in reasons], ensure_ascii=False) for reasons in quarantined["reasons"]
    ]
    return pd.DataFrame(
        {
            "line": quarantined.index,
            "raw": pd.Series([_storable(raw) for raw in quarantined["raw"]], dtype="str"),
            "reasons": pd.Series(reasons, dtype="str"),
        }
    )


def _raw(contract: Contract, table: str) -> sql.Composed:
    """A typed row of this table or alias as JSON text, by the headers of the extract."""
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


def _record(
    cursor: Cursor,
    night: Night,
    counts: LoadCounts,
    problems: list[str],
    warnings: list[str],
    data_docs: str,
    *,
    success: bool,
) -> None:
    values = {
        "extract_date": night.extract_date,
        "file": night.file,
        "rows_in": counts.rows_in,
        "valid": counts.loaded,
        "quarantined": counts.quarantined,
        "success": success,
        "problems": [_storable(problem) for problem in problems],
        "warnings": [_storable(warning) for warning in warnings],
        "data_docs": data_docs,
    }
    run(cursor, "upsert_validation_run", values)
    run(cursor, "forget_day_without_extract", {"extract_date": night.extract_date})


def _storable(text: str) -> str:
    """The text without what Postgres cannot hold: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
