"""Validate one night's extract in two passes over its chunks.

The first pass parses and checks each chunk, keeps its rows beside what is to be staged, and at the end checks what only
the night as a whole can tell. The second pass, over the verdicts, writes the valid and the quarantined rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.extract import STRUCTURE_ERROR
from invoice_anomalies.validation.chunk import (
    ComparedFields,
    broken_rows,
    check_chunk,
    compared_fields,
    joined_fields,
    parse_chunk,
)
from invoice_anomalies.validation.data_docs import ROWS_SHOWN, Row, Story
from invoice_anomalies.validation.messages import (
    LINES_SHOWN,
    ExtractFacts,
    Violation,
    describe_violation,
    example_rows,
    summarise,
    table_problem,
    too_many_quarantined,
)
from invoice_anomalies.validation.quarantine import (
    Positions,
    duplicate_key_reason,
    duplicate_key_rows,
    quarantined_rows,
    reasons_frame,
    reasons_of,
    rows_as_they_came,
    to_rows,
)
from invoice_anomalies.validation.result import Outcome, Report, StagedChunks
from invoice_anomalies.validation.rules import (
    Rule,
    RuleFailure,
    build_rules,
    columns_of,
    most_rows,
    only_compared,
    scopes,
)

if TYPE_CHECKING:
    from invoice_anomalies.validation.gx_suite import NightSuite


def validate(
    contract: Contract,
    chunks: Iterable[pd.DataFrame],
    *,
    usual_rows: float | None = None,
    file: str = "",
    docs: Path,
    staging: Path,
) -> Outcome:
    """Validate one night by the contract, write its Data Docs into `docs` and stage its rows below `staging`.

    chunks: the frames that extract.read gives; the outcome is the same whatever their number, and the memory is that
    of one, of the fields that make the key and of those that a rule about the whole night reads.
    usual_rows: rows of the usual night, None where not known yet. file: where the extract came from, for the messages.
    Bad data never raises: the night is refused, with its problems told. valid_rows + quarantined_rows == rows_in
    unless it is refused. Raises ContractError where the contract's own expectations are misspelled, StorageFullError,
    and what the reading of the chunks raises.
    """
    # It imports Great Expectations, which takes seconds.
    from invoice_anomalies.validation.gx_suite import NightSuite

    rules = build_rules(contract, usual_rows)
    with StagedChunks(staging) as staged:
        suite = NightSuite(contract.name, docs)
        verdict = _first_pass(contract, rules, iter(chunks), suite, staged)
        return _second_pass(contract, rules, verdict, file, suite, staged)


@dataclass(frozen=True)
class NightVerdict:
    """What the first pass found.

    columns: the fields and headers that came. lines: the lines of each chunk. unfit: of each chunk whose rows were
    checked, whether each row broke a rule that quarantines it; shape (rows of the chunk,).
    failures: the rules about the table that failed, or could not be evaluated; by rule index.
    violations: the rules that rows broke; by rule index.
    late: rows that break a rule which only the night as a whole can tell; by rule index, positions in the night.
    key: the fields of the key, or numbers that are equal where they are; index: position in the night.
    first_rows: as they came.
    """

    columns: list[str]
    lines: list[pd.Index]
    unfit: list[npt.NDArray[np.bool_]]
    failures: dict[int, RuleFailure]
    violations: dict[int, Violation]
    late: dict[int, list[int]]
    key: pd.DataFrame
    first_rows: list[Row]

    @property
    def rows_in(self) -> int:
        """How many rows came."""
        return sum(map(len, self.lines))


def _first_pass(
    contract: Contract, rules: Sequence[Rule], chunks: Iterator[pd.DataFrame], suite: "NightSuite", staged: StagedChunks
) -> NightVerdict:
    waiting = list(islice(chunks, 2))
    if len(waiting) == 1:
        return _check_at_once(contract, rules, waiting.pop(), suite, staged)
    return _check_in_chunks(contract, rules, _each(waiting, chunks), suite, staged)


def _each(waiting: list[pd.DataFrame], chunks: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """All chunks, without holding on to those that were waiting."""
    while waiting:
        yield waiting.pop(0)
    yield from chunks


def _check_at_once(
    contract: Contract, rules: Sequence[Rule], raw: pd.DataFrame, suite: "NightSuite", staged: StagedChunks
) -> NightVerdict:
    """Check a night that is one chunk, by all rules at once; its rows stay in memory."""
    chunk = parse_chunk(contract, raw)
    failures, broken = broken_rows(rules, suite.check(rules, chunk.frame()), chunk.missing())
    refused = _refuses(rules, failures)
    checked = check_chunk(contract, rules, chunk, {} if refused else broken)
    if not refused:
        staged.keep(0, raw, chunk.typed(contract), checked.reasons, on_disk=False)
    key = [name for name in contract.key if name in chunk.parsed.values]
    return NightVerdict(
        _columns(raw),
        [raw.index],
        [checked.unfit],
        failures,
        checked.violations,
        {index: rows for index, rows in broken.items() if rules[index].is_key},
        chunk.parsed.values[key].reset_index(drop=True),
        _first_rows(contract, raw),
    )


def _check_in_chunks(
    contract: Contract, rules: Sequence[Rule], chunks: Iterator[pd.DataFrame], suite: "NightSuite", staged: StagedChunks
) -> NightVerdict:
    """Check each chunk by the rules about rows, then the night by those that must see all of them.

    Once the night is surely refused, whatever still comes, rows are only counted.
    """
    scope = scopes(rules)
    columns: list[str] = []
    first_rows: list[Row] = []
    lines: list[pd.Index] = []
    unfit: list[npt.NDArray[np.bool_]] = []
    fields: list[ComparedFields] = []
    failures: dict[int, RuleFailure] = {}
    violations: dict[int, Violation] = {}
    refused = False
    for number, raw in enumerate(chunks):
        columns = columns or _columns(raw)
        first_rows = first_rows or _first_rows(contract, raw)
        lines.append(raw.index)
        refused |= sum(map(len, lines)) > most_rows(rules) or not set(contract.fields) <= set(columns)
        of_night = scope.table if refused else scope.night
        if refused and number and not columns_of(contract, of_night):
            continue
        chunk = parse_chunk(contract, raw)
        fields.append(compared_fields(contract, of_night, chunk))
        if refused and number:
            continue
        title = "the header" if refused else "the rows"
        part = f"lines {raw.index.min():,} to {raw.index.max():,}"
        report = suite.check(scope.header if refused else scope.chunks, chunk.frame(), title, part)
        failed, broken = broken_rows(rules, report, chunk.missing())
        failures = {**failed, **failures}
        checked = check_chunk(contract, rules, chunk, broken)
        violations = _added(violations, checked.violations)
        unfit.append(checked.unfit)
        if not refused and not _refuses(rules, failures):
            staged.keep(number, raw, chunk.typed(contract), checked.reasons, on_disk=True)
    of_night = scope.table if refused else scope.night
    names = [name for name in columns_of(contract, of_night) if name in columns]
    whole = joined_fields(fields, names, only_compared(of_night), sum(map(len, lines)))
    failed, late = broken_rows(rules, suite.check(of_night, whole.values, "the night"), whole.missing)
    failures |= failed
    if not _refuses(rules, failures):
        violations |= _late_violations(contract, rules, late, lines, staged)
    key = [name for name in contract.key if name in whole.values]
    return NightVerdict(columns, lines, unfit, failures, violations, late, whole.values[key], first_rows)


def _added(violations: Mapping[int, Violation], later: Mapping[int, Violation]) -> dict[int, Violation]:
    """The violations of earlier chunks and of the one behind them, by rule index."""
    both = {index: violations[index] + later[index] for index in violations.keys() & later.keys()}
    return {**violations, **later, **both}


def _late_violations(
    contract: Contract,
    rules: Sequence[Rule],
    late: Mapping[int, Sequence[int]],
    lines: Sequence[pd.Index],
    staged: StagedChunks,
) -> dict[int, Violation]:
    """The violations of rules of the night, by rule index; late: positions in the night."""
    violations = {}
    for index, rows in late.items():
        seen: list[Row] = []
        chunks, positions = _located(lines, np.asarray(rows[:LINES_SHOWN]))
        for number in dict.fromkeys(chunks.tolist()):
            raw, here = staged.raw(number), positions[chunks == number].tolist()
            seen += rows_as_they_came(contract, raw, here, reasons_of(rules[index], here, raw))
        violations[index] = Violation(rules[index], len(rows), [row.line for row in seen], seen[0].reasons[0], seen)
    return violations


def _second_pass(
    contract: Contract,
    rules: Sequence[Rule],
    verdict: NightVerdict,
    file: str,
    suite: "NightSuite",
    staged: StagedChunks,
) -> Outcome:
    """Say what becomes of the night, stage its rows where it is accepted, and write its Data Docs."""
    facts = ExtractFacts(contract, file, verdict.rows_in, verdict.columns)
    violations = [verdict.violations[index] for index in sorted(verdict.violations)]
    problems, warnings = _about_the_table(facts, rules, verdict)
    problems = problems or _surely_too_many(facts, violations)
    quarantined, rows = 0, []
    if not problems:
        warnings += [describe_violation(each) for each in violations if each.rule.severity == "warn"]
        unfit, losers, keepers = _unfit_rows(rules, verdict)
        quarantined = int(unfit.sum())
        problems = [describe_violation(each) for each in violations if each.rule.severity == "abort"]
        problems += too_many_quarantined(facts, quarantined, violations)
        if not problems:
            rows = _write_chunks(contract, rules, verdict, (losers, keepers), staged)
    if problems:
        rows = example_rows(violations) or verdict.first_rows
    broken = [summarise(each) for each in sorted(violations, key=lambda each: -each.rows)]
    page = suite.publish(
        Story(contract.name, file, not problems, facts.rows, quarantined, problems, warnings, broken, rows)
    )
    if problems:
        return Outcome(facts.rows, False, 0, 0, problems, warnings, page, None, broken)
    folder = staged.finish(Report(facts.rows, warnings, page))
    return Outcome(facts.rows, True, facts.rows - quarantined, quarantined, [], warnings, page, folder, broken)


def _about_the_table(facts: ExtractFacts, rules: Sequence[Rule], verdict: NightVerdict) -> tuple[list[str], list[str]]:
    """Problems and warnings about the table as a whole, and about rules that could not be evaluated."""
    problems: list[str] = []
    warnings: list[str] = []
    for index, failure in sorted(verdict.failures.items()):
        told = warnings if rules[index].severity == "warn" else problems
        told.append(table_problem(facts, rules[index], failure))
    return problems, warnings


def _surely_too_many(facts: ExtractFacts, violations: Sequence[Violation]) -> list[str]:
    """The problem of a night of which a single rule, the key aside, already quarantines too many rows."""
    by_rows = [each for each in violations if each.rule.quarantines_alone]
    most = max((violation.rows for violation in by_rows), default=0)
    return too_many_quarantined(facts, most, by_rows, at_least=True)


def _unfit_rows(rules: Sequence[Rule], verdict: NightVerdict) -> tuple[npt.NDArray[np.bool_], Positions, Positions]:
    """Whether each row of the night is unfit, shape (rows,); the rows whose key another keeps, and those that keep it.

    The last two have the shape (losers,): positions in the night.
    """
    unfit = np.concatenate(verdict.unfit)
    for index, rows in verdict.late.items():
        if rules[index].quarantines_alone:
            unfit[rows] = True
    same_key = [row for index, rows in verdict.late.items() if rules[index].is_key for row in rows]
    losers, keepers = duplicate_key_rows(verdict.key.iloc[same_key], unfit)
    unfit[losers] = True
    return unfit, losers, keepers


def _write_chunks(
    contract: Contract,
    rules: Sequence[Rule],
    verdict: NightVerdict,
    same_key: tuple[Positions, Positions],
    staged: StagedChunks,
) -> list[Row]:
    """Write the valid and the quarantined rows of each chunk; returns the first quarantined ones, for the Data Docs."""
    shown: list[Row] = []
    late = {
        index: _located(verdict.lines, np.asarray(rows))
        for index, rows in verdict.late.items()
        if rules[index].quarantines_alone
    }
    losers, keepers = same_key
    loser_chunks, loser_positions = _located(verdict.lines, losers)
    for number in range(len(verdict.lines)):
        typed, reasons = staged.typed(number), [staged.reasons(number)]
        for index, (chunks, positions) in late.items():
            if len(here := positions[chunks == number].tolist()):
                reasons.append(reasons_frame(index, here, reasons_of(rules[index], here, staged.raw(number))))
        here = loser_chunks == number
        sentences = [duplicate_key_reason(contract.key, _line(verdict.lines, row)) for row in keepers[here].tolist()]
        # Behind all others, as it may rest on them.
        reasons.append(reasons_frame(len(rules), loser_positions[here].tolist(), sentences))
        everything = pd.concat(reasons, ignore_index=True)
        valid = np.ones(len(typed), dtype=bool)
        valid[everything["position"].to_numpy()] = False
        quarantined = quarantined_rows(contract, typed if valid.all() else staged.raw(number), everything)
        shown += to_rows(quarantined.head(ROWS_SHOWN - len(shown)))
        staged.write(number, typed.loc[valid], quarantined)
    return shown


def _located(lines: Sequence[pd.Index], rows: npt.NDArray[np.int64]) -> tuple[Positions, Positions]:
    """The chunk of each row of the night, and its position there; all of shape (rows,)."""
    ends = np.cumsum([len(each) for each in lines])
    chunk = np.searchsorted(ends, rows, side="right")
    return chunk, rows - np.concatenate([[0], ends])[chunk]


def _line(lines: Sequence[pd.Index], row: int) -> int:
    chunk, position = _located(lines, np.array([row]))
    return int(lines[chunk[0]][position[0]])


def _refuses(rules: Sequence[Rule], failures: Iterable[int]) -> bool:
    return any(rules[index].severity != "warn" for index in failures)


def _columns(raw: pd.DataFrame) -> list[str]:
    return [str(name) for name in raw.columns if name != STRUCTURE_ERROR]


def _first_rows(contract: Contract, raw: pd.DataFrame) -> list[Row]:
    return rows_as_they_came(contract, raw, range(min(len(raw), LINES_SHOWN)))
