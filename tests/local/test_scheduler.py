"""What the scheduler of `make up` imports for its workers, which are forks of it."""

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from invoice_anomalies.paths import PROJECT
from local.deployment import SCHEDULER

HEAVY = {"great_expectations", "pandas", "pyarrow", "psycopg2"}
LOOK = """
import json, logging, sys, threading
logging.basicConfig(level="INFO", stream=sys.stdout)
before = set(sys.modules)
import airflow_local_settings
new = sorted({name.split(".")[0] for name in set(sys.modules) - before})
print(json.dumps({"new": new, "threads": threading.active_count()}))
"""


@cache
def start_of(command: str) -> tuple[dict[str, Any], list[str]]:
    """What a process of `airflow COMMAND` imports when it starts, and what it logs."""
    code = f"import sys; sys.argv = ['airflow', '{command}']\n{LOOK}"
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=os.environ | {"PYTHONPATH": f"{PROJECT / 'include'}{os.pathsep}{SCHEDULER}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout.splitlines()
    return json.loads(printed[-1]), printed[:-1]


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forks on Linux only")
def test_the_scheduler_imports_the_heavy_libraries_in_silence_and_starts_no_thread():
    found, logged = start_of("scheduler")

    assert set(found["new"]) >= HEAVY
    assert found["threads"] == 1, "a fork would leave threads behind, and what they hold"
    assert logged == []


def test_it_imports_neither_tensorflow_nor_the_pipeline():
    found, _ = start_of("scheduler")

    assert set(found["new"]) & {"tensorflow", "keras", "invoice_anomalies", "sklearn"} == set()


@pytest.mark.parametrize("command", ["dag-processor", "api-server", "triggerer", "dags"])
def test_other_commands_of_airflow_import_none_of_it(command: str):
    found, _ = start_of(command)

    assert set(found["new"]) & HEAVY == set()
