"""Which night a DAG run is about."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo


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
