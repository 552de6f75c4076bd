"""`make up`: the real Airflow with its scheduler, in the state that the demo left; `make down` ends all of it."""

from collections.abc import Iterator

import pytest

from local.demo import NIGHTS, SPARE_NIGHT
from local.postgres_programs import port_is_free
from tests.e2e.api import Api, make_up, processes_of
from tests.e2e.conftest import Demo

# Tasks of a history, of a night taken back, and of repeats.
NOT_ASKED_FOR = ["validate_history", "load_month", "finish_history", "take_back", "repeat"]
DAGS = ["score_invoices", "summarise_anomalies", "train_autoencoder", "validate_invoices"]


@pytest.fixture(scope="module")
def api(demo: Demo) -> Iterator[Api]:
    """A running Airflow, and the login that `make up` prints."""
    yield make_up(demo.shell)
    demo.shell.run("make -s down", 60)


def test_the_dags_and_the_runs_of_the_demo_are_there(api: Api):
    dags = api.ask("GET", "/api/v2/dags?tags=invoices")["dags"]
    errors = api.ask("GET", "/api/v2/importErrors")["total_entries"]
    runs = api.ask("GET", "/api/v2/dags/score_invoices/dagRuns")["dag_runs"]

    assert sorted(dag["dag_id"] for dag in dags) == DAGS
    assert errors == 0
    assert {run["conf"]["extract_date"] for run in runs} == {str(night) for night in NIGHTS}


def test_make_up_again_leaves_it_running_and_prints_the_login(api: Api, demo: Demo):
    printed = demo.shell.succeed("make -s up", 60)

    assert api.url in printed
    assert api.ask("GET", "/api/v2/monitor/health")["scheduler"]["status"] == "healthy"


def test_a_night_triggered_by_hand_is_validated_and_scored_by_the_scheduler(api: Api, demo: Demo):
    night = str(SPARE_NIGHT)
    for dag_id in ("validate_invoices", "score_invoices"):
        api.ask("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
        run_id = api.trigger(dag_id, extract_date=night)
        state = api.wait_for(dag_id, run_id)
        tasks = api.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        assert state == "success", {task["task_id"]: task["state"] for task in tasks}
        states = {task["task_id"]: task["state"] for task in tasks}
        # Nothing was loaded or scored before that rests on this night, so nothing is to be repeated.
        assert {states.pop(task, "skipped") for task in NOT_ASKED_FOR} == {"skipped"}, states
        assert set(states.values()) == {"success"}, states

    ((rows_in, valid, quarantined),) = demo.shell.query(
        f"SELECT rows_in, valid, quarantined FROM invoice_anomalies.validation_runs WHERE extract_date = '{night}'"
    )
    assert int(rows_in) == int(valid) + int(quarantined) > 0
    assert demo.shell.query(
        f"SELECT count(*), count(DISTINCT model_version) FROM invoice_anomalies.scores WHERE extract_date = '{night}'"
    ) == [[valid, "1"]]


def test_make_down_leaves_no_process_and_frees_the_port(api: Api, demo: Demo):
    port = int(api.url.rsplit(":", 1)[1])
    assert processes_of(demo.shell), "else this test looks for the wrong thing"
    assert not port_is_free(port)

    demo.shell.succeed("make -s down", 60)

    assert processes_of(demo.shell) == []
    assert port_is_free(port)
    demo.shell.succeed("make -s down", 60)
