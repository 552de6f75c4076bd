"""Days without an extract: green at once in every DAG, on record, and no mail; a run by hand is told at once."""

import json
from datetime import date
from typing import Any

import pytest

from tests.integration.conftest import NIGHT, Company, words
from tests.integration.runs import backfill, execute, scheduled

pytestmark = pytest.mark.usefixtures("no_backfill_left")

SUNDAY = date(2025, 6, 1)  # the day before NIGHT
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


def on_record(company: Company) -> list[tuple[Any, ...]]:
    return company.rows("SELECT extract_date, reason FROM invoice_anomalies.days_without_extract ORDER BY 1")


def test_a_backfill_over_a_weekend_is_green_and_mails_nobody(company: Company, monkeypatch: pytest.MonkeyPatch):
    for dag_id, task_id in (("validate_invoices", "wait_for_extract"), ("score_invoices", "wait_for_night")):
        runs = backfill(dag_id, str(SUNDAY), f"{NIGHT}T23:59")
        sunday, monday = (execute(company, run, monkeypatch) for run in runs)
        assert set(sunday.values()) == {"skipped"}, sunday
        assert monday[task_id] == "success"

    ((night, reason),) = on_record(company)
    assert night == SUNDAY
    assert reason.startswith("a backfill found no extract at ")
    assert company.count("scoring_runs") == 1
    assert company.outbox() == []


def test_a_weekend_on_schedule_is_green_and_mails_nobody(company: Company, monkeypatch: pytest.MonkeyPatch):
    company.change_contract(schedule={"days": WEEKDAYS})

    for dag_id in ("validate_invoices", "score_invoices", "summarise_anomalies"):
        states = execute(company, scheduled(dag_id, SUNDAY), monkeypatch)
        assert set(states.values()) == {"skipped"}, dag_id

    assert on_record(company) == [(SUNDAY, "schedule.days of the contract has no sun")]
    assert company.outbox() == []
    company.succeed("summarise_anomalies", SUNDAY)  # by hand
    (summary,) = company.outbox("summary")
    assert summary["Subject"].endswith("no extract that day, and none expected")
    assert "There is nothing to do" in words(summary)


def test_an_extract_that_comes_later_is_loaded_and_scored(company: Company, monkeypatch: pytest.MonkeyPatch):
    company.change_contract(schedule={"holidays": [NIGHT]})
    late = company.extract().rename(company.home / "late.csv.gz")
    execute(company, scheduled("validate_invoices", NIGHT), monkeypatch)
    assert [night for night, _ in on_record(company)] == [NIGHT]

    late.rename(company.extract())
    company.succeed("validate_invoices")
    run = company.succeed("score_invoices")

    assert run.states["publish"] == "success"
    assert on_record(company) == []
    assert company.count("invoices", NIGHT) == company.count("scores", NIGHT) > 0


def test_a_missing_extract_on_schedule_fails_when_its_deadline_is_over(
    company: Company, monkeypatch: pytest.MonkeyPatch
):
    company.extract().unlink()

    states = execute(company, scheduled("validate_invoices", NIGHT), monkeypatch)

    assert states["wait_for_extract"] == "failed"
    (failure,) = company.outbox("failure")
    assert failure["Subject"].startswith(f"FAILED: the extract did not arrive (invoices of {NIGHT}")
    assert "within 6 hours of its schedule" in words(failure)


def test_runs_by_hand_are_told_at_once_what_is_missing(company: Company):
    company.extract().unlink()

    assert company.run("validate_invoices").states["wait_for_extract"] == "failed"
    assert company.run("score_invoices").states["wait_for_night"] == "failed"

    told = " ".join(words(failure) for failure in company.outbox("failure"))
    assert "a run by hand does not wait for one" in told
    assert f"the night of {NIGHT} was never loaded" in told


def test_a_backfill_with_a_date_in_its_form_does_no_night_at_all(company: Company, monkeypatch: pytest.MonkeyPatch):
    conf = json.dumps({"extract_date": str(NIGHT)})
    runs = backfill("validate_invoices", "2025-07-01", "2025-07-02T23:59", "--dag-run-conf", conf)

    states = [execute(company, run, monkeypatch)["wait_for_extract"] for run in runs]

    assert states == ["failed", "failed"]
    assert company.count("validation_runs", NIGHT) == 0
    assert "with the extract date left empty" in words(company.outbox("failure")[0])
