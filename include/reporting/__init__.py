"""Messages to people: the alert, the daily summary and the word that something failed, as text and as HTML.

Values of invoices are written by outsiders: nothing here trusts them. Sending is not done here but in `plugins/`.
"""

from include.reporting.alert import alert_message
from include.reporting.anomalies import money_at_risk
from include.reporting.failure import failure_message
from include.reporting.message import Message
from include.reporting.night import NightCounts, PastNight
from include.reporting.outbox import write_to_outbox
from include.reporting.summary import summary_message

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
