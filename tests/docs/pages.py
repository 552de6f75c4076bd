"""The pages that people read, and what stands in them."""

import re
from pathlib import Path

from invoice_anomalies.paths import PROJECT

README = PROJECT / "README.md"
PAGES = [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]

CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def page(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def code(text: str) -> list[str]:
    """Everything that stands in backticks, of a line or of a block."""
    return [found.strip("`") for found in CODE.findall(text)]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of the same level."""
    level = heading.split(" ", maxsplit=1)[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^{level} |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found.group(1)


def first_cells(text: str) -> list[str]:
    """The code in the first column of the tables, in the order of the rows."""
    return re.findall(r"^\| `([^`|]+)`[^|\n]*\|", text, re.MULTILINE)
