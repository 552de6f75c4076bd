"""A history in one file through the DAG: night by night in one run, with what is to be scored again."""

from pathlib import Path

import pandas as pd

from tests.company import HISTORY
from tests.integration.conftest import NIGHT, NIGHTS, Company


def test_a_history_is_loaded_night_by_night_in_one_run_and_repeated_without_a_change(
    new_company: Company, tmp_path: Path
):
    days = ["2025-03-03", "2025-03-04", "2025-03-06", "2025-04-01", "2025-04-02"]
    invoices = pd.read_csv(new_company.extract(HISTORY[1]), dtype="str")
    invoices = invoices[invoices["posting_date"].isin(days)]
    file = tmp_path / "history.csv"
    invoices.to_csv(file, index=False)

    run = new_company.succeed("validate_invoices", extract_path=str(file), history=True)

    assert (run.states["validate"], run.states["finish_history"]) == ("skipped", "success")
    nights = new_company.rows(
        "SELECT extract_date::text, rows_in::integer, file FROM invoice_anomalies.validation_runs "
        "WHERE success ORDER BY 1"
    )
    assert nights == [(day, (invoices["posting_date"] == day).sum(), str(file)) for day in days]
    assert new_company.count("invoices") + new_company.count("quarantined_invoices") == len(invoices)
    before = new_company.tables()

    new_company.succeed("validate_invoices", extract_path=str(file), history=True, history_date="posting_date")

    assert new_company.tables() == before


def test_a_dry_run_of_a_history_loads_nothing(company: Company):
    before = company.tables()

    run = company.succeed(
        "validate_invoices", NIGHTS[2], extract_path=str(company.extract()), history=True, dry_run=True
    )

    assert (run.states["validate_history"], run.states["finish_history"]) == ("success", "skipped")
    assert company.tables() == before


def test_a_history_before_a_scored_night_has_that_night_scored_again(night_later: Company, tmp_path: Path):
    invoices = pd.read_csv(night_later.extract(HISTORY[1]), dtype="str").head(3)
    invoices["invoice_number"] = ["H1", "H2", "H3"]
    invoices["posting_date"] = ["2025-02-03", "2025-02-03", "2025-02-10"]
    invoices.to_csv(tmp_path / "history.csv", index=False)

    run = night_later.succeed("validate_invoices", extract_path=str(tmp_path / "history.csv"), history=True)

    assert run.states["repeat"] == "success"
    triggered = night_later.rows("SELECT extract_date FROM invoice_anomalies.stale_nights")
    assert triggered == [(NIGHT,)]
