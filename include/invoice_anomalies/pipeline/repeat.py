"""What rests on invoices that changed is done again: which nights are to be scored again, a few asked for at a time.

A load asks for the first such night. Each run that scores a night asks for the next ones, so that a correction of an
old night is followed up from night to night, beside the runs of the day. A run is named after its night, the last load
that made it stale and the day it is asked for: what is asked for already is asked for once, and what failed is asked
for again by the first run of another day. Whether there is anything to do is decided when the run starts
(only_if_stale).
"""

import logging
from collections.abc import Sequence
from datetime import date
from typing import Any

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse import StaleNight

log = logging.getLogger(__name__)

AHEAD = 3  # nights that a scoring run asks for; of the four runs at once, one is left to the night of the day


def after_load(contract: Contract, dsn: str, extract_date: date, today: date) -> list[dict[str, Any]]:
    """Runs of score_invoices to ask for after a load or a withdrawal: the first night that is to be scored again.

    Invoices that wait in quarantine for one that is gone are given back first.
    """
    with warehouse.connect(dsn) as connection:
        given, waiting = warehouse.give_back_all(connection, contract)
        stale = warehouse.nights_to_score_again(connection, min([extract_date, *given]))
    for night in waiting:
        log.warning(
            "%s: rows of %s wait in quarantine for the place of an invoice that is gone, and the contract has changed "
            "since they came: load that night again from its extract",
            night.file,
            night.extract_date,
        )
    if stale:
        log.info(
            "%s nights are to be scored again, %s to %s: the first is asked for now, the others one after the other",
            f"{len(stale):,}",
            stale[0].extract_date,
            stale[-1].extract_date,
        )
    return _asked(stale[:1], today)


def after_scoring(dsn: str, extract_date: date, today: date, *, only_if_stale: bool) -> list[dict[str, Any]]:
    """Runs to ask for when a night has been scored: the next nights after it that are to be scored again.

    A run that does not itself repeat something also asks for the first such night of all: one whose run failed.
    """
    with warehouse.connect(dsn) as connection:
        stale = warehouse.nights_to_score_again(connection, extract_date if only_if_stale else date.min)
    after = [night for night in stale if night.extract_date > extract_date][:AHEAD]
    first = [] if only_if_stale else [night for night in stale[:1] if night not in after]
    if stale:
        log.info("%s nights are to be scored again, from %s on", f"{len(stale):,}", stale[0].extract_date)
    return _asked([*first, *after], today)


def _asked(nights: Sequence[StaleNight], today: date) -> list[dict[str, Any]]:
    """What TriggerDagRunOperator takes. Where only the history of a night changed, nobody is alerted again."""
    return [
        {
            "trigger_run_id": f"{night.extract_date}_stale_load-{night.newest_load}_{today}",
            "conf": {"extract_date": night.extract_date.isoformat(), "only_if_stale": not night.own},
        }
        for night in nights
    ]
