"""What the DAGs share: the contract, the night of a run, its staging folder, the warehouse's address, and errors."""

import contextlib
import functools
import hashlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import Asset, BaseHook, CronPartitionTimetable, Param, get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from invoice_anomalies.airflow.mail import InvoiceFailureNotifier
from invoice_anomalies.airflow.nights import extract_date_param, wait_of
from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.errors import PipelineError
from invoice_anomalies.files import disk_full_errors
from invoice_anomalies.paths import Paths, contract_path
from invoice_anomalies.pipeline.nights import NoExtractThatDay, Wait

CONNECTION = "invoices_db"

INVOICES = Asset("invoices", extra={"table": "invoice_anomalies.invoices"})
MODELS = Asset("autoencoder", extra={"table": "invoice_anomalies.model_versions"})
ANOMALIES = Asset("anomalies", extra={"table": "invoice_anomalies.anomalies"})

# A run that waits holds no worker, and workers take the tasks of scheduled runs first (priorities.py). A lower
# limit would be filled by runs by hand, and no scheduled run be made until one of them ends.
MOST_RUNS = 1000
SCHEDULED_FIRST = "invoice_anomalies.airflow.priorities.ScheduledFirst"

# What a task counted, in the words of a run's note.
NOTED = {
    "rows_in": "rows in",
    "valid": "valid",
    "loaded": "loaded",
    "quarantined": "quarantined",
    "scored": "scored",
    "flagged": "flagged",
}

RETRIES = {
    "retries": 4,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=15),
    "execution_timeout": timedelta(hours=2),
}


@functools.cache
def contract() -> Contract:
    """The contract in force; read once a process. A mistake in it shows as the DAG's import error."""
    return load_contract(contract_path())


def settings(cron: str, when: str, max_active_runs: int = MOST_RUNS) -> dict[str, Any]:
    """What the DAGs have in common. Runs carry the extract date as partition key, so any range can be backfilled."""
    schedule = contract().schedule
    return {
        "schedule": CronPartitionTimetable(cron, timezone=schedule.timezone, key_format="%Y-%m-%d"),
        "start_date": datetime.combine(schedule.start_date, time(), ZoneInfo(schedule.timezone)),
        "catchup": False,
        "max_active_runs": max_active_runs,
        # On the tasks, not on the DAG: only a task's callback is told the error.
        "default_args": {**RETRIES, "on_failure_callback": InvoiceFailureNotifier(), "weight_rule": SCHEDULED_FIRST},
        "tags": ["invoices", when],
    }


def waiting() -> dict[str, Any]:
    """How a task waits for its night: without a worker, and at most as long as the contract says."""
    return {"poke_interval": 60, "timeout": contract().extract.deadline_hours * 3600, "mode": "reschedule"}


def fail_without_retry(function: Callable[..., Any]) -> Callable[..., Any]:
    """Fail at once, without retries, on an error that a retry cannot mend; its message says what to do.

    On a day without an extract the task is skipped, and with it the run.
    """

    @functools.wraps(function)
    def task(*args: Any, **kwargs: Any) -> Any:
        try:
            # Not every library says where it ran out of room.
            with disk_full_errors(paths().root):
                result = function(*args, **kwargs)
        except NoExtractThatDay as answer:
            note(str(answer))
            raise AirflowSkipException(str(answer)) from None
        except PipelineError as error:
            note(str(error).splitlines()[0])
            if error.retryable:
                raise
            raise AirflowFailException(f"{type(error).__name__}: {error}") from None
        if isinstance(result, dict) and "chunk" not in result:
            counts = [f"{result[key]:,} {words}" for key, words in NOTED.items() if key in result]
            if counts:
                note(", ".join(counts))
        return result

    return task


def note(words: str) -> None:
    """Leave words on what came of the task, as its XCom `note`: Airflow lets no task write a note of its run."""
    with contextlib.suppress(RuntimeError):  # outside of a task there is no context, and no run
        get_current_context()["ti"].xcom_push(key="note", value=words[:500])


def form(what: str, **others: Param) -> dict[str, Param]:
    """The fields of the trigger form: which night, and what else the DAG asks for."""
    empty = " Where empty, the run's partition key; without one, the date on which the run is made."
    return {"extract_date": extract_date_param(what + empty, contract().schedule), **others}


DRY_RUN = Param(
    False,
    type="boolean",
    title="Dry run",
    description="Only show what would happen: nothing is written to the tables, and nothing is mailed.",
)


def param(name: str) -> Any:
    """What the trigger form of this run says."""
    return get_current_context()["params"][name]


def wait() -> Wait:
    """The night of this run, and how long the run may wait for it."""
    return wait_of(get_current_context(), contract().schedule)


def extract_date() -> date:
    """The night of this run."""
    return wait().night


def validating() -> bool:
    """Whether a run of validate_invoices is queued or at work; one that waits for its own extract is not."""
    ti = get_current_context()["ti"]
    runs = ti.get_dr_count("validate_invoices", states=["queued", "running"])
    waiting = ti.get_ti_count(
        "validate_invoices", task_ids=["wait_for_extract"], states=["up_for_reschedule", "up_for_retry"]
    )
    return runs > waiting


def paths() -> Paths:
    """The folders of this deployment."""
    return Paths.from_environment()


def staging() -> Path:
    """A folder for the files of this run alone, so that two runs of one night cannot mix theirs."""
    run_id = get_current_context()["dag_run"].run_id
    folder = paths().staging(extract_date()) / hashlib.sha256(run_id.encode()).hexdigest()[:12]
    folder.mkdir(exist_ok=True)
    return folder


def is_backfill() -> bool:
    """Whether this run belongs to a backfill: it repeats history, so nobody is to be woken by it."""
    return get_current_context()["dag_run"].run_type == "backfill"


def dsn() -> str:
    """Address of the warehouse, from the Airflow connection `invoices_db`; never logged, never returned by a task."""
    return BaseHook.get_connection(CONNECTION).get_uri()
