"""Sentences about a night: why it is refused, and what was let pass with a warning."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from include.contract import Contract
from include.extract import MISFIT
from include.validation.parse import Parsed, shown
from include.validation.quarantine import reasons_of
from include.validation.rules import Rule
from include.validation.suite import Finding

TOP_REASONS = 5  # reasons that the message about an unfit night lists
LINES_SHOWN = 5  # lines that a sentence names
HEADERS_SHOWN = 40


@dataclass(frozen=True)
class Evidence:
    """What a judgement rests on; frames have the same rows."""

    contract: Contract
    rules: list[Rule]
    raw: pd.DataFrame
    parsed: Parsed
    file: str

    @property
    def source(self) -> str:
        return f"{self.file}: " if self.file else ""


@dataclass(frozen=True)
class Breach:
    """A broken rule: how many rows, and the positions of (at least) the first of them."""

    rule: Rule
    rows: int
    first: Sequence[int]


def told(seen: Evidence, breach: Breach) -> str:
    """Count the rows of a breach and show the first: "3 rows (lines 5, 9, 12): amount: '12x' is not a number …"."""
    lines = [str(seen.raw.index[position]) for position in breach.first[:LINES_SHOWN]]
    more = ", …" if breach.rows > len(lines) else ""
    example = reasons_of(breach.rule, breach.first[:1], seen.raw, seen.parsed.unreadable)
    reason = example[0] if example else breach.rule.label
    return f"{_rows(breach.rows)} ({'line' if breach.rows == 1 else 'lines'} {', '.join(lines)}{more}): {reason}"


def too_many_unfit(seen: Evidence, unfit: int, breaches: Sequence[Breach], least: bool = False) -> list[str]:
    """Problems of a night whose share of unfit rows is above the contract's limit: the share, then the top reasons."""
    rows, limit = len(seen.raw), seen.contract.validation.max_quarantined_share
    if unfit <= limit * rows:
        return []
    frequent = sorted(
        (breach for breach in breaches if breach.rule.severity == "quarantine"), key=lambda breach: -breach.rows
    )
    return [
        f"{seen.source}{'at least ' if least else ''}{unfit:,} of {rows:,} rows ({unfit / rows:.1%}) are unfit, more "
        f"than validation.max_quarantined_share allows ({limit:.0%}); check whether the extract's format changed, have "
        "it delivered again or correct the contract; the most frequent reasons follow",
        *(told(seen, breach) for breach in frequent[:TOP_REASONS]),
    ]


def table_problem(seen: Evidence, rule: Rule, finding: Finding) -> str:
    """Say what is wrong with the table as a whole, or why a rule could not be evaluated."""
    if finding.error:
        where = rule.where or rule.kind
        return f"{where}: Great Expectations cannot evaluate it: {finding.error}; correct the rule in the contract"
    if rule.kind == "expect_table_columns_to_match_set" and not rule.where:
        return _missing_columns(seen)
    if rule.kind == "expect_table_row_count_to_be_between" and not rule.where:
        return f"{seen.source}{_rows(len(seen.raw))} came; {rule.words}; have the extract delivered again"
    observed = "" if finding.observed is None else f"{shown(finding.observed)} came; "
    return f"{seen.source}{rule.where}: {observed}{rule.label.removeprefix(': ')}"


def _rows(rows: int) -> str:
    return {0: "no rows", 1: "1 row"}.get(rows, f"{rows:,} rows")


def _missing_columns(seen: Evidence) -> str:
    contract = seen.contract
    came = [
        contract.header(name) if name in contract.fields else str(name) for name in seen.raw.columns if name != MISFIT
    ]
    spare = [header for header in came if header not in {contract.header(name) for name in contract.fields}]
    missing = [contract.header(name) for name in contract.fields if name not in seen.raw]
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
