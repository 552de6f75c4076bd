"""Nights as the tables have them: their status, their rows and files, and whether their scores are stale."""

from datetime import date
from typing import Literal

from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.warehouse.queries import fetch_all, fetch_value

USUAL_NIGHTS = 30
FEWEST_USUAL_NIGHTS = 3
Status = Literal["missing", "no extract", "refused", "loaded"]


def night_status(connection: Connection, extract_date: date) -> Status:
    """Tell whether the night has been loaded; refused where none of its extracts was accepted at its last run.

    "no extract": it is on record that the night had none, and none has come since.
    """
    status: Status | None = fetch_value(connection, "night_status", {"extract_date": extract_date})
    return status or "missing"


def day_without_extract(connection: Connection, extract_date: date) -> str | None:
    """The reason why the night had no extract; None where none is on record."""
    reason: str | None = fetch_value(connection, "day_without_extract", {"extract_date": extract_date})
    return reason


def night_rows(connection: Connection, extract_date: date) -> int:
    """Count the invoices of the night."""
    return int(fetch_value(connection, "night_rows", {"extract_date": extract_date}))


def usual_rows(connection: Connection, extract_date: date) -> float | None:
    """Median number of rows of up to 30 accepted nights before this one; None below 3 nights."""
    values = {"extract_date": extract_date, "most_nights": USUAL_NIGHTS, "fewest_nights": FEWEST_USUAL_NIGHTS}
    median = fetch_value(connection, "usual_rows", values)
    return None if median is None else float(median)


def last_load(connection: Connection, first: date, last: date) -> int:
    """Number of the last load that changed a night from first to last; 0 where none did."""
    return int(fetch_value(connection, "last_load", {"first": first, "last": last}))


def stale_nights(connection: Connection, first: date) -> list[date]:
    """Nights from `first` on whose scores rest on invoices that changed since."""
    return [night for (night,) in fetch_all(connection, "stale_nights", {"first": first})]


def nights_of_other_files(connection: Connection, file: str) -> dict[date, str]:
    """The nights that hold rows of an extract other than this file, and which."""
    return dict(fetch_all(connection, "nights_of_other_files", {"file": file}))


def nights_of_file(connection: Connection, file: str) -> list[date]:
    """The nights that hold rows of this file, in order."""
    return [night for (night,) in fetch_all(connection, "nights_of_file", {"file": file})]


def loaded_nights(connection: Connection, last: date) -> list[tuple[date, int]]:
    """The nights up to `last` that have invoices, in order, and how many they have."""
    return [(night, int(rows)) for night, rows in fetch_all(connection, "loaded_nights", {"last": last})]
