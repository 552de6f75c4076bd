"""DAG files are parsed over and over: each must be quick, and import nothing that is heavy.

Measured is what a file adds to Airflow: the import of Airflow itself (1.5 s) is paid once by the DAG processor. It is
the CPU time, which does not depend on what else the machine does.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from include.places import PROJECT

FILES = sorted((PROJECT / "dags").glob("*.py"))
HEAVY = ["tensorflow", "keras", "pandas", "great_expectations", "matplotlib", "sklearn", "pyarrow"]
MOST_SECONDS = 1.0
PARSE = """
import json, sys, time
import airflow, airflow.sdk
before = set(sys.modules)
import runpy
began = time.process_time()
runpy.run_path(sys.argv[1])
seconds = time.process_time() - began
heavy = [name for name in sys.argv[2:] if name in sys.modules]
print(json.dumps({"seconds": seconds, "heavy": heavy, "before": [n for n in sys.argv[2:] if n in before]}))
"""


def parse(file: Path) -> dict[str, Any]:
    """Execute a DAG file in a process of its own, as its DAG processor would."""
    command = [sys.executable, "-c", PARSE, str(file), *HEAVY]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def parsed() -> dict[Path, dict[str, Any]]:
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(FILES, pool.map(parse, FILES), strict=True))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_is_parsed_in_less_than_a_second(parsed: dict[Path, dict[str, Any]], file: Path):
    assert parsed[file]["seconds"] < MOST_SECONDS


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_imports_nothing_heavy(parsed: dict[Path, dict[str, Any]], file: Path):
    assert parsed[file]["before"] == [], "Airflow imports it itself, so this test could not tell"
    assert parsed[file]["heavy"] == []


def test_the_check_for_heavy_imports_can_fail(tmp_path: Path):
    file = tmp_path / "heavy.py"
    file.write_text("import pandas\n")

    assert "pandas" in parse(file)["heavy"]
