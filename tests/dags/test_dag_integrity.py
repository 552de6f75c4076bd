"""What every DAG promises: it imports, says what it is, asks in a form, tries again, gives up, and tells somebody."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, BaseSensorOperator
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.serialization.serialized_objects import DagSerialization

from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.paths import PROJECT
from invoice_anomalies.pipeline.nights import TODAY

DAGS = ["score_invoices", "summarise_anomalies", "train_autoencoder", "validate_invoices"]
SENSORS = {"validate_invoices": "wait_for_extract", "score_invoices": "wait_for_night"}


@pytest.fixture(params=DAGS)
def dag(request: pytest.FixtureRequest, dag_bag: DagBag) -> DAG:
    return dag_bag.dags[request.param]


def partition_keys(dag: DAG, earliest: datetime, latest: datetime) -> list[str | None]:
    timetable = coerce_to_core_timetable(dag.timetable)
    return [info.partition_key for info in timetable.iter_partition_dagrun_infos(earliest=earliest, latest=latest)]


def test_the_four_dags_import_without_an_error(dag_bag: DagBag):
    assert dag_bag.import_errors == {}
    assert sorted(dag_bag.dags) == DAGS


def test_each_file_is_a_table_of_contents(dag: DAG):
    lines = Path(dag.fileloc).read_text().splitlines()

    assert len(lines) < 100, f"{dag.fileloc} has {len(lines)} lines; logic belongs into include/"


def test_an_operator_is_told_what_runs_when_and_what_to_do_by_hand(dag: DAG):
    assert dag.doc_md is not None
    assert dag.doc_md.startswith("### ")
    assert "Runs " in dag.doc_md
    assert "**By hand:**" in dag.doc_md or "**First use:**" in dag.doc_md


def test_each_dag_is_found_by_its_tags(dag: DAG):
    assert "invoices" in dag.tags
    assert dag.tags & {"nightly", "daily", "weekly"}


def test_runs_missed_while_paused_are_not_caught_up(dag: DAG):
    assert dag.catchup is False
    assert dag.start_date is not None


def test_a_scheduled_run_carries_its_extract_date_as_partition_key(dag: DAG):
    keys = partition_keys(dag, datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 11, 23, 59, tzinfo=UTC))

    # A week from Monday to Sunday; the training is on Sundays.
    week = ["2026-01-11"] if dag.dag_id == "train_autoencoder" else [f"2026-01-{day:02}" for day in range(5, 12)]
    assert keys == week


def test_the_schedules_are_those_of_the_contract_one_after_the_other(dag_bag: DagBag, contract: Contract):
    crons = {name: coerce_to_core_timetable(dag_bag.dags[name].timetable).summary for name in DAGS}

    assert crons == {name: getattr(contract.schedule, name) for name in DAGS}
    hours = [int(crons[name].split()[1]) for name in ("validate_invoices", "score_invoices", "summarise_anomalies")]
    assert hours == sorted(set(hours))


def test_the_key_is_the_date_in_the_time_zone_of_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_contract: None
):
    text = (PROJECT / "include" / "invoices.yaml").read_text()
    mine = tmp_path / "invoices.yaml"
    mine.write_text(f"{text}\nschedule:\n  timezone: Asia/Tokyo\n  validate_invoices: '30 1 * * *'\n")
    monkeypatch.setenv("INVOICES_CONTRACT", str(mine))

    dag = DagBag(PROJECT / "dags").dags["validate_invoices"]

    # Half past one in Tokyo is the evening before in UTC.
    (info,) = coerce_to_core_timetable(dag.timetable).iter_partition_dagrun_infos(
        earliest=datetime(2026, 1, 5, tzinfo=UTC), latest=datetime(2026, 1, 5, 23, tzinfo=UTC)
    )
    assert info.partition_key == "2026-01-05"
    assert info.run_after == datetime(2026, 1, 4, 16, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dag_id", "forms"),
    {
        "validate_invoices": {
            "extract_date": "date",
            "extract_path": "text",
            "history": "switch",
            "history_date": "text",
            "take_back": "text",
            "dry_run": "switch",
        },
        "train_autoencoder": {"extract_date": "date", "promote": "choice"},
        "score_invoices": {
            "extract_date": "date",
            "model_version": "text",
            "only_if_stale": "switch",
            "dry_run": "switch",
        },
        "summarise_anomalies": {"extract_date": "date", "dry_run": "switch"},
    }.items(),
)
def test_the_trigger_form_has_a_field_of_its_kind_for_every_param(dag_bag: DagBag, dag_id: str, forms: dict[str, str]):
    schemas: dict[str, dict[str, object]] = {
        "date": {"type": ["null", "string"], "format": "date"},
        "text": {"type": ["null", "string"]},
        "switch": {"type": "boolean"},
        "choice": {"enum": ["if better", "always", "never"]},
    }
    params = dag_bag.dags[dag_id].params

    assert set(params) == set(forms)
    for name, form in forms.items():
        param = params.get_param(name)
        assert param.schema.items() >= schemas[form].items(), name
        assert param.schema["title"]


def test_a_run_without_any_param_is_valid_and_nonsense_is_not(dag: DAG):
    dag.params.validate()

    param = dag.params.get_param("extract_date")
    assert param.resolve("2026-01-05") == "2026-01-05"
    for nonsense in ("yesterday", "2026-02-31", 5):
        with pytest.raises(ParamValidationError):
            param.resolve(nonsense)


def test_every_task_is_tried_again_with_growing_pauses_and_ends_some_time(dag: DAG):
    for task in dag.tasks:
        assert task.retries is not None, task.task_id
        assert task.retries >= 2, task.task_id
        assert task.retry_exponential_backoff, task.task_id
        assert isinstance(task.retry_delay, timedelta), task.task_id
        assert isinstance(task.max_retry_delay, timedelta), task.task_id
        assert timedelta() < task.retry_delay < task.max_retry_delay <= timedelta(hours=1), task.task_id
        assert task.execution_timeout is not None, task.task_id
        assert timedelta() < task.execution_timeout <= timedelta(hours=6), task.task_id


def test_every_task_tells_somebody_when_it_fails(dag: DAG):
    for task in dag.tasks:
        told = task.on_failure_callback
        callbacks = told if isinstance(told, Sequence) else [told]  # a mapped task keeps it as it was given
        assert [type(callback).__name__ for callback in callbacks] == ["InvoiceFailureNotifier"], task.task_id
    # The callback of a DAG is not handed the error, and would tell of it a second time.
    assert not dag.has_on_failure_callback


@pytest.mark.parametrize(("dag_id", "sensor"), SENSORS.items())
def test_a_night_waits_as_long_as_the_contract_says_and_holds_no_worker(
    dag_bag: DagBag, contract: Contract, dag_id: str, sensor: str
):
    task = dag_bag.dags[dag_id].get_task(sensor)

    assert isinstance(task, BaseSensorOperator)
    assert task.timeout == contract.extract.deadline_hours * 3600
    assert task.mode == "reschedule"
    assert task.upstream_task_ids == set()


def test_only_one_training_runs_at_a_time(dag_bag: DagBag):
    assert dag_bag.dags["train_autoencoder"].max_active_runs == 1


def test_a_mistake_in_the_contract_is_an_import_error_with_line_and_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_contract: None
):
    lines = (PROJECT / "include" / "invoices.yaml").read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("entity: vendor_id"))
    lines[at] = "entity: vendor_nr"
    broken = tmp_path / "broken.yaml"
    broken.write_text("\n".join(lines))
    monkeypatch.setenv("INVOICES_CONTRACT", str(broken))

    bag = DagBag(PROJECT / "dags")

    assert bag.dags == {}
    assert sorted(Path(file).stem for file in bag.import_errors) == DAGS
    for error in bag.import_errors.values():
        assert f"{broken}, line {at + 1}, entity: 'vendor_nr' is not one of the fields; use one of: vendor_id" in error


@pytest.mark.parametrize("path", sorted(PROJECT.glob("docs/contracts/*.yaml")), ids=lambda path: path.stem)
def test_the_dags_import_with_the_contracts_of_other_companies(
    path: Path, monkeypatch: pytest.MonkeyPatch, fresh_contract: None
):
    monkeypatch.setenv("INVOICES_CONTRACT", str(path))

    bag = DagBag(PROJECT / "dags")

    assert bag.import_errors == {}
    sensor = bag.dags["validate_invoices"].get_task("wait_for_extract")
    assert isinstance(sensor, BaseSensorOperator)
    assert sensor.timeout == load_contract(path).extract.deadline_hours * 3600


def test_the_form_takes_only_nights_that_there_can_be(dag: DAG, contract: Contract, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(TODAY, "2026-11-04")
    # As the API server has it: a copy that came through the database.
    form = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).params

    for night in (str(contract.schedule.start_date), "2026-11-04", "2026-11-11", None):
        form.deep_merge({"extract_date": night}).validate()
    for night in ("0026-11-04", "2062-11-04", "2026-11-12", "2023-12-31"):
        with pytest.raises(ParamValidationError, match=f"'{night}' is not a 'night from 2024-01-01 to 7 days from"):
            form.deep_merge({"extract_date": night}).validate()


def test_the_form_says_what_an_empty_date_and_a_dry_run_mean(dag: DAG):
    assert "Where empty, the run's partition key" in (dag.params.get_param("extract_date").description or "")
    if "dry_run" in dag.params:
        assert "nothing is written" in (dag.params.get_param("dry_run").description or "")


def test_tasks_of_scheduled_runs_come_before_those_by_hand_and_those_before_a_backfill(dag: DAG):
    core = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    runs = ["scheduled__2026-11-04", "2026-11-04__manual__x", "backfill__2026-11-04"]

    def weight(task: Any, run_id: str) -> int:
        return int(task.weight_rule.get_weight(SimpleNamespace(task=task, run_id=run_id)))

    weights = [[weight(task, run_id) for task in core.tasks] for run_id in runs]

    assert min(weights[0]) > max(weights[1])
    assert min(weights[1]) > max(weights[2])
    assert {task.weight_rule.__class__.__name__ for task in core.tasks} == {"ScheduledFirst"}


def test_runs_by_hand_cannot_fill_the_slots_of_scheduled_ones(dag_bag: DagBag):
    # Airflow makes no scheduled run while as many runs are queued or running, whoever started them.
    assert {dag_bag.dags[name].max_active_runs for name in DAGS if name != "train_autoencoder"} == {1000}
