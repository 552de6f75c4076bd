"""Run a DAG for one night in this process, and read off what its tasks did; Airflow's environment must be set."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from invoice_anomalies.pipeline.nights import TODAY


@dataclass(frozen=True)
class NightRun:
    """What became of one DAG run: its state, and seconds and state by task (mapped tasks summed)."""

    dag_id: str
    night: date
    state: str
    seconds: dict[str, float]
    states: dict[str, str]


def run_dag(dag_id: str, night: date, **conf: Any) -> NightRun:
    """Run a DAG for a night, as a trigger from the web UI would; raises where the DAG files do not import."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    if bag.import_errors:
        raise ImportError("\n".join(bag.import_errors.values()))
    dag = bag.dags[dag_id]
    for task in dag.tasks:
        task.retries = 0  # here somebody is watching: the first error is the answer
    # The night's midday as logical date: running it again replaces the run instead of adding one.
    at = datetime(night.year, night.month, night.day, 12, tzinfo=UTC)
    with _no_earlier_than(night):
        began = datetime.now(UTC)
        run = dag.test(run_after=at, logical_date=at, run_conf={"extract_date": night.isoformat(), **conf})
        _started(run, began)
    seconds: dict[str, float] = {}
    states: dict[str, str] = {}
    for task in run.get_task_instances():
        seconds[task.task_id] = seconds.get(task.task_id, 0.0) + (task.duration or 0.0)
        states[task.task_id] = str(task.state)
    if not states:
        raise RuntimeError(f"{dag_id} has no task for {night}: schedule.start_date in the contract is later")
    return NightRun(dag_id, night, str(run.state), seconds, states)


@contextmanager
def _no_earlier_than(night: date) -> Iterator[None]:
    """Let the night be possible whatever the clock of this machine says: made-up nights have fixed dates."""
    before = os.environ.get(TODAY)
    os.environ[TODAY] = max(night, datetime.now(UTC).date()).isoformat()
    try:
        yield
    finally:
        os.environ.pop(TODAY)
        if before is not None:
            os.environ[TODAY] = before


def _started(run: Any, at: datetime) -> None:
    """Have the run last as long as it lasted: Airflow takes its logical date for the moment at which it started."""
    from airflow.utils.session import create_session

    with create_session() as session:
        kept = session.get(type(run), run.id)
        if kept is not None:
            kept.start_date = at
