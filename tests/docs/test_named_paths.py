"""The pages for those who change the project name files and folders that there are."""

import re
from pathlib import Path

import pytest

from invoice_anomalies.paths import PACKAGE, PROJECT
from tests.docs.pages import code, page

NAMING = [PROJECT / "ARCHITECTURE.md", PROJECT / "CONTRIBUTING.md", PROJECT / "docs" / "glossary.md"]
ELSEWHERE = {"site/", "mermaid-js/mermaid-cli"}
OLD_NAMES = "## Choices between names"  # tells names that were not chosen


def paths_of(text: str) -> set[str]:
    """What reads like a file or a folder: words in code with a slash or the ending of a file."""
    words = {word for found in code(text) if "\n" not in found for word in re.findall(r"[\w./-]+", found)}
    return {word for word in words if re.fullmatch(r"[a-z][\w.-]*(/[\w.-]*)+|\w+\.(py|sql|md|yaml|yml)", word)}


@pytest.mark.parametrize("path", NAMING, ids=lambda path: path.name)
def test_every_path_that_is_named_exists(path: Path) -> None:
    named = paths_of(page(path).split(OLD_NAMES)[0]) - ELSEWHERE
    assert len(named) >= 15

    files = {found.name for folder in (PACKAGE, PROJECT / "docs") for found in folder.rglob("*.*")}
    files |= {found.name for found in PROJECT.glob("*.*")}
    homes = (PACKAGE, PACKAGE / "detection", PROJECT)
    missing = [name for name in named if not any((home / name).exists() for home in homes)]
    assert sorted(name for name in missing if "/" in name or name not in files) == []
