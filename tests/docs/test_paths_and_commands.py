"""What the pages point at is there: links, paths, make targets, modules, DAGs, options of airflow."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from invoice_anomalies.paths import PROJECT
from tests.docs.pages import PAGES, README, blocks, code, page

DEPLOYMENT = PROJECT / "docs" / "deployment.md"
ROOMS = ("dags", "plugins", "include", "local", "benchmarks", "tests", "docs")

each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))


@each_page
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page(path))
    relative = [link for link in links if "://" not in link]

    assert [link for link in relative if not (path.parent / link).exists()] == []


@each_page
def test_every_path_of_the_project_in_code_exists(path: Path) -> None:
    words = [word for text in code(page(path)) for word in re.findall(r"[\w.<>*{}/-]+", text)]
    paths = [word.rstrip(".") for word in words if word.split("/")[0] in ROOMS and "/" in word and "<" not in word]

    assert [name for name in paths if not (PROJECT / name).exists()] == []


def test_the_tree_of_the_readme_is_the_tree_of_the_project() -> None:
    named = set(re.findall(r"^    (\w+)/ ", page(README), re.MULTILINE))

    assert named == set(ROOMS)


@each_page
def test_every_make_target_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = {word for text in code(page(path)) for word in re.findall(r"\bmake (?:-s |PYTHON=\S+ )?([a-z-]+)", text)}

    assert named - targets == set()


@each_page
def test_every_module_that_is_run_can_be_found(path: Path) -> None:
    modules = {name for text in code(page(path)) for name in re.findall(r"python -m ([\w.]+)", text)}

    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


@each_page
def test_every_dag_that_is_named_to_airflow_exists(path: Path) -> None:
    shell = "\n".join(blocks(page(path), "sh"))
    named = re.findall(r"--dag-id (\w+)|dags (?:trigger|unpause -y) (\w+)", shell)

    assert [name for pair in named for name in pair if name and not (PROJECT / "dags" / f"{name}.py").exists()] == []


def test_the_options_of_a_backfill_are_those_of_airflow() -> None:
    lines = [line for path in PAGES for line in page(path).splitlines() if line.startswith("airflow backfill create")]
    options = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}
    assert {"--dag-id", "--from-date", "--to-date"} <= options

    help_text = subprocess.run(
        [Path(sys.executable).with_name("airflow"), "backfill", "create", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout

    assert [option for option in options | {"--reprocess-behavior"} if option not in help_text] == []


def test_the_page_on_deployment_names_the_variables_that_the_code_reads() -> None:
    sources = [path for room in ("include", "plugins") for path in (PROJECT / room).rglob("*.py")]
    read = {name for path in sources for name in re.findall(r"environ[^\n]*?\"(INVOICES_[A-Z_]+)\"", page(path))}

    assert read == {"INVOICES_HOME", "INVOICES_CONTRACT"}
    assert [name for name in read if f"| `{name}` |" not in page(DEPLOYMENT)] == []


@each_page
def test_no_page_names_a_folder_of_one_machine(path: Path) -> None:
    assert re.findall(r"(?<![\w.$])/(?:root|home|work|tmp|Users)/\S*", page(path)) == []
