"""Plain values for mails and the demo: anomalies with their fields, a night in numbers, alerts that were sent."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.anomaly import Anomaly, AnomalyField, StillOpen
from invoice_anomalies.warehouse.connection import savepoint
from invoice_anomalies.warehouse.nights import night_status
from invoice_anomalies.warehouse.queries import execute, fetch_all, fetch_value

SERIES_NIGHTS = 30


def night_anomalies(
    connection: Connection, extract_date: date, version: str, limit: int | None = None
) -> list[Anomaly]:
    """Read the anomalies of a night by a version, the highest score first; at most `limit`."""
    rows = fetch_all(connection, "night_anomalies", {"extract_date": extract_date, "version": version, "limit": limit})
    fields: dict[str, list[AnomalyField]] = {row[0]: [] for row in rows}
    for key, *values in fetch_all(connection, "fields_of_anomalies", {"version": version, "keys": list(fields)}):
        fields[key].append(AnomalyField(*values))
    return [Anomaly(*(*row, fields[row[0]])) for row in rows]


def open_before(connection: Connection, extract_date: date) -> list[StillOpen]:
    """Count what is still open from the nights before this one, by currency."""
    return [StillOpen(*row) for row in fetch_all(connection, "open_before", {"extract_date": extract_date})]


def day_counts(connection: Connection, extract_date: date) -> dict[str, Any]:
    """Count what happened in a night.

    Returns status (missing, refused, loaded), the columns of v_daily_summary for the night (zeros and None where it is
    missing), `reasons` (list of (reason, rows), most frequent first), `problems`, `warnings`, `data_docs` (lists), and
    `series`: the same columns for up to 30 nights ending with this one, oldest first.
    """
    with connection.cursor() as cursor:
        execute(cursor, "last_nights", {"extract_date": extract_date, "nights": SERIES_NIGHTS})
        names = [column.name for column in cursor.description or ()]
        series = [dict(zip(names, map(_plain, row), strict=True)) for row in reversed(cursor.fetchall())]
    night = series[-1] if series and series[-1]["extract_date"] == extract_date else _nothing(names, extract_date)
    messages = fetch_all(connection, "night_messages", {"extract_date": extract_date})
    return {
        "status": night_status(connection, extract_date),
        **night,
        "reasons": fetch_all(connection, "quarantine_reasons", {"extract_date": extract_date}),
        "problems": [problem for _, _, problems, _, _ in messages for problem in problems],
        "warnings": [warning for _, _, _, warnings, _ in messages for warning in warnings],
        "data_docs": [docs for _, _, _, _, docs in messages],
        "series": series,
    }


def alert_sent(connection: Connection, digest: str) -> bool:
    """Take the lock `alerts`, held to the end of the transaction, and return whether `digest` is in the table.

    False means: this transaction alone may send.
    """
    with connection.cursor() as cursor:
        execute(cursor, "lock_alerts")
    return bool(fetch_value(connection, "alert_sent", {"digest": digest}))


def record_alert(
    connection: Connection, extract_date: date, version: str, channel: str, anomalies: Sequence[Anomaly], digest: str
) -> None:
    """Note that an alert about these anomalies was sent; once for a digest."""
    values = {
        "extract_date": extract_date,
        "version": version,
        "channel": channel,
        "anomalies": [anomaly.invoice_key for anomaly in anomalies],
        "digest": digest,
    }
    with savepoint(connection) as cursor:
        execute(cursor, "record_alert", values)


def _nothing(names: list[str], extract_date: date) -> dict[str, Any]:
    unknown = {"success", "currency", "model_version", "validated_at", "scored_at"}
    return {name: None if name in unknown else 0 for name in names} | {"extract_date": extract_date}


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
