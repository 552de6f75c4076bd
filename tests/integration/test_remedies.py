"""What the messages and docs/operations.md tell to do, done: it works. Each starts from the failed run."""

import gzip
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.airflow.mailbox import Mailbox, free_port
from tests.integration.conftest import HISTORY, NIGHT, Company, words


def loaded(company: Company) -> bool:
    return company.count("invoices", NIGHT) > 0


def steps(company: Company) -> str:
    """What the last failure mail tells to do next."""
    said = words(company.outbox("failure")[-1])
    return said.partition("WHAT TO DO NEXT")[2]


def test_an_unreadable_extract_that_is_delivered_again_is_read_when_the_failed_task_is_cleared(company: Company):
    good = company.extract().read_bytes()
    company.extract().write_bytes(good[: len(good) // 2])
    assert company.run("validate_invoices").states["validate"] == "failed"
    assert "clear the failed task" in steps(company)

    company.extract().write_bytes(good)
    states = company.clear("validate_invoices", "validate")

    assert (states["validate"], states["load"]) == ("success", "success")
    assert loaded(company)


@pytest.mark.slow
def test_an_unreadable_extract_is_read_when_the_contract_is_corrected_and_the_failed_task_cleared(company: Company):
    text = gzip.decompress(company.extract().read_bytes()).decode()
    company.extract().write_bytes(gzip.compress(text.replace("Ltd", "Ltdé").encode("cp1252")))
    assert company.run("validate_invoices").states["validate"] == "failed"

    company.change_contract(extract={"encoding": "cp1252"})
    states = company.clear("validate_invoices", "validate")

    assert states["load"] == "success"
    assert loaded(company)


def test_a_refused_night_is_loaded_when_its_extract_is_corrected_and_the_failed_tasks_are_cleared(company: Company):
    good = company.extract().read_bytes()
    pd.read_csv(company.extract(), dtype="str").drop(columns="gross_amount").to_csv(company.extract(), index=False)
    assert company.run("validate_invoices").states["validate"] == "failed"
    assert company.run("score_invoices").states["wait_for_night"] == "failed"

    company.extract().write_bytes(good)
    assert company.clear("validate_invoices", "validate")["load"] == "success"
    states = company.clear("score_invoices", "wait_for_night")

    assert states["publish"] == "success"
    assert company.count("scores", NIGHT) == company.count("invoices", NIGHT) > 0


def test_staged_rows_that_are_gone_are_made_again_when_the_run_is_cleared_from_its_first_task(company: Company):
    company.succeed("validate_invoices")
    shutil.rmtree(company.home / "staging")
    assert company.clear("validate_invoices", "load")["load"] == "failed"
    assert "Clear the whole run" in steps(company)
    assert "clear the failed task" not in steps(company)

    states = company.clear("validate_invoices", "wait_for_extract")

    assert states["load"] == "success"


def test_a_snapshot_that_is_gone_is_taken_again_when_validate_is_cleared(company: Company):
    company.succeed("validate_invoices")
    shutil.rmtree(company.home / "staging")

    assert company.clear("validate_invoices", "validate")["load"] == "success"


@pytest.mark.slow
def test_an_archived_extract_leaves_its_snapshot_to_be_read_again(company: Company):
    company.succeed("validate_invoices")
    company.extract().unlink()

    assert company.clear("validate_invoices", "validate")["load"] == "success"


@pytest.mark.slow
def test_a_training_on_too_few_invoices_goes_on_when_more_are_loaded_and_the_failed_task_is_cleared(
    new_company: Company,
):
    new_company.succeed("validate_invoices")
    states = new_company.run("train_autoencoder", HISTORY[1]).states
    failed = next(task for task, state in states.items() if state == "failed")

    new_company.succeed("validate_invoices", HISTORY[1])
    states = new_company.clear("train_autoencoder", failed, HISTORY[1])

    assert states["promote"] == "success"


@pytest.mark.slow
def test_a_night_before_there_is_a_model_is_scored_after_the_training_that_the_message_names(new_company: Company):
    new_company.succeed("validate_invoices", HISTORY[1])
    new_company.succeed("validate_invoices")
    assert new_company.run("score_invoices").states["plan"] == "failed"
    said = words(new_company.outbox("failure")[-1])
    told = re.search(r"with an extract date of (\S+) or before", said)
    assert told

    new_company.succeed("train_autoencoder", date.fromisoformat(told[1]))
    states = new_company.clear("score_invoices", "plan")

    assert told[1] == str(NIGHT - timedelta(days=1))
    assert states["publish"] == "success"


def test_a_night_before_the_champions_training_is_not_told_to_train_but_scored_by_the_model_named(company: Company):
    assert company.run("score_invoices", HISTORY[1]).states["plan"] == "failed"
    assert "train_autoencoder" not in words(company.outbox("failure")[-1])
    assert "Nothing need be done" in steps(company)
    told = re.search(r"model_version = (\w+)", words(company.outbox("failure")[-1]))
    assert told

    company.succeed("score_invoices", HISTORY[1], model_version=told[1])

    assert company.count("scores", HISTORY[1]) > 0


@pytest.mark.slow
def test_a_model_that_is_not_there_is_left_out_of_the_form(company: Company):
    company.succeed("validate_invoices")
    company.run("score_invoices", model_version="20200101")
    assert "Trigger score_invoices anew" in steps(company)
    assert "clear the failed task" not in steps(company)

    company.succeed("score_invoices")


@pytest.mark.slow
def test_a_model_for_other_fields_gives_way_to_one_that_is_trained_before_the_night(company: Company):
    company.succeed("validate_invoices")
    company.change_contract(detection={"duplicate_days": 0, "approval_limits": []})
    assert company.run("score_invoices").states["score"] == "failed"
    assert "then clear the task plan of score_invoices" in steps(company)

    company.succeed("train_autoencoder", NIGHT - timedelta(days=1))
    states = company.clear("score_invoices", "plan")

    assert states["publish"] == "success"
    assert company.count("scores", NIGHT) > 0


def test_a_summary_that_no_server_took_is_sent_when_the_connection_is_mended_and_the_task_cleared(
    night_later: Company, mailbox: Mailbox, connect: Callable[..., None]
):
    connect(free_port())
    assert night_later.run("summarise_anomalies").states["summarise"] == "failed"
    assert "Check the connection smtp_default" in steps(night_later)

    connect(mailbox.port)
    states = night_later.clear("summarise_anomalies", "summarise")

    assert states["summarise"] == "success"
    assert len(mailbox.mails) == 1


def test_a_database_that_answers_again_is_written_to_when_the_failed_task_is_cleared(
    company: Company, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as down:
        down.setenv("AIRFLOW_CONN_INVOICES_DB", f"postgresql://clerk:secret@127.0.0.1:{free_port()}/invoices")
        assert company.run("validate_invoices").states["validate"] == "failed"
    assert "Check that Postgres is running" in steps(company)

    assert company.clear("validate_invoices", "validate")["load"] == "success"
    assert loaded(company)


def test_an_extract_that_comes_too_late_is_taken_when_the_failed_task_is_cleared(company: Company):
    company.change_contract(extract={"deadline_hours": 1e-12})
    away = company.extract().rename(Path(f"{company.extract()}.away"))
    assert company.run("validate_invoices").states["wait_for_extract"] == "failed"
    assert "clear the failed task" in steps(company)

    away.rename(company.extract())

    assert company.clear("validate_invoices", "wait_for_extract")["load"] == "success"


def test_failures_are_mailed_to_the_operators_and_to_nobody_else(
    company: Company, mailbox: Mailbox, connect: Callable[..., None]
):
    connect(mailbox.port)
    company.change_contract(report={"operators": ["ops@example.com"]})
    company.extract().write_bytes(b"\x00")

    company.run("validate_invoices")

    assert [envelope.rcpt_tos for envelope in mailbox.envelopes] == [["ops@example.com"]]
