"""Runs that nobody starts by hand: those of backfills and of the schedule, executed in this process."""

import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from airflow.cli import cli_parser
from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagrun import DagRun
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

from invoice_anomalies.paths import PROJECT
from tests.company import Company


def backfill(dag_id: str, first: str, last: str, *options: str) -> list[DagRun]:
    """Ask for a backfill as on the command line; return its runs, which wait for a scheduler."""
    from airflow.utils.session import create_session

    parser = cli_parser.get_parser()
    for command in (
        ["dags", "reserialize"],
        ["backfill", "create", "--dag-id", dag_id, "--from-date", first, "--to-date", last, *options],
    ):
        arguments = parser.parse_args(command)
        arguments.func(arguments)
    with create_session() as session:
        newest = session.query(DagRun.backfill_id).filter(DagRun.backfill_id.isnot(None)).order_by(DagRun.id.desc())
        runs = session.query(DagRun).filter(DagRun.backfill_id == newest.limit(1).scalar()).order_by(DagRun.id).all()
        session.expunge_all()
    return runs


def scheduled(dag_id: str, night: date, due: datetime | None = None) -> DagRun:
    """The run of a night as the scheduler makes it; due at four o'clock of the night by default."""
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session

    arguments = cli_parser.get_parser().parse_args(["dags", "reserialize"])
    arguments.func(arguments)
    due = due or datetime(night.year, night.month, night.day, 4, tzinfo=UTC)
    with create_session() as session:
        dag = SerializedDagModel.get_dag(dag_id)
        assert dag is not None
        run = dag.create_dagrun(
            run_id=f"scheduled__{due.isoformat()}__{uuid.uuid4()}",
            run_after=due,
            partition_key=str(night),
            run_type=DagRunType.SCHEDULED,
            triggered_by=DagRunTriggeredByType.TIMETABLE,
            state=DagRunState.QUEUED,
            session=session,
        )
        session.flush()
        session.expunge_all()
    return run


def execute(company: Company, run: DagRun, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Execute a run that a backfill made, in this process; returns the states of its tasks."""

    def the_run(*, session: Any, **_: Any) -> DagRun:
        ours: DagRun = session.get(DagRun, run.id)
        ours.state = "running"
        session.flush()
        ours.dag = _["dag"]
        return ours

    with monkeypatch.context() as patch, company.environment():
        patch.setattr("airflow.models.dagrun.get_or_create_dagrun", the_run)
        dag = DagBag(PROJECT / "dags").dags[run.dag_id]
        for task in dag.tasks:
            task.retries = 0
        done = dag.test(logical_date=datetime(2000, 1, 1, tzinfo=UTC))
    return {ti.task_id: str(ti.state) for ti in done.get_task_instances()}
