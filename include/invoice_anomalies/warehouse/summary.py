"""The numbers of a night and of those before it, for the daily summary."""

from datetime import date
from decimal import Decimal
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.warehouse.connection import ask, run
from invoice_anomalies.warehouse.nights import night_status

SERIES_NIGHTS = 30


def day_counts(connection: Connection, extract_date: date) -> dict[str, Any]:
    """Count what happened in a night.

    Returns status (missing, refused, loaded), the columns of v_daily_summary for the night (zeros and None where it is
    missing), `reasons` (list of (reason, rows), most frequent first), `problems`, `warnings`, `data_docs` (lists), and
    `series`: the same columns for up to 30 nights ending with this one, oldest first.
    """
    with connection.cursor() as cursor:
        run(cursor, "last_nights", {"extract_date": extract_date, "nights": SERIES_NIGHTS})
        names = [column.name for column in cursor.description or ()]
        series = [dict(zip(names, map(_plain, row), strict=True)) for row in reversed(cursor.fetchall())]
    night = series[-1] if series and series[-1]["extract_date"] == extract_date else _nothing(names, extract_date)
    messages = ask(connection, "night_messages", {"extract_date": extract_date})
    return {
        "status": night_status(connection, extract_date),
        **night,
        "reasons": ask(connection, "quarantine_reasons", {"extract_date": extract_date}),
        "problems": [problem for _, _, problems, _, _ in messages for problem in problems],
        "warnings": [warning for _, _, _, warnings, _ in messages for warning in warnings],
        "data_docs": [docs for _, _, _, _, docs in messages],
        "series": series,
    }


def _nothing(names: list[str], extract_date: date) -> dict[str, Any]:
    unknown = {"success", "currency", "model_version", "validated_at", "scored_at"}
    return {name: None if name in unknown else 0 for name in names} | {"extract_date": extract_date}


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
