"""The alert: the short ranked list of invoices that someone should look at before they are paid."""

from collections.abc import Sequence
from datetime import date

from invoice_anomalies.anomaly import Anomaly, StillOpen
from invoice_anomalies.contract import Contract
from invoice_anomalies.reporting.anomalies import card, largest, money_at_risk
from invoice_anomalies.reporting.message import Message
from invoice_anomalies.reporting.rendering import render
from invoice_anomalies.reporting.still_open import open_in_words
from invoice_anomalies.text import count, long_date, moneys


def alert_message(
    contract: Contract,
    extract_date: date,
    version: str,
    anomalies: Sequence[Anomaly],
    total: int,
    *,
    still_open: Sequence[StillOpen] = (),
) -> Message:
    """Write the alert of a night.

    anomalies: the ones to show (`report.top` of them are shown in full), total: how many the night has.
    still_open: what earlier nights have left to check; it makes no other alert of this one.
    """
    shown = sorted(anomalies, key=lambda anomaly: anomaly.rank_of_day)[: contract.report.top]
    partial = len(anomalies) < total
    risk = moneys(money_at_risk(anomalies))
    headline = f"{count(total, 'invoice')} to check" if total else "No invoice to check"
    risk_words = f"{risk} at risk" + (f" in the first {len(anomalies)}" if partial else "") if risk and total else ""
    values = {
        "preheader": risk_words,
        "headline": headline,
        "day": long_date(extract_date),
        "risk": risk_words,
        "version": version,
        "cards": [card(anomaly, contract) for anomaly in shown],
        "largest": largest(anomalies, len(shown)),
        "not_shown": max(0, total - len(shown)),
        "data_set": contract.name,
    }
    text, html = render("alert", still_open=open_in_words(still_open), **values)
    # A verdict on another night, or another night itself, is no reason to send the same alert again.
    alone, _ = render("alert", still_open="", **values)
    subject = f"{headline} of {extract_date.isoformat()}" + (f": {risk_words}" if risk_words else "")
    return Message("alert", extract_date, subject, text, html, tuple(contract.report.recipients), identity=alone)
