"""The package works in both ways: as the folder include/ beside an Airflow, and as an installed wheel."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from invoice_anomalies.paths import PROJECT

# What the scheduler and the API server do: read the DAG files, load the plugins, and name the weight rule of a task.
LOOK = """
import sys
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

import invoice_anomalies
from invoice_anomalies.contract import load_contract
from invoice_anomalies.paths import contract_path

bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
stored = [DagSerialization.serialize_dag(dag) for dag in bag.dags.values()]  # takes a rule of a loaded plugin only
rules = {str(task.weight_rule) for dag in bag.dags.values() for task in dag.tasks}
print(invoice_anomalies.__path__[0])
print(*sorted(bag.dags))
print(*rules)
print(load_contract(contract_path()).name, contract_path())
"""
DAGS = "score_invoices summarise_anomalies train_autoencoder validate_invoices"
RULE = "invoice_anomalies.airflow.priorities.ScheduledFirst"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as `pip wheel .` makes it: by the build backend, here the pinned one."""
    folder = tmp_path_factory.mktemp("wheel")
    command: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=PROJECT, check=True, timeout=120)
    (made,) = folder.glob("*.whl")
    return made


def look(home: Path, *on_path: Path, plugins: Path) -> list[str]:
    """What an Airflow finds that has these folders on its path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "INVOICES"))}
    environment = kept | {
        "PYTHONPATH": os.pathsep.join(str(path) for path in on_path),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    command = [sys.executable, "-c", LOOK, str(PROJECT / "dags")]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-4:]


def test_the_folder_beside_an_airflow_is_enough(tmp_path: Path) -> None:
    package, dags, rules, contract = look(tmp_path, PROJECT / "include", plugins=PROJECT / "plugins")

    assert package == str(PROJECT / "include" / "invoice_anomalies")
    assert (dags, rules) == (DAGS, RULE)
    assert contract == f"accounts_payable {PROJECT / 'include' / 'invoices.yaml'}"


def test_the_wheel_is_enough(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    with zipfile.ZipFile(wheel) as archive:  # all that an installer does with a wheel without programs
        archive.extractall(site)

    package, dags, rules, contract = look(tmp_path, site, plugins=tmp_path / "no-plugins")

    assert package == str(site / "invoice_anomalies")
    assert (dags, rules) == (DAGS, RULE)
    assert contract == f"accounts_payable {site / 'invoice_anomalies' / 'invoices.yaml'}"


def test_the_wheel_holds_every_file_of_the_package_and_asks_for_what_the_project_names(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        (metadata,) = [archive.read(name).decode() for name in held if name.endswith("METADATA")]
    folder = PROJECT / "include" / "invoice_anomalies"
    files = {path.relative_to(folder.parent).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in files if "__pycache__" not in name} <= held

    named = {line.split("#")[0].strip() for line in (PROJECT / "requirements.in").read_text().splitlines()} - {""}
    asked = {line.removeprefix("Requires-Dist: ") for line in metadata.splitlines() if "Requires-Dist" in line}
    assert {name.split("=")[0].split(">")[0] for name in named} == {
        name.split("=")[0].split(">")[0].split("<")[0] for name in asked
    }
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert f"Version: {version}" in metadata.splitlines()
