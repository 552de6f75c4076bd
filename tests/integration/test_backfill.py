"""Runs by extract date through Airflow's own backfill: any range, each night once, nobody is woken."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg2
import pytest
from airflow.cli import cli_parser
from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagrun import DagRun

from include.places import PROJECT
from tests.integration.conftest import NIGHTS, Company


@pytest.fixture(autouse=True)
def no_backfill_left(airflow_metadata: str) -> Iterator[None]:
    """Airflow allows one open backfill a DAG; here no scheduler closes it."""
    yield
    connection = psycopg2.connect(airflow_metadata)
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE backfill SET completed_at = now()")
    connection.close()


def backfill(dag_id: str, first: str, last: str) -> list[DagRun]:
    """Ask for a backfill as on the command line; return its runs, which wait for a scheduler."""
    from airflow.utils.session import create_session

    parser = cli_parser.get_parser()
    for command in (
        ["dags", "reserialize"],
        ["backfill", "create", "--dag-id", dag_id, "--from-date", first, "--to-date", last],
    ):
        arguments = parser.parse_args(command)
        arguments.func(arguments)
    with create_session() as session:
        newest = session.query(DagRun.backfill_id).filter(DagRun.backfill_id.isnot(None)).order_by(DagRun.id.desc())
        runs = session.query(DagRun).filter(DagRun.backfill_id == newest.limit(1).scalar()).order_by(DagRun.id).all()
        session.expunge_all()
    return runs


def execute(company: Company, run: DagRun, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Execute a run that a backfill made, in this process; returns the states of its tasks."""

    def the_run(*, session: Any, **_: Any) -> DagRun:
        ours = session.get(DagRun, run.id)
        ours.state = "running"
        session.flush()
        ours.dag = _["dag"]
        return ours

    monkeypatch.setattr("airflow.models.dagrun.get_or_create_dagrun", the_run)
    with company.environment():
        dag = DagBag(PROJECT / "dags").dags[run.dag_id]
        for task in dag.tasks:
            task.retries = 0
        done = dag.test(logical_date=datetime(2000, 1, 1, tzinfo=UTC))
    return {ti.task_id: str(ti.state) for ti in done.get_task_instances()}


@pytest.mark.parametrize("dag_id", ["validate_invoices", "score_invoices", "summarise_anomalies"])
def test_a_backfill_makes_a_run_for_each_night_with_the_night_as_its_key(company: Company, dag_id: str):
    runs = backfill(dag_id, "2024-02-27", "2024-03-02T23:59")

    assert [run.partition_key for run in runs] == ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
    assert {run.run_type for run in runs} == {"backfill"}


def test_the_end_of_a_backfill_is_a_moment_as_the_documentation_of_the_dag_says(company: Company):
    runs = backfill("validate_invoices", "2024-04-01", "2024-04-03")

    assert [run.partition_key for run in runs] == ["2024-04-01", "2024-04-02"]
    doc = DagBag(PROJECT / "dags").dags["validate_invoices"].doc_md
    assert "without an hour the last night is left out" in " ".join(doc.split())


def test_backfilled_nights_are_loaded_and_scored_and_nobody_is_alerted(
    company: Company, monkeypatch: pytest.MonkeyPatch
):
    first, last = NIGHTS[0], f"{NIGHTS[1]}T23:59"
    for run in backfill("validate_invoices", str(first), last):
        assert execute(company, run, monkeypatch)["load"] == "success"
    for run in backfill("score_invoices", str(first), last):
        states = execute(company, run, monkeypatch)
        assert (states["publish"], states["alert"]) == ("success", "skipped")

    nights = company.rows("SELECT extract_date, scored FROM invoice_anomalies.scoring_runs ORDER BY 1")
    assert nights == [(night, company.count("invoices", night)) for night in NIGHTS[:2]]
    assert all(scored > 0 for _, scored in nights)
    assert company.count("anomalies") > 0
    assert company.count("alerts") == 0
    assert company.outbox() == []


def test_a_summary_of_a_backfilled_night_is_only_a_file(company: Company, monkeypatch: pytest.MonkeyPatch):
    night = date(2024, 5, 2)
    (run,) = backfill("summarise_anomalies", str(night), f"{night}T23:59")

    assert execute(company, run, monkeypatch) == {"summarise": "success"}

    (summary,) = company.outbox("summary")
    assert str(night) in summary["Subject"]
