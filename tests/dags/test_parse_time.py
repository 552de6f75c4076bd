"""DAG files are parsed over and over: each must be quick, and import nothing that is heavy.

Measured is what a file adds to Airflow: the import of Airflow itself (1.5 s) is paid once by the DAG processor. It is
counted in calls of Python functions, which are as many on every machine.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from invoice_anomalies.paths import PROJECT

FILES = sorted((PROJECT / "dags").glob("*.py"))
HEAVY = ["tensorflow", "keras", "pandas", "great_expectations", "matplotlib", "sklearn", "pyarrow"]
# Measured: 132,000 to 364,000 (validate_invoices); the import of pandas alone is 149,000.
MOST_CALLS = 600_000
PARSE = """
import json, os, runpy, sys
import airflow, airflow.sdk
files, heavy = json.loads(sys.argv[1]), json.loads(sys.argv[2])
before = set(sys.modules)
for file in files:
    sys.stdout.flush()
    if os.fork():
        assert os.wait()[1] == 0, file
        continue
    calls = 0
    def count(frame, event, argument):
        global calls
        calls += event == "call"
    sys.setprofile(count)
    runpy.run_path(file)
    sys.setprofile(None)
    found = {"heavy": [name for name in heavy if name in sys.modules], "before": [*before.intersection(heavy)]}
    found["calls"] = calls
    print(json.dumps({file: found}), flush=True)
    os._exit(0)
"""


def parse(*files: Path) -> dict[Path, dict[str, Any]]:
    """Execute each DAG file in a process of its own, forked from one that has imported Airflow."""
    command = [sys.executable, "-c", PARSE, json.dumps([str(file) for file in files]), json.dumps(HEAVY)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "include")}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    return {Path(file): found for line in told for file, found in line.items()}


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is no DAG file of the project, and imports what none of them may."""
    file = tmp_path_factory.mktemp("heavy") / "heavy.py"
    file.write_text("import pandas\n")
    return file


@pytest.fixture(scope="module")
def parsed(heavy: Path) -> dict[Path, dict[str, Any]]:
    return parse(*FILES, heavy)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_is_parsed_in_few_calls(parsed: dict[Path, dict[str, Any]], file: Path):
    assert parsed[file]["calls"] < MOST_CALLS


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_imports_nothing_heavy(parsed: dict[Path, dict[str, Any]], file: Path):
    assert parsed[file]["before"] == [], "Airflow imports it itself, so this test could not tell"
    assert parsed[file]["heavy"] == []


def test_the_checks_can_fail(parsed: dict[Path, dict[str, Any]], heavy: Path):
    assert "pandas" in parsed[heavy]["heavy"]
    assert parsed[heavy]["calls"] > 100_000
