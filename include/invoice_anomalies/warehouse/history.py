"""The nights of a history that came in one file."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import pandas as pd
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import NightRefusedError
from invoice_anomalies.warehouse.copy import copy_in
from invoice_anomalies.warehouse.incoming import Chunks, Extract, invoice_keys
from invoice_anomalies.warehouse.loads import LoadCounts, load_night
from invoice_anomalies.warehouse.queries import execute, fetch_all, fetch_value


@dataclass(frozen=True)
class Reason:
    """A reason of quarantined rows: of how many, and the first of their lines."""

    reason: str
    rows: int
    line: int


def history_elsewhere(
    connection: Connection, contract: Contract, file: str, chunks: Iterable[tuple[pd.DataFrame, pd.Series]]
) -> list[tuple[date, str, int]]:
    """The nights that have invoices of a history from another file and on another day: night, file, invoices.

    chunks: valid rows of the history, and the night of each. A key with the line in it is of its file alone.
    """
    with connection.cursor() as cursor:
        execute(cursor, "make_history_keys")
        for valid, nights in chunks:
            keys = invoice_keys(contract, valid, date.min)
            copy_in(cursor, "history_keys", pd.DataFrame({"invoice_key": keys, "extract_date": nights}))
        execute(cursor, "history_elsewhere", {"file": file})
        found = [(night, other, int(rows)) for night, other, rows in cursor.fetchall()]
    connection.commit()
    return found


def load_history_night(
    connection: Connection,
    contract: Contract,
    extract: Extract,
    chunks: Chunks,
    rows_in: int,
    warnings: list[str],
    data_docs: str,
) -> LoadCounts | str:
    """Load one night of a history and commit; change nothing, and return the reason, where another holds its rows.

    That is another file that holds the night, or another night that has its rows.
    """
    # Asked under the lock that load_night takes: the night's own extract may be loaded at this moment.
    fetch_all(connection, "lock_nights")
    holder: str | None = fetch_value(
        connection, "night_of_another_file", {"extract_date": extract.extract_date, "file": extract.file}
    )
    if holder is not None:
        connection.commit()
        return f"{holder} holds this night"
    try:
        counts = load_night(connection, contract, extract, chunks, rows_in, warnings, data_docs)
    except NightRefusedError as refusal:  # on record by now
        return str(refusal)
    connection.commit()
    return counts


def file_counts(connection: Connection, file: str) -> LoadCounts:
    """Count the rows of a file that all its nights have together."""
    ((rows_in, loaded, quarantined),) = fetch_all(connection, "file_counts", {"file": file})
    return LoadCounts(int(rows_in), int(loaded), int(quarantined))


def file_reasons(connection: Connection, file: str, most: int) -> list[Reason]:
    """The most frequent reasons why rows of this file are in quarantine."""
    return [Reason(*row) for row in fetch_all(connection, "file_reasons", {"file": file, "most": most})]
