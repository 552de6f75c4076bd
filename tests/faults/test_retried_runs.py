"""Airflow's own retries: a run that loses its database on the way goes on and ends as an undisturbed one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest

from invoice_anomalies.warehouse import connection as of_warehouse
from tests.company import HISTORY, NIGHT, Company, words
from tests.faults.left import same, tables_of

RETRIES = 2
NIGHTLY = ("validate_invoices", "score_invoices", "summarise_anomalies")


def run_with_retries(company: Company, dag_id: str, night: date = NIGHT) -> tuple[str, dict[str, tuple[str, int]]]:
    """Run a DAG with its retries, which wait no time; its state, and by task its state and its number of tries."""
    from airflow.dag_processing.dagbag import DagBag

    with company.environment():
        dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags[dag_id]
        for task in dag.tasks:
            assert task.retries, f"{dag_id}.{task.task_id} is never tried again"
            assert task.retry_exponential_backoff, f"{dag_id}.{task.task_id} is tried again without a growing pause"
            task.retries, task.retry_delay, task.retry_exponential_backoff = RETRIES, timedelta(seconds=0), 0
        at = datetime(night.year, night.month, night.day, 12, tzinfo=UTC)
        run = dag.test(logical_date=at, run_conf={"extract_date": night.isoformat()})
        tasks = {task.task_id: (str(task.state), int(task.try_number)) for task in run.get_task_instances()}
    return str(run.state), tasks


def end_session(info: Any) -> None:
    """End the session of a connection, as an administrator may, and wait until it is gone."""
    other = psycopg2.connect(host=info.host, port=info.port, dbname=info.dbname, user=info.user, password=info.password)
    with other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (info.backend_pid,))
    other.close()


@contextmanager
def losing_the_database(task_ids: set[str], times: int) -> Iterator[dict[str, int]]:
    """Have the server end the session of these tasks, before a statement, so many times each."""
    from airflow.sdk import get_current_context

    lost: dict[str, int] = {}
    real = psycopg2.connect

    class Cursor(psycopg2.extensions.cursor):
        statements = 0

        def execute(self, query: Any, values: Any = None) -> None:
            task = get_current_context()["ti"].task_id
            # The first statement of a connection is the same everywhere: its settings.
            if task in task_ids and lost.get(task, 0) < times and "lock_timeout" not in str(query):
                lost[task] = lost.get(task, 0) + 1
                end_session(self.connection.info)
            super().execute(query, values)

    # psycopg2 as the warehouse sees it: Airflow's own connections stay as they are.
    driver = SimpleNamespace(
        Error=psycopg2.Error, connect=lambda *args, **more: real(*args, cursor_factory=Cursor, **more)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of_warehouse, "psycopg2", driver)
        yield lost


def test_runs_that_lose_their_database_in_every_task_end_as_undisturbed_ones(company: Company, one_night: Company):
    of_the_database = {"validate", "load", "wait_for_night", "plan", "score", "publish", "alert", "summarise"}

    with losing_the_database(of_the_database, times=1) as lost:
        for dag_id in NIGHTLY:
            state, tasks = run_with_retries(company, dag_id)
            assert state == "success", tasks
            for task in of_the_database & set(tasks):
                assert tasks[task] == ("success", 2), task

    assert set(lost) == of_the_database
    same(tables_of(company), tables_of(one_night))
    assert company.outbox("failure") == []


@pytest.mark.slow  # quickly: a training killed in every task (test_kills.py), and the nightly runs above
def test_a_training_that_loses_its_database_in_every_task_makes_one_model(company: Company):
    of_the_database = {"training_set", "evaluate", "promote"}

    with losing_the_database(of_the_database, times=1) as lost:
        state, tasks = run_with_retries(company, "train_autoencoder", HISTORY[1])

    assert state == "success", tasks
    assert set(lost) == of_the_database
    assert company.count("model_versions") == 2
    assert company.rows("SELECT count(*) FROM invoice_anomalies.model_versions WHERE status = 'champion'") == [(1,)]


def test_a_database_that_stays_away_fails_the_run_after_its_last_try_with_a_mail_that_says_what_to_do(
    company: Company,
):
    with losing_the_database({"load"}, times=99) as lost:
        state, tasks = run_with_retries(company, "validate_invoices")

    assert (state, tasks["load"]) == ("failed", ("failed", RETRIES + 1))
    assert lost["load"] == RETRIES + 1
    assert company.count("invoices", NIGHT) == company.count("validation_runs") - 1 == 0
    (mail,) = company.outbox("failure")
    assert "the database does not answer" in str(mail["Subject"])
    assert "validate_invoices.load" in str(mail["Subject"])
    told = words(mail)
    assert "Check that Postgres is running and that the connection invoices_db leads to it" in told
    assert "clear the failed task" in told
    assert company.dsn.split(":")[2].split("@")[0] not in told
