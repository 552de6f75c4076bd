"""Run a DAG for one night in this process, and read off what its tasks did; Airflow's environment must be set."""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any


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
    run = dag.test(logical_date=at, run_conf={"extract_date": night.isoformat(), **conf})
    seconds: dict[str, float] = {}
    states: dict[str, str] = {}
    for task in run.get_task_instances():
        seconds[task.task_id] = seconds.get(task.task_id, 0.0) + (task.duration or 0.0)
        states[task.task_id] = str(task.state)
    if not states:
        raise RuntimeError(f"{dag_id} has no task for {night}: schedule.start_date in the contract is later")
    return NightRun(dag_id, night, str(run.state), seconds, states)
