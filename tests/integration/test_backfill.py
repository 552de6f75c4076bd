"""Runs by extract date through Airflow's own backfill: any range, each night once, nobody is woken."""

from datetime import date

import pytest
from airflow.dag_processing.dagbag import DagBag

from invoice_anomalies.paths import PROJECT
from tests.integration.conftest import NIGHTS, Company
from tests.integration.runs import backfill, execute

pytestmark = pytest.mark.usefixtures("no_backfill_left")


@pytest.mark.parametrize("dag_id", ["validate_invoices", "score_invoices", "summarise_anomalies"])
def test_a_backfill_makes_a_run_for_each_night_with_the_night_as_its_key(company: Company, dag_id: str):
    runs = backfill(dag_id, "2024-02-27", "2024-03-02T23:59")

    assert [run.partition_key for run in runs] == ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
    assert {run.run_type for run in runs} == {"backfill"}


def test_the_end_of_a_backfill_is_a_moment_as_the_documentation_of_the_dag_says(company: Company):
    runs = backfill("validate_invoices", "2024-04-01", "2024-04-03")

    assert [run.partition_key for run in runs] == ["2024-04-01", "2024-04-02"]
    doc = DagBag(PROJECT / "dags").dags["validate_invoices"].doc_md
    assert doc is not None
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
