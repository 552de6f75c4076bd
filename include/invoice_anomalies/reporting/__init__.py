"""Messages to people: the alert, the daily summary and the word that something failed, as text and as HTML.

Values of invoices are written by outsiders: nothing here trusts them. Sending is not done here but in `plugins/`.
"""

from invoice_anomalies.reporting.alert import alert_message
from invoice_anomalies.reporting.anomalies import money_at_risk
from invoice_anomalies.reporting.failure import failure_message
from invoice_anomalies.reporting.message import Message
from invoice_anomalies.reporting.night import NightCounts, PastNight
from invoice_anomalies.reporting.outbox import write_to_outbox
from invoice_anomalies.reporting.summary import summary_message

__all__ = [
    "Message",
    "NightCounts",
    "PastNight",
    "alert_message",
    "failure_message",
    "money_at_risk",
    "summary_message",
    "write_to_outbox",
]
