"""Which night a DAG run is about, and what the trigger form takes as one."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import Param
from jsonschema import FormatChecker

from invoice_anomalies.contract.schema import Schedule
from invoice_anomalies.pipeline.nights import DAYS_AHEAD, Kind, Wait, day_of, night_of_run, possible


def night_of(context: Any, timezone: str) -> date | None:
    """The night of a run: the trigger form's date, else the run's partition, else the day it was due.

    context: of a task, or of a callback, which may lack parts; None where it tells no night.
    """
    run = context.get("dag_run")
    given = (context.get("params") or {}).get("extract_date") or getattr(run, "partition_key", None)
    if given:
        return date.fromisoformat(str(given)[:10])
    due = getattr(run, "logical_date", None) or getattr(run, "run_after", None)
    return due.astimezone(ZoneInfo(timezone)).date() if due else None


def wait_of(context: Any, schedule: Schedule) -> Wait:
    """The night that a task is to work on, and how long its run may wait for it; raises WrongNightError."""
    run, form = context["dag_run"], context["params"].get("extract_date")
    kind: Kind = run.run_type if run.run_type in ("scheduled", "backfill") else "manual"
    day = day_of(schedule, run.logical_date or run.run_after)
    night = night_of_run(schedule, form, run.partition_key, day, backfill=kind == "backfill")
    return Wait(night, kind, run.run_after)


def extract_date_param(what: str, schedule: Schedule) -> Param:
    """The date field of the trigger form; dates without an extract are refused when the form is sent.

    The limit moves from day to day. It is a format of its own, checked when a run is made: as a limit in the schema it
    would make a new version of each DAG every day.
    """
    words = know_nights(schedule)
    return Param(
        None,
        type=["null", "string"],
        format="date",
        allOf=[{"format": words}],
        title="Extract date",
        description=f"{what} A {words}. A backfill names its nights by itself: leave this empty there.",
    )


def know_nights(schedule: Schedule) -> str:
    """Let this process check the format of nights, and return its name: where forms are sent, no DAG file is read."""
    words = f"night from {schedule.start_date} to {DAYS_AHEAD} days from today"
    FormatChecker.checkers[words] = (lambda value: _takes(schedule, value), ())
    return words


def _takes(schedule: Schedule, value: object) -> bool:
    try:
        return not isinstance(value, str) or possible(schedule, date.fromisoformat(value))
    except ValueError:
        return True  # not a date at all: the format `date` says so
