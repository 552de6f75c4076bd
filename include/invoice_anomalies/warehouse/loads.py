"""A night's extract into the tables: every row is loaded or quarantined, and loading again changes nothing."""

from dataclasses import dataclass, field
from datetime import date

from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import NightRefusedError, WarehouseError
from invoice_anomalies.warehouse.connection import savepoint
from invoice_anomalies.warehouse.incoming import Chunks, Extract, raw_row, stage_chunks, storable
from invoice_anomalies.warehouse.queries import execute, scalar
from invoice_anomalies.warehouse.repeated_nights import refuse_equal_content, refuse_repeated_rows
from invoice_anomalies.warehouse.schema.columns import fields_of
from invoice_anomalies.warehouse.withdrawals import give_back


@dataclass(frozen=True)
class Changes:
    """Invoices that a load changed: new in the night, with other values than before, in the night no longer."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def any(self) -> bool:
        return self.added + self.changed + self.removed > 0


@dataclass(frozen=True)
class LoadCounts:
    """Rows of a night: rows_in == loaded + quarantined."""

    rows_in: int
    loaded: int
    quarantined: int
    changes: Changes = field(default=Changes(), compare=False)


def load_night(
    connection: Connection,
    contract: Contract,
    extract: Extract,
    chunks: Chunks,
    rows_in: int,
    warnings: list[str],
    data_docs: str,
) -> LoadCounts:
    """Make the tables hold exactly this extract for its night, whatever they held of it before.

    The earliest night keeps an invoice: the row of a later one is quarantined with that reason, whichever came first.
    What this night holds no longer is given back to the later night that delivered it too.
    Memory: one chunk. Raises WarehouseError, and changes nothing, where a line or key comes twice or rows_in is not
    loaded + quarantined; NightRefusedError, with the refusal on record and committed, where the night repeats another.
    """
    try:
        with savepoint(connection) as cursor:
            return _load(cursor, contract, extract, chunks, rows_in, warnings, data_docs)
    except NightRefusedError as refusal:
        refuse_night(connection, extract, rows_in, [str(refusal)], data_docs)
        connection.commit()
        raise NightRefusedError(
            f"the night of {extract.extract_date} is refused and nothing of it was loaded:\n{refusal}"
        ) from None


def _load(
    cursor: Cursor,
    contract: Contract,
    extract: Extract,
    chunks: Chunks,
    rows_in: int,
    warnings: list[str],
    data_docs: str,
) -> LoadCounts:
    of_night = {"extract_date": extract.extract_date, "file": extract.file}
    valid = stage_chunks(cursor, contract, extract, chunks)
    execute(cursor, "content_of_night", night_fields=fields_of(contract, "night"))
    content: str | None = next(iter(cursor.fetchone() or ()), None)
    execute(cursor, "lock_nights")
    refuse_equal_content(cursor, contract, extract, content)
    changes = _replace_invoices(cursor, contract, extract, valid)
    execute(cursor, "replace_quarantine", of_night)
    counts = LoadCounts(
        rows_in, scalar(cursor, "night_rows", of_night), scalar(cursor, "count_quarantine", of_night), changes
    )
    if counts.rows_in != counts.loaded + counts.quarantined:
        raise WarehouseError(
            f"{extract.file}: {rows_in} rows came in, but {counts.loaded} would be loaded and {counts.quarantined} "
            "quarantined; nothing was loaded. A row was lost or counted twice on the way: please report this"
        )
    _record(cursor, extract, counts, [], warnings, data_docs, content, success=True)
    execute(cursor, "supersede_runs", of_night)
    if changes.any:
        execute(cursor, "record_load", {**of_night, **vars(changes)})
    if changes.removed:
        give_back(cursor, contract)
    return counts


def refuse_night(connection: Connection, extract: Extract, rows_in: int, problems: list[str], data_docs: str) -> None:
    """Record that the night was refused and why; what an earlier extract loaded for it stays."""
    with savepoint(connection) as cursor:
        execute(cursor, "lock_nights")
        _record(cursor, extract, LoadCounts(rows_in, 0, 0), problems, [], data_docs, success=False)


def record_day_without_extract(connection: Connection, extract_date: date, reason: str) -> None:
    """Record that the night had no extract and why; leave a night alone whose extract came."""
    with savepoint(connection) as cursor:
        execute(cursor, "lock_nights")
        execute(cursor, "record_day_without_extract", {"extract_date": extract_date, "reason": reason})


def _replace_invoices(cursor: Cursor, contract: Contract, extract: Extract, valid: int) -> Changes:
    of_night = {"extract_date": extract.extract_date, "file": extract.file}
    removed = taken_over = 0
    if scalar(cursor, "night_rows", of_night):
        removed = scalar(cursor, "delete_undelivered_invoices", of_night)
    if scalar(cursor, "later_nights", of_night):
        taken_over = scalar(cursor, "take_over_from_later_nights", of_night, raw=raw_row(contract, "invoice"))
    try:
        execute(
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
            f"{extract.file}: valid rows of different chunks share their key ({', '.join(contract.key)}); nothing was "
            "loaded. Validation keeps the first of a key and quarantines the others"
        ) from None
    row = cursor.fetchone() or (0, 0, 0)
    touched, added, changed = (int(number) for number in row)
    if touched < valid:
        # The others did not change, or an earlier night holds them.
        execute(cursor, "quarantine_earlier_nights", of_night, raw=raw_row(contract, "night"))
    refuse_repeated_rows(cursor, contract, extract, valid, taken_over)
    return Changes(added + taken_over, changed - taken_over, removed)


def _record(
    cursor: Cursor,
    extract: Extract,
    counts: LoadCounts,
    problems: list[str],
    warnings: list[str],
    data_docs: str,
    content: str | None = None,
    *,
    success: bool,
) -> None:
    values = {
        "extract_date": extract.extract_date,
        "file": extract.file,
        "rows_in": counts.rows_in,
        "valid": counts.loaded,
        "quarantined": counts.quarantined,
        "success": success,
        "problems": [storable(problem) for problem in problems],
        "warnings": [storable(warning) for warning in warnings],
        "data_docs": data_docs,
        "content": content,
    }
    execute(cursor, "upsert_validation_run", values)
    execute(cursor, "forget_day_without_extract", {"extract_date": extract.extract_date})
