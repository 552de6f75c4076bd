"""Anomalies as the messages show them."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from invoice_anomalies.anomaly import Anomaly
from invoice_anomalies.contract import Contract
from invoice_anomalies.text import is_finite, judged_on, money, odds, one_line, usual_range

NO_HISTORY = "new"
MOST_FIELDS = 5  # the largest shares of the score; the rest is in v_anomaly_fields
MOST_SENTENCES = 3
MOST_LARGEST = 3  # anomalies of a currency named for their money: a large one may be far down in a list by score


@dataclass(frozen=True)
class FieldRow:
    """A line of the table below an anomaly."""

    field: str
    observed: str
    expected: str
    usual: str
    odds: str


@dataclass(frozen=True)
class AnomalyCard:
    """An anomaly in words, ready for a template."""

    rank: int
    entity: str
    kind: str
    invoice_key: str
    amount: str
    sentences: list[str]
    rows: list[FieldRow]
    more_fields: int
    history: str
    status: str
    top_field: str
    score: str


@dataclass(frozen=True)
class Largest:
    """One of the anomalies with the most money at risk of its currency, and where it stands in the list by score."""

    amount: str
    who: str
    invoice_key: str
    rank: int
    shown: bool


def card(anomaly: Anomaly, contract: Contract) -> AnomalyCard:
    """Put an anomaly into words; its most telling fields first."""
    fields = sorted(anomaly.fields, key=lambda field: field.position)
    sentences = [one_line(field.sentence) for field in fields if field.sentence][:MOST_SENTENCES]
    return AnomalyCard(
        rank=anomaly.rank_of_day,
        entity=who(anomaly),
        kind=one_line(anomaly.kind or "", 20),
        invoice_key=one_line(anomaly.invoice_key, 80),
        amount=money(anomaly.amount_at_risk, anomaly.currency) if _has_amount(anomaly) else "",  # type: ignore[arg-type]
        sentences=sentences or [one_line(anomaly.explanation or "No explanation was stored.")],
        rows=[
            FieldRow(
                field=one_line(contract.label(field.field), 60),
                observed=_value(field.observed),
                expected=_value(field.expected),
                usual=usual_range(field.low, field.high),
                odds=odds(field.rarity, field.error),
            )
            for field in fields[:MOST_FIELDS]
        ],
        more_fields=max(0, len(fields) - MOST_FIELDS),
        history=_history(anomaly),
        status=one_line(anomaly.status, 20),
        top_field=one_line(contract.label(anomaly.top_field), 60) if anomaly.top_field else "",
        score=f"{anomaly.score:.1f}",
    )


def who(anomaly: Anomaly) -> str:
    """Whose invoice it is: `Acme Ltd (V00042)`, or what is known of that."""
    name, number = (one_line(text, 80) if text else "" for text in (anomaly.entity_name, anomaly.entity))
    return f"{name} ({number})" if name and number and name != number else name or number


def largest(anomalies: Iterable[Anomaly], shown: int) -> list[Largest]:
    """Name the anomalies with the most money at risk, currency by currency; none where too few to lose sight of one.

    shown: how many anomalies, the first by score, stand in the message in full.
    """
    ordered = sorted(
        (anomaly for anomaly in anomalies if _has_amount(anomaly)),
        key=lambda anomaly: (anomaly.currency or "", -float(anomaly.amount_at_risk or 0), anomaly.rank_of_day),
    )
    if len(ordered) <= MOST_LARGEST:
        return []
    return [
        Largest(
            amount=money(float(anomaly.amount_at_risk or 0), anomaly.currency),
            who=who(anomaly) or one_line(anomaly.invoice_key, 80),
            invoice_key=one_line(anomaly.invoice_key, 80),
            rank=anomaly.rank_of_day,
            shown=anomaly.rank_of_day <= shown,
        )
        for _, of_currency in itertools.groupby(ordered, key=lambda anomaly: anomaly.currency or "")
        for anomaly in itertools.islice(of_currency, MOST_LARGEST)
    ]


def money_at_risk(anomalies: Iterable[Anomaly]) -> dict[str, float]:
    """Sum the money at risk by currency (`""` where the contract names none)."""
    sums: dict[str, list[float]] = {}
    for anomaly in anomalies:
        if _has_amount(anomaly):
            sums.setdefault(one_line(anomaly.currency or "", 12), []).append(float(anomaly.amount_at_risk or 0))
    return {currency: math.fsum(amounts) for currency, amounts in sums.items()}


def _history(anomaly: Anomaly) -> str:
    """How much history stands behind the judgement."""
    if anomaly.history_tier == NO_HISTORY or not anomaly.history_rows:
        return "There is no history to compare with yet; judged against all invoices."
    return f"{judged_on(anomaly.history_rows, one_line(anomaly.entity or '', 80))}."


def _has_amount(anomaly: Anomaly) -> bool:
    return anomaly.amount_at_risk is not None and is_finite(float(anomaly.amount_at_risk))


def _value(value: object) -> str:
    return one_line(value, 60) or "(empty)" if value is not None else "(empty)"
