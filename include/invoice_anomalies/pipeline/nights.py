"""Which night a run is about: what a trigger form or a partition key may name, and how long a run waits for it."""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.schema import Schedule
from invoice_anomalies.errors import WrongNightError

DAYS_AHEAD = 7
TODAY = "INVOICES_TODAY"

Kind = Literal["scheduled", "backfill", "manual"]


class NoExtractThatDay(Exception):  # noqa: N818 - an answer, not an error: the run has nothing to do
    """The night had no extract, and was to have none."""


@dataclass(frozen=True)
class Wait:
    """A run that asks for a night: what started it, and when it was due."""

    night: date
    kind: Kind
    due: datetime

    def until(self, contract: Contract) -> datetime:
        """When it waits no longer."""
        return self.due + timedelta(hours=contract.extract.deadline_hours)

    def over(self, contract: Contract) -> bool:
        """Whether that is past."""
        return datetime.now(UTC) >= self.until(contract)

    def words(self, contract: Contract) -> str:
        """Until when it waits, in the contract's time zone."""
        return f"until {self.until(contract).astimezone(ZoneInfo(contract.schedule.timezone)):%Y-%m-%d %H:%M %Z}"


def today(schedule: Schedule) -> date:
    """The date in the contract's time zone; INVOICES_TODAY says otherwise where made-up nights lie in the future."""
    told = os.environ.get(TODAY)
    return date.fromisoformat(told) if told else day_of(schedule, datetime.now(UTC))


def day_of(schedule: Schedule, moment: datetime) -> date:
    """The date of a moment in the contract's time zone."""
    return moment.astimezone(ZoneInfo(schedule.timezone)).date()


def possible(schedule: Schedule, night: date) -> bool:
    """Whether there can be an extract of that night: from schedule.start_date to a week from today."""
    return schedule.start_date <= night <= today(schedule) + timedelta(days=DAYS_AHEAD)


def night_named(schedule: Schedule, text: str, where: str) -> date:
    """The night that a form or a partition key names; raise WrongNightError where there can be none.

    where: who named it, for the message.
    """
    try:
        night = date.fromisoformat(text[:10])
    except ValueError:
        raise WrongNightError(
            f"{where} is {text!r}; expected a date like {today(schedule)}. Trigger the DAG again with the night's date"
        ) from None
    if possible(schedule, night):
        return night
    raise WrongNightError(
        f"{where} is {night}; expected a night from {schedule.start_date} (schedule.start_date of the contract) to "
        f"{today(schedule) + timedelta(days=DAYS_AHEAD)} (a week from today). Trigger the DAG again with the right "
        "date; for older nights, set schedule.start_date earlier"
    )


def night_of_run(schedule: Schedule, form: str | None, key: str | None, due: date, *, backfill: bool) -> date:
    """The night of a run: the form's date, else its partition key, else the day it was due.

    Raises WrongNightError where form and key name different nights: a backfill would do one night over and over.
    """
    named = night_named(schedule, form, "the extract date of the form") if form else None
    keyed = night_named(schedule, key, "the partition key") if key else None
    if named and keyed and named != keyed:
        raise WrongNightError(
            f"the form names the night {named}, and this run of a backfill is for {keyed}: each run would do {named} "
            "again. Cancel the backfill, and start it again with the extract date left empty"
            if backfill
            else f"the form names the night {named}, the partition key {keyed}. Trigger the DAG again with one of them"
        )
    return named or keyed or due
