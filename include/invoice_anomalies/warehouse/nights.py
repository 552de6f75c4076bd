"""A night's extract into the tables: every row is loaded or quarantined, and loading again changes nothing."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import NightRefusedError, WarehouseError
from invoice_anomalies.warehouse.arriving import Night, Parts, raw_row, stage_parts, storable
from invoice_anomalies.warehouse.columns import fields_of
from invoice_anomalies.warehouse.connection import ask, ask_one, one, run, whole
from invoice_anomalies.warehouse.gone import give_back
from invoice_anomalies.warehouse.repeated import refuse_equal_content, refuse_repeated_rows

USUAL_NIGHTS = 30
FEWEST_USUAL_NIGHTS = 3


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
    What this night holds no longer is given back to the later night that delivered it too.
    Memory: one part. Raises WarehouseError, and changes nothing, where a line or key comes twice or rows_in is not
    loaded + quarantined; NightRefusedError, with the refusal on record and committed, where the night repeats another.
    """
    try:
        with whole(connection) as cursor:
            return _load(cursor, contract, night, parts, rows_in, warnings, data_docs)
    except NightRefusedError as refusal:
        refuse_night(connection, night, rows_in, [str(refusal)], data_docs)
        connection.commit()
        raise NightRefusedError(
            f"the night of {night.extract_date} is refused and nothing of it was loaded:\n{refusal}"
        ) from None


def _load(
    cursor: Cursor,
    contract: Contract,
    night: Night,
    parts: Parts,
    rows_in: int,
    warnings: list[str],
    data_docs: str,
) -> LoadCounts:
    of_night = {"extract_date": night.extract_date, "file": night.file}
    valid = stage_parts(cursor, contract, night, parts)
    run(cursor, "content_of_night", night_fields=fields_of(contract, "night"))
    content: str | None = next(iter(cursor.fetchone() or ()), None)
    run(cursor, "lock_nights")
    refuse_equal_content(cursor, contract, night, content)
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
    _record(cursor, night, counts, [], warnings, data_docs, content, success=True)
    run(cursor, "supersede_runs", of_night)
    if changes.any:
        run(cursor, "record_load", {**of_night, **vars(changes)})
    if changes.removed:
        give_back(cursor, contract)
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


def _replace_invoices(cursor: Cursor, contract: Contract, night: Night, valid: int) -> Changes:
    of_night = {"extract_date": night.extract_date, "file": night.file}
    removed = taken_over = 0
    if one(cursor, "night_rows", of_night):
        removed = one(cursor, "delete_undelivered_invoices", of_night)
    if one(cursor, "later_nights", of_night):
        taken_over = one(cursor, "displace_later_nights", of_night, raw=raw_row(contract, "invoice"))
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
        run(cursor, "quarantine_earlier_nights", of_night, raw=raw_row(contract, "night"))
    refuse_repeated_rows(cursor, contract, night, valid, taken_over)
    return Changes(added + taken_over, changed - taken_over, removed)


def _record(
    cursor: Cursor,
    night: Night,
    counts: LoadCounts,
    problems: list[str],
    warnings: list[str],
    data_docs: str,
    content: str | None = None,
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
        "problems": [storable(problem) for problem in problems],
        "warnings": [storable(warning) for warning in warnings],
        "data_docs": data_docs,
        "content": content,
    }
    run(cursor, "upsert_validation_run", values)
    run(cursor, "forget_day_without_extract", {"extract_date": night.extract_date})
