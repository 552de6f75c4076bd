"""The first page of a night's Data Docs: what became of it, which rules were broken, and the rows as they came."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from invoice_anomalies.extract import STRUCTURE_ERROR
from invoice_anomalies.files import atomic_write

PAGES = Path(__file__).with_name("pages")
ASSETS = "assets"  # beside the nights, which share it
SHARED = ("docs.css", "docs.js")
# What an extract holds is hostile text: should a browser ever take some for HTML, it loads and runs nothing.
POLICY = "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src data:"
ROWS_SHOWN = 500
CELL_SHOWN = 200  # characters


@dataclass(frozen=True)
class Row:
    """A row of the file: its line, what came as JSON text, and why it is unfit."""

    line: int
    raw: str
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class BrokenRule:
    """A broken rule, in words: by how many rows, what it does, the first lines, and the reason of the first."""

    rows: int
    severity: str
    lines: str
    example: str


@dataclass(frozen=True)
class Story:
    """What is told of a night. rows: at most ROWS_SHOWN of the quarantined ones; of a refused night, examples."""

    name: str
    file: str
    success: bool
    rows_in: int
    quarantined: int
    problems: list[str]
    warnings: list[str]
    broken: list[BrokenRule]
    rows: list[Row]

    @property
    def rows_title(self) -> str:
        """What the rows are."""
        if self.success:
            return "Quarantined rows"
        return "Rows that broke a rule" if any(row.reasons for row in self.rows) else "The first rows, as they came"

    @property
    def rows_note(self) -> str:
        """How many of them are here, and where the others are."""
        if self.success and self.quarantined > len(self.rows):
            return f"The first {len(self.rows):,} of {self.quarantined:,}; all are in quarantined_invoices."
        return "All of them, as they came." if self.success else "Examples: a few of each rule, as they came."


@dataclass(frozen=True)
class Run:
    """One validation by Great Expectations. path: of its page, relative to the first page."""

    title: str
    path: str
    success: bool
    kept: int
    rules: int
    time: str


def page(story: Story, night: str, runs: Sequence[Run], suites: Sequence[tuple[str, str]]) -> str:
    """The HTML of the first page. suites: title and path of each."""
    rows = [(row, _cells(row.raw)) for row in story.rows]
    headers = list(dict.fromkeys(header for _, cells in rows for header in cells))
    environment = Environment(loader=FileSystemLoader(PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("night.html.jinja").render(
        policy=POLICY,
        story=story,
        night=night,
        verdict=_verdict(story),
        headers=headers,
        reasons=any(row.reasons for row in story.rows),
        rows=[
            {"line": row.line, "reasons": row.reasons, "cells": [cells.get(header, "") for header in headers]}
            for row, cells in rows
        ],
        runs=runs,
        suites=[{"title": title, "path": path} for title, path in suites],
    )


def write_assets(folder: Path) -> None:
    """Bring the styles and scripts that all nights share up to date; raises StorageFullError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHARED:
        content, target = (PAGES / name).read_bytes(), folder / name
        if not target.exists() or target.read_bytes() != content:
            with atomic_write(target) as making:
                making.write_bytes(content)


def _verdict(story: Story) -> str:
    if not story.success:
        return f"Refused: nothing of its {story.rows_in:,} rows is loaded."
    fit = story.rows_in - story.quarantined
    return f"Accepted: {story.rows_in:,} rows, of which {fit:,} are valid and {story.quarantined:,} quarantined."


def _cells(raw: str) -> dict[str, str]:
    row: dict[str, Any] = json.loads(raw)
    return {header: _cell(value) for header, value in row.items() if header != STRUCTURE_ERROR}


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= CELL_SHOWN else text[:CELL_SHOWN] + "…"
