"""ARCHITECTURE.md tells every room, and its picture of what depends on what is true."""

import ast
import re
from itertools import pairwise
from pathlib import Path

from invoice_anomalies.paths import PACKAGE, PROJECT
from tests.docs.pages import blocks, page

ARCHITECTURE = PROJECT / "ARCHITECTURE.md"
BOTTOM = {"errors", "paths", "files", "anomaly", "text"}  # what every room may import
# `make contract` reads and checks a file, as the pipeline does.
COMMANDS = {"contract/trial.py", "contract/hints.py"}


def test_every_room_is_told_and_no_other() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    inside = {path.name for path in (PACKAGE / "detection").iterdir() if (path / "__init__.py").exists()}
    told = set(re.findall(r"^\| `(\w+)/` \|", page(ARCHITECTURE), re.MULTILINE))

    assert told == rooms | inside


def test_rooms_import_only_what_lies_below_them_in_the_picture() -> None:
    below = closure(edges(blocks(page(ARCHITECTURE), "mermaid")[0]))
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if (name := path.relative_to(PACKAGE).as_posix()) not in COMMANDS
        for other in imported(path)
        if (room := name.split("/")[0].removesuffix(".py")) in below
        and other not in BOTTOM | {room}
        and other not in below[room]
    ]

    assert wrong == []


def imported(path: Path) -> set[str]:
    """The rooms that a module imports."""
    found = set()
    for statement in ast.walk(ast.parse(page(path))):
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("invoice_anomalies"):
            _, *rooms = (statement.module or "").split(".")
            found |= {rooms[0]} if rooms else {alias.name for alias in statement.names}
    return found


def edges(chart: str) -> dict[str, set[str]]:
    """The arrows of a flow chart: `a & b --> c --> d`."""
    found: dict[str, set[str]] = {}
    for line in chart.splitlines():
        steps = [re.findall(r"\b[a-z]+\b", re.sub(r"\[.*?\]", "", step)) for step in line.split("-->")]
        for before, after in pairwise(steps):
            for name in before:
                found.setdefault(name, set()).update(after)
    return found


def closure(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """All that can be reached from each."""
    reached = {name: set(after) for name, after in arrows.items()}
    for _ in arrows:
        for after in reached.values():
            after |= {further for name in set(after) for further in reached.get(name, ())}
    return reached
