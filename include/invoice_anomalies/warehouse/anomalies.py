"""Anomalies with the fields that explain them, as plain values."""

from dataclasses import dataclass
from datetime import date

from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.warehouse.connection import ask


@dataclass(frozen=True)
class AnomalyField:
    """One field of an anomaly. rarity: one normal invoice in this many is as far off. share: of the score, 0 to 1."""

    field: str
    position: int
    observed: str | None
    expected: str | None
    low: str | None
    high: str | None
    error: float
    rarity: float
    share: float
    sentence: str


@dataclass(frozen=True)
class Anomaly:
    """An invoice that was flagged, and why: its fields, the one that contributes most first."""

    invoice_key: str
    extract_date: date
    model_version: str
    rank_of_day: int
    score: float
    threshold: float
    amount_at_risk: float | None
    currency: str | None
    entity: str | None
    top_field: str
    explanation: str
    status: str
    history_tier: str
    history_rows: int
    rank_by_amount: int
    entity_name: str | None
    kind: str | None
    fields: list[AnomalyField]


@dataclass(frozen=True)
class StillOpen:
    """Anomalies of earlier nights that nobody has judged, of one currency (None where there is none)."""

    currency: str | None
    invoices: int
    amount: float
    oldest: date


def night_anomalies(
    connection: Connection, extract_date: date, version: str, limit: int | None = None
) -> list[Anomaly]:
    """Read the anomalies of a night by a version, the highest score first; at most `limit`."""
    rows = ask(connection, "night_anomalies", {"extract_date": extract_date, "version": version, "limit": limit})
    fields: dict[str, list[AnomalyField]] = {row[0]: [] for row in rows}
    for key, *values in ask(connection, "fields_of_anomalies", {"version": version, "keys": list(fields)}):
        fields[key].append(AnomalyField(*values))
    return [Anomaly(*(*row, fields[row[0]])) for row in rows]


def open_before(connection: Connection, extract_date: date) -> list[StillOpen]:
    """Count what is still open from the nights before this one, by currency."""
    return [StillOpen(*row) for row in ask(connection, "open_before", {"extract_date": extract_date})]
