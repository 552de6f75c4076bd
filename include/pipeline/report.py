"""Tell the people: the alert of a scored night, the summary of a day."""

import logging
from collections.abc import Callable
from datetime import date
from typing import Any

from include import reporting, warehouse
from include.contract import Contract

log = logging.getLogger(__name__)

Send = Callable[[reporting.Message], str]


def send_alert(contract: Contract, dsn: str, published: dict[str, Any], send: Send) -> str:
    """Send the night's alert unless this very alert was sent before; returns what happened, in words.

    The alert is recorded after it was sent: a crash in between sends it twice, under one Message-ID, rather than never.
    """
    extract_date, version = date.fromisoformat(published["extract_date"]), published["version"]
    if not published["flagged"]:
        return "nothing was flagged, so there is nothing to send"
    with warehouse.connect(dsn) as connection:
        anomalies = warehouse.night_anomalies(connection, extract_date, version, contract.report.top)
        message = reporting.alert_message(contract, extract_date, version, anomalies, total=published["flagged"])
        if warehouse.alert_sent(connection, message.digest):
            return "this alert was sent before"
        channel = send(message)
        warehouse.record_alert(
            connection, extract_date, version, channel, [anomaly.invoice_key for anomaly in anomalies], message.digest
        )
    return f"sent by {channel}"


def send_summary(contract: Contract, dsn: str, extract_date: date, send: Send) -> str:
    """Send the summary of a night, whatever became of it; returns the channel."""
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        message = summary_of(contract, connection, extract_date)
    return send(message)


def summary_of(contract: Contract, connection: Any, extract_date: date) -> reporting.Message:
    """Build the summary of a night from the warehouse."""
    counts = warehouse.day_counts(connection, extract_date)
    anomalies = (
        warehouse.night_anomalies(connection, extract_date, counts["model_version"], contract.report.top)
        if counts["model_version"]
        else []
    )
    return reporting.summary_message(contract, extract_date, counts, anomalies)
