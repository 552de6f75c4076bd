"""Sentences about a night: why it is refused, and what was let pass with a warning."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from invoice_anomalies.contract import Contract
from invoice_anomalies.validation.parse import shown
from invoice_anomalies.validation.rules import Rule
from invoice_anomalies.validation.scope import ROW_COUNT
from invoice_anomalies.validation.story import ROWS_SHOWN, Broken, Row
from invoice_anomalies.validation.suite import Finding

TOP_REASONS = 5  # reasons that the message about an unfit night lists
LINES_SHOWN = 5  # lines that a sentence names
HEADERS_SHOWN = 40


@dataclass(frozen=True)
class Came:
    """What is known of the extract as a whole. columns: fields, or headers where they are no field's."""

    contract: Contract
    file: str
    rows: int
    columns: list[str]

    @property
    def source(self) -> str:
        return f"{self.file}: " if self.file else ""


@dataclass(frozen=True)
class Breach:
    """A broken rule: by how many rows, (at least) the first of their lines, the reason of the first row, and the first
    rows as they came."""

    rule: Rule
    rows: int
    lines: Sequence[int]
    example: str
    seen: Sequence[Row] = ()

    def __add__(self, later: "Breach") -> "Breach":
        """The breach of a rule in two parts of the file, of which `later` is the second."""
        lines = [*self.lines, *later.lines][:LINES_SHOWN]
        seen = [*self.seen, *later.seen][:LINES_SHOWN]
        return replace(self, rows=self.rows + later.rows, lines=lines, seen=seen)


def told(breach: Breach) -> str:
    """Count the rows of a breach and show the first: "3 rows (lines 5, 9, 12): amount: '12x' is not a number …"."""
    word = "line" if breach.rows == 1 else "lines"
    return f"{_rows(breach.rows)} ({word} {_lines(breach)}): {breach.example or breach.rule.label}"


def in_words(breach: Breach) -> Broken:
    """The breach as the Data Docs show it."""
    return Broken(breach.rows, breach.rule.severity, _lines(breach), breach.example or breach.rule.label)


def examples(breaches: Sequence[Breach]) -> list[Row]:
    """The rows that these breaches show, each line once with all its reasons, in the order of the file."""
    reasons: dict[int, list[str]] = {}
    raw: dict[int, str] = {}
    for row in (row for breach in breaches for row in breach.seen):
        reasons.setdefault(row.line, []).extend(row.reasons)
        raw[row.line] = row.raw
    return [Row(line, raw[line], reasons[line]) for line in sorted(raw)][:ROWS_SHOWN]


def too_many_unfit(came: Came, unfit: int, breaches: Sequence[Breach], least: bool = False) -> list[str]:
    """Problems of a night whose share of unfit rows is above the contract's limit: the share, then the top reasons."""
    limit = came.contract.validation.max_quarantined_share
    if unfit <= limit * came.rows:
        return []
    frequent = sorted(
        (breach for breach in breaches if breach.rule.severity == "quarantine"), key=lambda breach: -breach.rows
    )
    return [
        f"{came.source}{'at least ' if least else ''}{unfit:,} of {came.rows:,} rows ({unfit / came.rows:.1%}) are "
        f"unfit, more than validation.max_quarantined_share allows ({limit:.0%}); check whether the extract's format "
        "changed, have it delivered again or correct the contract; the most frequent reasons follow",
        *(told(breach) for breach in frequent[:TOP_REASONS]),
    ]


def table_problem(came: Came, rule: Rule, finding: Finding) -> str:
    """Say what is wrong with the table as a whole, or why a rule could not be evaluated."""
    if finding.error:
        where = rule.where or rule.kind
        return f"{where}: Great Expectations cannot evaluate it: {finding.error}; correct the rule in the contract"
    if rule.kind == "expect_table_columns_to_match_set" and not rule.where:
        return _missing_columns(came)
    if rule.kind == ROW_COUNT and not rule.where:
        return f"{came.source}{_rows(came.rows)} came; {rule.words}; have the extract delivered again"
    observed = "" if finding.observed is None else f"{shown(finding.observed)} came; "
    return f"{came.source}{rule.where}: {observed}{rule.label.removeprefix(': ')}"


def _lines(breach: Breach) -> str:
    lines = [str(line) for line in breach.lines[:LINES_SHOWN]]
    return ", ".join(lines) + (", …" if breach.rows > len(lines) else "")


def _rows(rows: int) -> str:
    return {0: "no rows", 1: "1 row"}.get(rows, f"{rows:,} rows")


def _missing_columns(seen: Came) -> str:
    contract = seen.contract
    came = [contract.header(name) if name in contract.fields else str(name) for name in seen.columns]
    spare = [header for header in came if header not in {contract.header(name) for name in contract.fields}]
    missing = [contract.header(name) for name in contract.fields if name not in seen.columns]
    hints = {header: difflib.get_close_matches(header, spare, n=1, cutoff=0.6) for header in missing}
    listed = ", ".join(
        repr(header) + (f" (is it {near[0]!r}? then set column: in the contract)" if near else "")
        for header, near in hints.items()
    )
    headers = ", ".join(map(repr, came[:HEADERS_SHOWN])) + (", …" if len(came) > HEADERS_SHOWN else "")
    word = "column is" if len(missing) == 1 else "columns are"
    return (
        f"{seen.source}{len(missing)} expected {word} missing: {listed}; the headers that came are {headers}; "
        "have the extract delivered with them, or correct the fields of the contract"
    )
