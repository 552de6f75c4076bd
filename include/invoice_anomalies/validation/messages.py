"""Sentences about a night: why it is refused, and what was let pass with a warning."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from invoice_anomalies.contract import Contract
from invoice_anomalies.validation.data_docs import ROWS_SHOWN, BrokenRule, Row
from invoice_anomalies.validation.gx_expectations import COLUMN_SET, ROW_COUNT
from invoice_anomalies.validation.parse import shown
from invoice_anomalies.validation.rules import Rule, RuleFailure

TOP_REASONS = 5  # reasons that the message about an unfit night lists
LINES_SHOWN = 5  # lines that a sentence names
HEADERS_SHOWN = 40


@dataclass(frozen=True)
class ExtractFacts:
    """What is known of the extract as a whole. columns: fields, or headers where they are no field's."""

    contract: Contract
    file: str
    rows: int
    columns: list[str]

    @property
    def source(self) -> str:
        return f"{self.file}: " if self.file else ""


@dataclass(frozen=True)
class Violation:
    """A rule that rows broke.

    rows: how many. lines: (at least) the first of theirs. example: the reason of the first. seen: the first of them, as
    they came.
    """

    rule: Rule
    rows: int
    lines: Sequence[int]
    example: str
    seen: Sequence[Row] = ()

    def __add__(self, later: "Violation") -> "Violation":
        """The violation of a rule in two chunks of the file, of which `later` is the second."""
        lines = [*self.lines, *later.lines][:LINES_SHOWN]
        seen = [*self.seen, *later.seen][:LINES_SHOWN]
        return replace(self, rows=self.rows + later.rows, lines=lines, seen=seen)


def describe_violation(violation: Violation) -> str:
    """Count the rows of a violation and show the first: "3 rows (lines 5, 9, 12): amount: '12x' is not a number …"."""
    word = "line" if violation.rows == 1 else "lines"
    return f"{_rows(violation.rows)} ({word} {_lines(violation)}): {violation.example or violation.rule.label}"


def summarise(violation: Violation) -> BrokenRule:
    """The violation as the Data Docs show it."""
    return BrokenRule(
        violation.rows, violation.rule.severity, _lines(violation), violation.example or violation.rule.label
    )


def example_rows(violations: Sequence[Violation]) -> list[Row]:
    """The rows that these violations show, each line once with all its reasons, in the order of the file."""
    reasons: dict[int, list[str]] = {}
    raw: dict[int, str] = {}
    for row in (row for violation in violations for row in violation.seen):
        reasons.setdefault(row.line, []).extend(row.reasons)
        raw[row.line] = row.raw
    return [Row(line, raw[line], reasons[line]) for line in sorted(raw)][:ROWS_SHOWN]


def too_many_quarantined(
    facts: ExtractFacts, unfit: int, violations: Sequence[Violation], at_least: bool = False
) -> list[str]:
    """Problems of a night whose share of unfit rows is above the contract's limit: the share, then the top reasons."""
    limit = facts.contract.validation.max_quarantined_share
    if unfit <= limit * facts.rows:
        return []
    frequent = sorted(
        (violation for violation in violations if violation.rule.severity == "quarantine"),
        key=lambda violation: -violation.rows,
    )
    return [
        f"{facts.source}{'at least ' if at_least else ''}{unfit:,} of {facts.rows:,} rows ({unfit / facts.rows:.1%}) "
        f"are unfit, more than validation.max_quarantined_share allows ({limit:.0%}); check whether the extract's "
        "format changed, have it delivered again or correct the contract; the most frequent reasons follow",
        *(describe_violation(violation) for violation in frequent[:TOP_REASONS]),
    ]


def table_problem(facts: ExtractFacts, rule: Rule, failure: RuleFailure) -> str:
    """Say what is wrong with the table as a whole, or why a rule could not be evaluated."""
    if failure.error:
        where = rule.where or rule.kind
        return f"{where}: Great Expectations cannot evaluate it: {failure.error}; correct the rule in the contract"
    if rule.kind == COLUMN_SET and not rule.where:
        return _missing_columns(facts)
    if rule.kind == ROW_COUNT and not rule.where:
        return f"{facts.source}{_rows(facts.rows)} came; {rule.words}; have the extract delivered again"
    observed = "" if failure.observed is None else f"{shown(failure.observed)} came; "
    return f"{facts.source}{rule.where}: {observed}{rule.label.removeprefix(': ')}"


def _lines(violation: Violation) -> str:
    lines = [str(line) for line in violation.lines[:LINES_SHOWN]]
    return ", ".join(lines) + (", …" if violation.rows > len(lines) else "")


def _rows(rows: int) -> str:
    return {0: "no rows", 1: "1 row"}.get(rows, f"{rows:,} rows")


def _missing_columns(facts: ExtractFacts) -> str:
    contract = facts.contract
    came = [contract.header(name) if name in contract.fields else str(name) for name in facts.columns]
    spare = [header for header in came if header not in {contract.header(name) for name in contract.fields}]
    missing = [contract.header(name) for name in contract.fields if name not in facts.columns]
    hints = {header: difflib.get_close_matches(header, spare, n=1, cutoff=0.6) for header in missing}
    listed = ", ".join(
        repr(header) + (f" (is it {near[0]!r}? then set column: in the contract)" if near else "")
        for header, near in hints.items()
    )
    headers = ", ".join(map(repr, came[:HEADERS_SHOWN])) + (", …" if len(came) > HEADERS_SHOWN else "")
    word = "column is" if len(missing) == 1 else "columns are"
    return (
        f"{facts.source}{len(missing)} expected {word} missing: {listed}; the headers that came are {headers}; "
        "have the extract delivered with them, or correct the fields of the contract"
    )
