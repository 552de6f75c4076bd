"""A flagged invoice as the warehouse keeps it and mails tell it."""

from dataclasses import dataclass
from datetime import date


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
