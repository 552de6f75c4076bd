"""Nights that are refused, nights that do not come, and a database that is down."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tests.airflow.mailbox import free_port
from tests.integration.conftest import NIGHT, Company, words


def without_column(path: Path, name: str) -> None:
    pd.read_csv(path, dtype="str").drop(columns=name).to_csv(path, index=False)


@pytest.fixture
def impatient(company: Company) -> Company:
    """A company that looks once for an extract, and then has waited long enough."""
    company.change_contract(extract={"deadline_hours": 1e-12})
    return company


def test_a_night_without_a_column_is_refused_as_a_whole_and_somebody_is_told(company: Company):
    without_column(company.extract(), "gross_amount")
    before = company.tables()

    run = company.run("validate_invoices")

    assert run.state == "failed"
    assert (run.states["validate"], run.states["load"]) == ("failed", "upstream_failed")
    ((success, rows_in, problems),) = company.rows(
        "SELECT success, rows_in, problems FROM invoice_anomalies.validation_runs WHERE extract_date = %s", NIGHT
    )
    assert success is False
    assert rows_in > 0
    assert any("'gross_amount'" in problem for problem in problems)
    after = company.tables()
    assert {name for name in before if after[name] != before[name]} == {"validation_runs"}
    (failure,) = company.outbox("failure")
    assert failure["Subject"].startswith(f"FAILED: the night was refused (invoices of {NIGHT}, validate_invoices")
    assert "'gross_amount'" in words(failure)
    assert str(company.home / "data_docs" / str(NIGHT)) in words(failure)


def test_a_refused_night_is_not_scored_but_summarised(company: Company):
    without_column(company.extract(), "gross_amount")
    company.run("validate_invoices")

    scored = company.run("score_invoices")
    company.succeed("summarise_anomalies")

    assert scored.states["wait_for_night"] == "failed"
    assert company.count("scores") == 0
    (summary,) = company.outbox("summary")
    assert "refused" in summary["Subject"]
    assert "'gross_amount'" in words(summary)


def test_a_corrected_extract_takes_the_place_of_the_refused_one(company: Company):
    good = company.extract().read_bytes()
    without_column(company.extract(), "gross_amount")
    company.run("validate_invoices")

    company.extract().write_bytes(good)
    company.succeed("validate_invoices")
    company.succeed("score_invoices")

    ((success, problems),) = company.rows(
        "SELECT success, problems FROM invoice_anomalies.validation_runs WHERE extract_date = %s", NIGHT
    )
    assert (success, problems) == (True, [])
    assert company.count("scores", NIGHT) == company.count("invoices", NIGHT) > 0


def test_an_extract_that_does_not_come_is_waited_for_until_the_deadline_and_then_told(impatient: Company):
    impatient.extract().unlink()
    before = impatient.tables()

    run = impatient.run("validate_invoices")

    assert run.states["wait_for_extract"] == "failed"
    assert run.states["snapshot"] == "upstream_failed"
    assert impatient.tables() == before
    (failure,) = impatient.outbox("failure")
    assert failure["Subject"].startswith(f"FAILED: the extract did not arrive (invoices of {NIGHT}")
    assert f"landing/invoices_{NIGHT}.csv.gz" in words(failure)


def test_an_extract_whose_writing_has_only_begun_is_waited_for(impatient: Company):
    impatient.extract().write_bytes(b"")

    assert impatient.run("validate_invoices").states["wait_for_extract"] == "failed"


def test_a_night_that_was_never_validated_is_not_waited_for_by_a_run_by_hand(impatient: Company):
    run = impatient.run("score_invoices")

    assert run.states["wait_for_night"] == "failed"
    (failure,) = impatient.outbox("failure")
    assert "Run validate_invoices for that night" in words(failure)


def test_the_summary_of_a_night_without_an_extract_says_so(company: Company):
    company.succeed("summarise_anomalies", date(2025, 6, 7))

    (summary,) = company.outbox("summary")
    assert "no extract arrived" in summary["Subject"]


def test_a_database_that_is_down_is_named_without_its_password(
    company: Company, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    port = free_port()
    monkeypatch.setenv("AIRFLOW_CONN_INVOICES_DB", f"postgresql://clerk:open-sesame@127.0.0.1:{port}/invoices")

    run = company.run("validate_invoices")

    assert run.states["validate"] == "failed"
    (failure,) = company.outbox("failure")
    assert f"cannot reach the invoices database at 127.0.0.1:{port}" in words(failure)
    said = capfd.readouterr()
    assert "WarehouseUnreachableError" in said.out + said.err
    assert "open-sesame" not in said.out + said.err + failure.as_string()
