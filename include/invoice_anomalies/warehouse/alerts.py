"""Which alerts were sent, so that none is sent twice."""

from collections.abc import Sequence
from datetime import date

from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.warehouse.anomalies import Anomaly
from invoice_anomalies.warehouse.connection import ask_one, run, whole


def alert_sent(connection: Connection, digest: str) -> bool:
    """Tell whether an alert with this digest was sent; waits for a task that is sending one, which may be this one.

    Who is told no is the only one to send until its transaction ends.
    """
    with connection.cursor() as cursor:
        run(cursor, "lock_alerts")
    return bool(ask_one(connection, "alert_sent", {"digest": digest}))


def record_alert(
    connection: Connection, extract_date: date, version: str, channel: str, anomalies: Sequence[Anomaly], digest: str
) -> None:
    """Note that an alert about these anomalies was sent; once for a digest."""
    values = {
        "extract_date": extract_date,
        "version": version,
        "channel": channel,
        "anomalies": [anomaly.invoice_key for anomaly in anomalies],
        "digest": digest,
    }
    with whole(connection) as cursor:
        run(cursor, "record_alert", values)
