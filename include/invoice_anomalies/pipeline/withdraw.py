"""Take a night back: as if its extract had never come."""

import logging
from datetime import date
from typing import Any

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError

log = logging.getLogger(__name__)


def take_night_back(
    contract: Contract, dsn: str, extract_date: date | None, reason: str, taken_by: str
) -> dict[str, Any]:
    """Remove a night from the tables and give later nights what they delivered too; returns the counts.

    Raises WarehouseError where no night or no reason is named, or there is nothing of the night.
    """
    if extract_date is None:
        raise WarehouseError("no night is taken back unless it is named: give its extract date in the trigger form")
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        done = warehouse.take_back(connection, contract, extract_date, reason, taken_by)
    given = ", ".join(f"{rows:,} to {night}" for night, rows in done.given_back.items())
    log.info(
        "the night of %s is taken back: %s invoices and %s quarantined rows removed; given back: %s",
        extract_date,
        f"{done.invoices:,}",
        f"{done.quarantined:,}",
        given or "none",
    )
    return {
        "extract_date": extract_date.isoformat(),
        "invoices": done.invoices,
        "quarantined": done.quarantined,
        "anomalies": done.anomalies,
        "given_back": {night.isoformat(): rows for night, rows in done.given_back.items()},
    }
