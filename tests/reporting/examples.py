"""Findings of a night as the warehouse gives them, and text as an attacker writes it."""

import math
from datetime import date, timedelta
from typing import Any

from invoice_anomalies.reporting import NightCounts, PastNight
from invoice_anomalies.reporting.night import State
from invoice_anomalies.warehouse import Anomaly, AnomalyField, StillOpen

NIGHT = date(2026, 11, 20)
VERSION = "20261115T030000"
HOSTILE = '<script>alert("1")</script>\r\nBcc: thief@example.org\u202egnp.exe\x00\x1b[31m' + "A" * 600


def field(name: str, observed: str | None = "14,200.00", **changes: Any) -> AnomalyField:
    given: dict[str, Any] = {
        "field": name,
        "position": 1,
        "observed": observed,
        "expected": "1,310.00",
        "low": "1,150.00",
        "high": "1,480.00",
        "rarity": 25_000.0,
        "share": 0.7,
        "sentence": f"{name} {observed}; expected about 1,310.00 for this vendor",
    }
    given |= changes
    return AnomalyField(**{"error": math.log10(given["rarity"]), **given})


def anomaly(rank: int = 1, **changes: Any) -> Anomaly:
    given: dict[str, Any] = {
        "invoice_key": f"V00042|INV-{rank:04}",
        "extract_date": NIGHT,
        "model_version": VERSION,
        "rank_of_day": rank,
        "score": 9.0 - rank,
        "threshold": 4.2,
        "amount_at_risk": 14_200.0,
        "currency": "EUR",
        "entity": "V00042",
        "entity_name": "Acme Ltd",
        "kind": "slip",
        "top_field": "gross_amount",
        "explanation": "gross amount 14,200.00",
        "status": "open",
        "history_tier": "long",
        "history_rows": 259,
        "rank_by_amount": rank,
        "fields": [field("gross_amount")],
    }
    return Anomaly(**given | changes)


def three_anomalies() -> list[Anomaly]:
    return [
        anomaly(
            1,
            rank_by_amount=2,
            fields=[
                field(
                    "gross_amount",
                    sentence="amount 14,200.00; expected about 1,310 for this vendor (1,150 to 1,480); 1 in 25,000 are "
                    "this far off; ×10.8, looks like a shifted decimal point",
                ),
                field(
                    "due_date",
                    "2026-12-05",
                    position=2,
                    expected="30 days",
                    low="30 days",
                    high="30 days",
                    rarity=110.0,
                ),
            ],
        ),
        anomaly(
            2,
            invoice_key="V00107|A-99",
            entity="V00107",
            entity_name="Müller & Söhne GmbH",
            kind="account",
            amount_at_risk=28_110.4,
            rank_by_amount=1,
            top_field="cost_center",
            fields=[
                field(
                    "cost_center",
                    "9400",
                    expected="4711",
                    low=None,
                    high=None,
                    rarity=2e7,
                    sentence="cost center 9400; 212 of 212 invoices of this vendor had 4711",
                )
            ],
        ),
        anomaly(
            3,
            invoice_key="V00300|RE-88123",
            entity="V00300",
            amount_at_risk=1_467.5,
            currency="USD",
            history_tier="new",
            history_rows=0,
        ),
    ]


def still_open() -> list[StillOpen]:
    return [
        StillOpen("EUR", 10, 883_944.2, date(2026, 11, 2)),
        StillOpen("USD", 1, 1_200.0, date(2026, 11, 9)),
        StillOpen(None, 1, 0.0, date(2026, 11, 3)),
    ]


def counts(**changes: Any) -> NightCounts:
    given: dict[str, Any] = {
        "state": "loaded",
        "rows_in": 843,
        "loaded": 831,
        "quarantined": 12,
        "scored": 831,
        "flagged": 3,
        "at_risk": {"EUR": 42_310.4, "USD": 1_467.5},
        "model_version": VERSION,
        "model_trained_until": NIGHT - timedelta(days=6),
        "warnings": ["due_date: the payment is due before the invoice was written (3 rows)"],
        "quarantine_reasons": [("vendor_id: does not match V\\d{5}", 7), ("gross_amount: is missing", 5)],
        "data_docs": "/opt/airflow/var/data_docs/2026-11-20/gx/uncommitted/data_docs/local_site/index.html",
    }
    return NightCounts(**given | changes)


def thirty_nights() -> list[PastNight]:
    nights = [NIGHT - timedelta(days=days) for days in range(29, -1, -1)]
    special: dict[date, State] = {nights[8]: "refused", nights[15]: "missing"}
    return [
        PastNight(night, special[night])
        if night in special
        else PastNight(
            night,
            "loaded",
            loaded=60 + 7 * (i % 3) if night.weekday() > 4 else 700 + 41 * (i * 7 % 11),
            quarantined=i * 5 % 17,
            flagged=i * 3 % 8,
        )
        for i, night in enumerate(nights)
    ]
