"""`make up`: the real Airflow with its scheduler, in the state that the demo left; `make down` ends all of it."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.demo import NIGHTS, SPARE_NIGHT
from local.postgres_programs import port_is_free
from tests.e2e.conftest import Demo, Shell

RUN_SECONDS = 120
DAGS = ["score_invoices", "summarise_anomalies", "train_autoencoder", "validate_invoices"]


@dataclass
class Api:
    """The REST API with a user's token."""

    url: str
    token: str | None = None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def trigger(self, dag_id: str, **conf: Any) -> str:
        """Start a run as the trigger form does; returns its id."""
        run = self.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def wait_for(self, dag_id: str, run_id: str) -> str:
        """State of a run when it has ended, or after RUN_SECONDS."""
        state, deadline = "", time.monotonic() + RUN_SECONDS
        while state not in ("success", "failed") and time.monotonic() < deadline:
            time.sleep(1)
            state = self.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"]
        return state


@pytest.fixture(scope="module")
def api(demo: Demo) -> Iterator[Api]:
    """A running Airflow, and the login that `make up` prints."""
    printed = demo.shell.succeed("make -s up")
    found = re.search(r"Airflow is at (\S+)\n +log in as (\w+) with password (\S+)", printed)
    assert found, printed
    made = Api(found[1])
    made.token = made.ask("POST", "/auth/token", {"username": found[2], "password": found[3]})["access_token"]
    yield made
    demo.shell.run("make -s down", 60)


def processes_of(shell: Shell) -> list[str]:
    """Command lines of the processes that belong to the deployment, by their environment or their arguments."""
    home, found = str(shell.home).encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            about = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            if home in about:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # ended meanwhile, or not ours to read
    return found


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
        assert {task["state"] for task in tasks} == {"success"}

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
