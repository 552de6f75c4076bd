"""Invoices that a night holds no longer: later nights that delivered them too have them back; nights taken back."""

from dataclasses import dataclass, field
from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse.connection import savepoint
from invoice_anomalies.warehouse.incoming import Extract, stage_chunks
from invoice_anomalies.warehouse.queries import execute, fetch_all, fetch_value, scalar
from invoice_anomalies.warehouse.schema.columns import fields_of, typed_from

GivenBack = dict[date, int]  # by night: how many invoices it has back


@dataclass(frozen=True)
class Withdrawal:
    """A night that was taken back: how many rows were removed, and how many of them later nights have back."""

    invoices: int = 0
    quarantined: int = 0
    anomalies: int = 0
    given_back: GivenBack = field(default_factory=dict)


def take_back(connection: Connection, contract: Contract, extract_date: date, reason: str, taken_by: str) -> Withdrawal:
    """Remove all that a night left, as if it had never come; verdicts stay, and who did it and why is on record.

    What a later night had delivered too is that night's from now on. The night is missing afterwards and can be loaded
    anew. A night that has been taken back before is left as it is. Raises WarehouseError where no reason is given or
    there is nothing of the night to take back.
    """
    if not reason.strip():
        raise WarehouseError(f"the night of {extract_date} is taken back only with a reason, which stays on record")
    of_night = {"extract_date": extract_date}
    with savepoint(connection) as cursor:
        execute(cursor, "lock_nights")
        file: str | None = fetch_value(connection, "newest_file", of_night)
        if file is None:
            if fetch_value(connection, "was_taken_back", of_night):
                return Withdrawal()
            raise WarehouseError(
                f"nothing of the night of {extract_date} is there to be taken back; v_daily_summary lists the nights"
            )
        extract = Extract(extract_date, file)
        stage_chunks(cursor, contract, extract, [])  # the night delivers nothing
        anomalies = scalar(cursor, "night_anomaly_count", of_night)
        quarantined = scalar(cursor, "count_quarantine", of_night)
        removed = scalar(cursor, "delete_undelivered_invoices", of_night)
        execute(cursor, "replace_quarantine", {**of_night, "file": file})
        execute(cursor, "end_runs", of_night)
        if removed:
            execute(cursor, "record_load", {**of_night, "file": file, "added": 0, "changed": 0, "removed": removed})
        done = Withdrawal(removed, quarantined, anomalies, give_back(cursor, contract))
        values = {**vars(done), "given_back": sum(done.given_back.values()), "reason": reason, "taken_by": taken_by}
        execute(cursor, "record_withdrawal", {**of_night, **values})
    return done


def give_back(cursor: Cursor, contract: Contract) -> GivenBack:
    """Load the invoices of the table night_gone for the earliest of the nights that have them in quarantine."""
    headers = [contract.header(name).replace("%", "%%") for name in contract.fields]
    execute(
        cursor,
        "give_back",
        {},
        fields=fields_of(contract),
        typed=typed_from(contract, "raw"),
        headers=sql.Literal(headers),
    )
    return {night: int(rows) for night, rows in cursor.fetchall()}


def give_back_all(connection: Connection, contract: Contract) -> tuple[GivenBack, list[Extract]]:
    """Give back what waits in quarantine for an invoice that is gone, and name the nights that still wait.

    Loading does so by itself; nights still wait where the contract has changed since they came: they are to be loaded
    again from their extracts.
    """
    if not nights_to_reload(connection):
        return {}, []
    with savepoint(connection) as cursor:
        execute(cursor, "lock_nights")
        execute(cursor, "make_gone_table")
        execute(cursor, "find_gone")
        given = give_back(cursor, contract)
    return given, nights_to_reload(connection)


def nights_to_reload(connection: Connection) -> list[Extract]:
    """Nights with rows in quarantine for an invoice that an earlier night had, and has no longer: it is theirs now."""
    return [Extract(*row) for row in fetch_all(connection, "nights_to_reload")]
