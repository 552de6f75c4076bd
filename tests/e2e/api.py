"""The running Airflow of a shell's deployment: its REST API, and its processes."""

import json
import re
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Shell

RUN_SECONDS = 120


@dataclass
class Api:
    """The REST API with a user's token."""

    url: str
    token: str | None = None
    patience: float = 30  # seconds for an answer

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=self.patience) as answer:
            return json.load(answer)

    def trigger(self, dag_id: str, **conf: Any) -> str:
        """Start a run as the trigger form does; returns its id."""
        run = self.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def wait_for(self, dag_id: str, run_id: str, seconds: float = RUN_SECONDS) -> str:
        """State of a run when it has ended, or after so many seconds."""
        state, deadline = "", time.monotonic() + seconds
        while state not in ("success", "failed") and time.monotonic() < deadline:
            time.sleep(1)
            state = self.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"]
        return state


def make_up(shell: Shell, patience: float = Api.patience) -> Api:
    """Start Airflow as a user does, and log in with what is printed."""
    printed = shell.succeed("make -s up")
    found = re.search(r"Airflow is at (\S+)\n +log in as (\w+) with password (\S+)", printed)
    assert found, printed
    api = Api(found[1], patience=patience)
    api.token = api.ask("POST", "/auth/token", {"username": found[2], "password": found[3]})["access_token"]
    return api


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
