import copy
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from invoice_anomalies.airflow.mail import InvoiceFailureNotifier, message_of
from invoice_anomalies.contract import Contract
from invoice_anomalies.paths import PROJECT
from tests.airflow.mailbox import Mailbox, free_port, smtp_connection


def context(**changes: Any) -> dict[str, Any]:
    """What Airflow hands to the callback of a task that failed."""
    run = SimpleNamespace(run_id="scheduled__1", partition_key="2026-11-20", logical_date=None, run_after=None)
    task = SimpleNamespace(
        dag_id="validate_invoices",
        task_id="load",
        map_index=-1,
        try_number=2,
        log_url="https://airflow.example.com/log",
    )
    return {
        "dag": SimpleNamespace(dag_id="validate_invoices"),
        "dag_run": run,
        "ti": task,
        "run_id": "scheduled__1",
        "params": {},
        "exception": ValueError("17 is not a date"),
    } | changes


def test_a_failed_task_is_mailed_with_its_error_and_log(
    mailbox: Mailbox, connect: Callable[..., None], contract: Contract
):
    connect(mailbox.port)

    InvoiceFailureNotifier()(context())

    (mail,) = mailbox.mails
    body = mail.get_body(("plain",))
    assert mail["Subject"].strip() == "FAILED: a task failed (invoices of 2026-11-20, validate_invoices.load)"
    assert mail["To"] == ", ".join(contract.report.recipients)
    assert body is not None
    for words in ("ValueError: 17 is not a date", "https://airflow.example.com/log", "scheduled__1"):
        assert words in body.get_content()


def test_without_a_mail_server_the_failure_lies_in_the_outbox(home: Path):
    InvoiceFailureNotifier()(context())

    assert [path.suffix for path in sorted(home.glob("outbox/2026-11-20_failure_*"))] == [".eml", ".html"]


def test_with_a_mail_server_that_is_down_the_failure_lies_in_the_outbox(connect: Callable[..., None], home: Path):
    connect(free_port())

    InvoiceFailureNotifier()(context())

    assert list(home.glob("outbox/*.eml"))


@pytest.mark.parametrize("broken", [{}, {"dag_run": None, "ti": None, "dag": None, "params": None}])
def test_a_context_that_holds_nothing_is_still_told(broken: dict[str, Any], home: Path):
    InvoiceFailureNotifier()(broken)

    assert list(home.glob("outbox/undated_failure_*.eml"))


def test_it_never_raises_but_logs(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setenv("INVOICES_CONTRACT", "/nowhere/invoices.yaml")

    InvoiceFailureNotifier()(context())

    assert "The failure could not be mailed" in caplog.text


def test_the_kind_of_error_is_seen_through_the_exception_that_stops_retries(contract: Contract):
    error = AirflowFailException("NightRefusedError: column gross_amount is missing: deliver it")

    message = message_of(context(exception=error), contract)

    assert message.subject.startswith("FAILED: the night was refused")
    assert "column gross_amount is missing: deliver it" in message.text


def test_other_words_in_that_exception_are_told_as_they_are(contract: Contract):
    for words in ("Path: not a class of errors", "KeyError: 'x'", "no colon"):
        assert words in message_of(context(exception=AirflowFailException(words)), contract).text


def test_an_extract_that_is_overdue_is_told_as_such(contract: Contract):
    waiting = SimpleNamespace(**vars(context()["ti"]) | {"task_id": "wait_for_extract"})

    message = message_of(context(ti=waiting, exception=AirflowSensorTimeout("Sensor has timed out")), contract)

    assert message.subject.startswith("FAILED: the extract did not arrive (invoices of 2026-11-20")
    assert "within 6 hours" in message.text
    assert "landing/invoices_2026-11-20.csv.gz" in message.text
    assert "def wait_for_extract" in (PROJECT / "dags" / "validate_invoices.py").read_text(), "the name of the task"


def test_a_night_that_is_overdue_points_to_its_validation(contract: Contract):
    message = message_of(context(exception=AirflowSensorTimeout("Sensor has timed out")), contract)

    assert "Look at its run of validate_invoices first" in " ".join(message.text.split())


@pytest.mark.parametrize(
    ("changes", "night"),
    [
        ({"params": {"extract_date": "2026-01-05"}}, "2026-01-05"),
        ({}, "2026-11-20"),
        ({"dag_run": SimpleNamespace(logical_date=datetime(2026, 3, 1, 2, tzinfo=UTC))}, "2026-03-01"),
        ({"dag_run": SimpleNamespace(run_after=datetime(2026, 3, 2, 2, tzinfo=UTC))}, "2026-03-02"),
        ({"params": {"extract_date": "yesterday"}}, "None"),
    ],
)
def test_the_night_is_the_one_that_the_run_is_for(contract: Contract, changes: dict[str, Any], night: str):
    assert str(message_of(context(**changes), contract).extract_date) == night


@pytest.mark.parametrize(("index", "name"), [(-1, "load)"), (0, "load[0])"), (12, "load[12])")])
def test_a_mapped_task_is_named_with_its_index(contract: Contract, index: int, name: str):
    mapped = SimpleNamespace(**vars(context()["ti"]) | {"map_index": index})

    assert message_of(context(ti=mapped), contract).subject.endswith(name)


def test_each_attempt_is_another_mail(contract: Contract):
    again = SimpleNamespace(**vars(context()["ti"]) | {"try_number": 3})

    assert message_of(context(ti=again), contract).digest != message_of(context(), contract).digest


def test_a_notifier_can_be_copied_as_default_arguments_are():
    assert isinstance(copy.deepcopy(InvoiceFailureNotifier()), InvoiceFailureNotifier)


FAILING_DAG = """
from datetime import datetime
from airflow.sdk import dag, task
from invoice_anomalies.airflow.mail import InvoiceFailureNotifier

@dag(schedule=None, start_date=datetime(2026, 1, 1), params={"extract_date": "2026-11-20"},
     on_failure_callback=InvoiceFailureNotifier(), default_args={"on_failure_callback": InvoiceFailureNotifier()})
def failing():
    @task
    def load():
        raise RuntimeError("the disk is full")
    load()

failing_dag = failing()
"""
RUN = """
from airflow.utils.db import initdb
initdb()
from failing import failing_dag
failing_dag.test()
"""


def test_airflow_calls_it_for_a_failed_task_and_a_failed_run(mailbox: Mailbox, tmp_path: Path):
    """In a process of its own: Airflow reads its settings once, when it is imported."""
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "failing.py").write_text(FAILING_DAG)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_SMTP_DEFAULT": smtp_connection(mailbox.port),
        "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(dags)]),
    }

    ended = subprocess.run(
        [sys.executable, "-c", RUN],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    bodies = [body.get_content() for mail in mailbox.mails if (body := mail.get_body(("plain",)))]
    assert bodies, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert {str(mail["Subject"]) for mail in mailbox.mails} == {
        "FAILED: a task failed (invoices of 2026-11-20, failing.load)"
    }
    assert any("RuntimeError: the disk is full" in body for body in bodies), bodies
    assert all("/dags/failing/runs/" in body for body in bodies), bodies
