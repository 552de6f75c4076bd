"""Wait for a night, and know when there is nothing to wait for.

A scheduled run waits until its deadline; a run by hand does not wait for a file that is not there; on a day without an
extract there is nothing to do.
"""

import logging
from collections.abc import Callable
from datetime import date
from typing import Any

from invoice_anomalies import extract, warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractNotArrivedError, ExtractOverdueError, NightNotLoadedError, NightRefusedError
from invoice_anomalies.paths import Paths
from invoice_anomalies.pipeline.nights import NoExtractThatDay, Wait

log = logging.getLogger(__name__)

NOT_WHOLE = "the extract is there, but empty or still being written"


def extract_awaited(contract: Contract, paths: Paths, dsn: str, wait: Wait, path: str | None) -> bool:
    """Whether the night's extract is where the contract (or the trigger form) says; False: look again later.

    Raises NoExtractThatDay, which is then on record, where the contract's calendar has no extract for the night, or a
    backfill finds none after the deadline; ExtractOverdueError where one is missing that should be there.
    """
    location = extract.locate(contract, wait.night, paths, path)
    shown = extract.shown(location)
    arrival = extract.arrival(location, contract.extract.settle_seconds)
    if arrival == "arrived":
        log.info("%s has arrived", shown)
        return True
    if arrival == "absent":
        _give_up(contract, dsn, wait, shown)
    elif wait.kind != "scheduled":  # the task is tried again some times, and that is patience enough
        raise ExtractNotArrivedError(f"{shown}: {NOT_WHOLE}; deliver it whole, then clear this task")
    elif wait.over(contract):
        raise ExtractOverdueError(
            f"{shown}: {NOT_WHOLE}, and the run was to wait {wait.words(contract)}; deliver it whole, then clear this "
            "task"
        )
    log.info(
        "%s is %s; waiting %s", shown, "not there yet" if arrival == "absent" else "not whole yet", wait.words(contract)
    )
    return False


def _give_up(contract: Contract, dsn: str, wait: Wait, shown: str) -> None:
    """Raise what ends the waiting for an absent extract; return where it may still come."""
    if wait.kind == "manual":
        raise ExtractOverdueError(
            f"{shown}: there is no extract here, and a run by hand does not wait for one. Deliver it and clear this "
            "task, or trigger the run again with the right extract date or path"
        )
    reason = contract.schedule.why_none(wait.night)
    if reason is None and not wait.over(contract):
        return
    if reason is None and wait.kind == "scheduled":
        raise ExtractOverdueError(
            f"{shown}: the extract did not come within {contract.extract.deadline_hours:g} hours of its schedule "
            f"({wait.words(contract)}). Deliver it and clear this task. Where no extract comes on such days, say so in "
            "schedule.days or schedule.holidays of the contract"
        )
    reason = reason or f"a backfill found no extract at {shown}"
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        warehouse.record_day_without_extract(connection, wait.night, reason)
    raise NoExtractThatDay(f"no extract that day: {reason}")


def night_awaited(contract: Contract, dsn: str, wait: Wait, validating: Callable[[], bool]) -> bool:
    """Whether the night is in the warehouse, ready to be scored; False: look again later.

    validating: asked for a run by hand or of a backfill, whether validate_invoices is at work on a night.
    Raises NoExtractThatDay, NightRefusedError where validation refused the night, NightNotLoadedError where the run
    waits no longer.
    """
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        status = status_of(contract, connection, wait.night)
    if status == "loaded":
        return True
    if status == "no extract":
        raise NoExtractThatDay("no extract that day, so there is nothing to score")
    if status == "refused":
        raise NightRefusedError(
            f"the night of {wait.night} was refused by validation, so there is nothing to score; see its row in "
            "v_data_quality, correct the extract, run validate_invoices for it, then clear this run"
        )
    if wait.kind != "scheduled" and not validating():
        raise NightNotLoadedError(
            f"the night of {wait.night} was never loaded, and validate_invoices is not at work on it. Run "
            "validate_invoices for that night, then clear this task"
        )
    if wait.kind == "scheduled" and wait.over(contract):
        raise NightNotLoadedError(
            f"the night of {wait.night} was not loaded within {contract.extract.deadline_hours:g} hours "
            f"({wait.words(contract)}). Look at its run of validate_invoices first, then clear this task"
        )
    until = wait.words(contract) if wait.kind == "scheduled" else "while validate_invoices is at work"
    log.info("the night of %s is not loaded yet; waiting %s", wait.night, until)
    return False


def status_of(contract: Contract, connection: Any, night: date) -> warehouse.Status:
    """What became of a night; one that the calendar of the contract leaves out is not missing."""
    status = warehouse.night_status(connection, night)
    return "no extract" if status == "missing" and contract.schedule.why_none(night) else status
