"""Tell the people: the alert of a scored night, the summary of a day."""

import logging
from collections.abc import Callable
from datetime import date
from typing import Any

from invoice_anomalies import reporting, warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.pipeline.arrival import status_of
from invoice_anomalies.pipeline.nights import NoExtractThatDay

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
        anomalies = warehouse.night_anomalies(connection, extract_date, version)
        message = reporting.alert_message(
            contract,
            extract_date,
            version,
            anomalies,
            total=published["flagged"],
            still_open=warehouse.open_before(connection, extract_date),
        )
        if warehouse.alert_sent(connection, message.digest):
            return "this alert was sent before"
        channel = send(message)
        warehouse.record_alert(connection, extract_date, version, channel, anomalies, message.digest)
    return f"sent by {channel}"


def send_summary(contract: Contract, dsn: str, extract_date: date, send: Send, *, asked: bool = True) -> str:
    """Send the summary of a night, whatever became of it; returns the channel.

    asked: whether a person asks for this night. Else NoExtractThatDay is raised, and nothing sent, for a day without
    an extract.
    """
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        if not asked and status_of(contract, connection, extract_date) == "no extract":
            raise NoExtractThatDay("no extract that day, so there is no summary to send")
        message = summary_of(contract, connection, extract_date)
    return send(message)


def summary_of(contract: Contract, connection: Any, extract_date: date) -> reporting.Message:
    """Build the summary of a night from the warehouse."""
    day = warehouse.day_counts(connection, extract_date)
    version = day["model_version"]
    model = warehouse.model(connection, version) if version else None
    anomalies = warehouse.night_anomalies(connection, extract_date, version) if version else []
    counts = reporting.NightCounts(
        state=status_of(contract, connection, extract_date),
        why_no_extract=warehouse.day_without_extract(connection, extract_date)
        or contract.schedule.why_none(extract_date),
        rows_in=day["rows_in"],
        loaded=day["loaded"],
        quarantined=day["quarantined"],
        scored=day["scored"] if version else None,
        flagged=day["flagged"] if version else None,
        open=day["open"] if version else None,
        at_risk=reporting.money_at_risk(anomaly for anomaly in anomalies if anomaly.status == "open"),
        still_open=warehouse.open_before(connection, extract_date),
        model_version=version,
        model_trained_until=model.trained_until if model else None,
        warnings=day["warnings"],
        problems=day["problems"],
        quarantine_reasons=day["reasons"],
        data_docs=day["data_docs"][-1] if day["data_docs"] else None,
    )
    return reporting.summary_message(contract, extract_date, counts, [_past(row) for row in day["series"]], anomalies)


def _past(row: dict[str, Any]) -> reporting.PastNight:
    return reporting.PastNight(
        row["extract_date"],
        "loaded" if row["success"] else "refused",
        loaded=row["loaded"],
        quarantined=row["quarantined"],
        flagged=row["flagged"] if row["model_version"] else None,
    )
