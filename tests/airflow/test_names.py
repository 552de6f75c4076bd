"""The plugin that shows nights: what it does to a run that is stored, and what it lets the API server know."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError
from jsonschema import FormatChecker

from invoice_anomalies.airflow.names import show_night
from invoice_anomalies.airflow.nights import extract_date_param
from invoice_anomalies.airflow.plugin import InvoiceAnomaliesPlugin
from invoice_anomalies.contract import Contract

AFTER = datetime(2026, 11, 5, 9, tzinfo=UTC)


class DagRun(SimpleNamespace):
    """What the plugin looks at; it goes by the name of the class."""


def stored(**changes: Any) -> DagRun:
    facts = {
        "dag_id": "score_invoices",
        "run_id": f"manual__{AFTER.isoformat()}__abc",
        "run_type": "manual",
        "run_after": AFTER,
        "logical_date": None,
        "partition_key": None,
        "conf": {"extract_date": "2026-11-04"},
    }
    run = DagRun(**facts | changes)
    show_night(None, None, run)
    return run


def test_a_run_by_hand_is_named_by_its_night():
    run = stored()

    assert (run.run_id, run.partition_key) == (f"2026-11-04__manual__{AFTER.isoformat()}__abc", "2026-11-04")
    assert stored(conf=None).partition_key == "2026-11-05", "the date on which it is made"
    assert stored(partition_key="2026-11-03", conf={}).run_id.startswith("2026-11-03__manual__")


def test_a_name_that_somebody_gave_and_the_names_of_other_runs_stay():
    assert stored(run_id="mine").run_id == "mine"
    triggered = stored(run_type="operator_triggered", run_id="rescore-2026-11-04")
    assert (triggered.run_id, triggered.partition_key) == ("rescore-2026-11-04", "2026-11-04")
    assert stored(dag_id="somebody_elses").partition_key is None
    assert stored(run_type="backfill").partition_key is None


def test_what_goes_wrong_with_the_name_stops_no_run():
    assert stored(conf="no mapping").run_id.startswith("manual__")


def test_the_form_is_checked_where_no_dag_file_is_read(contract: Contract, monkeypatch: pytest.MonkeyPatch):
    param = extract_date_param("The night.", contract.schedule)
    monkeypatch.setattr(FormatChecker, "checkers", {k: v for k, v in FormatChecker.checkers.items() if " " not in k})
    assert param.resolve("2062-11-04") == "2062-11-04", "else this test shows nothing"

    InvoiceAnomaliesPlugin.on_load()

    with pytest.raises(ParamValidationError, match="is not a 'night from"):
        param.resolve("2062-11-04")
