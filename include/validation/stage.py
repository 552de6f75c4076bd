"""The validation stage: raw frame in, outcome of the night out."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from include.contract import Contract
from include.extract import MISFIT
from include.validation.outcome import Outcome, no_quarantine, typed_frame
from include.validation.parse import Parsed, parse
from include.validation.problems import Breach, Evidence, table_problem, told, too_many_unfit
from include.validation.quarantine import Reasons, quarantine, reasons_of, same_key
from include.validation.rules import build_rules, unreadable
from include.validation.suite import Finding, NightSuite

NOT_NULL = "expect_column_values_to_not_be_null"
Broken = dict[int, list[int]]  # by the rule's place: positions of the rows that break it


def validate(
    contract: Contract, raw: pd.DataFrame, *, usual_rows: float | None = None, file: str = "", docs: Path
) -> Outcome:
    """Judge one night's raw frame by the contract and write its Data Docs into `docs`.

    raw: the frame that extract.read gives. usual_rows: rows of the usual night, None where not known yet.
    file: where the extract came from, for the messages.
    Bad data never raises: the night is refused, with its problems told. len(valid) + len(quarantined) == rows_in
    unless it is refused. Raises ContractError where the contract's own expectations are misspelled.
    """
    parsed = parse(contract, raw)
    seen = Evidence(contract, build_rules(contract, usual_rows), raw, parsed, file)
    suite = NightSuite(contract.name, seen.rules, _judged_frame(contract, raw, parsed), docs)
    findings, data_docs = suite.run()
    findings = _without_unreadable(seen, findings)

    problems, warnings = _table_level(seen, findings)
    problems = problems or _hopeless(seen, findings)
    if problems:
        return _refused(seen, problems, warnings, data_docs)

    broken = suite.broken_rows(seen.rules[finding.place] for finding in findings if not finding.error)
    broken |= {finding.place: finding.first for finding in findings if seen.rules[finding.place].kind == NOT_NULL}
    broken = {place: positions for place, positions in sorted(broken.items()) if positions}
    for place, positions in broken.items():
        breach = Breach(seen.rules[place], len(positions), positions)
        if seen.rules[place].severity == "abort":
            problems.append(told(seen, breach))
        elif seen.rules[place].severity == "warn":
            warnings.append(told(seen, breach))
    reasons = _reasons(seen, broken)
    problems += too_many_unfit(
        seen, len(reasons), [Breach(seen.rules[p], len(rows), rows) for p, rows in broken.items()]
    )
    if problems:
        return _refused(seen, problems, warnings, data_docs)

    fit = pd.Series(True, index=range(len(raw)))
    fit.loc[list(reasons)] = False
    valid = parsed.values.loc[fit.to_numpy(), list(contract.fields)].rename_axis("line")
    return Outcome(valid, quarantine(contract, raw, reasons), len(raw), True, [], warnings, data_docs)


def _judged_frame(contract: Contract, raw: pd.DataFrame, parsed: Parsed) -> pd.DataFrame:
    """What GX sees: the typed fields, a column of sentences about each one's unreadable values, and misfits."""
    values = parsed.values.copy(deep=False)
    for name in contract.of_type("date"):
        # GX compares nanoseconds a hundred times faster than other units; they reach from 1677 to 2262.
        if name in values and values[name].dropna().between(pd.Timestamp.min, pd.Timestamp.max).all():
            values[name] = values[name].astype("datetime64[ns]")
    misfit = raw[MISFIT] if MISFIT in raw else pd.Series(dtype="str", index=raw.index)
    sentences = parsed.unreadable.rename(columns=unreadable)
    return pd.concat([values, sentences, misfit.rename(MISFIT)], axis=1).reset_index(drop=True)


def _table_level(seen: Evidence, findings: Iterable[Finding]) -> tuple[list[str], list[str]]:
    """Problems and warnings about the table as a whole, and about rules that could not be evaluated."""
    problems: list[str] = []
    warnings: list[str] = []
    for finding in findings:
        rule = seen.rules[finding.place]
        if not rule.row_level or finding.error:
            (warnings if rule.severity == "warn" else problems).append(table_problem(seen, rule, finding))
    return problems, warnings


def _hopeless(seen: Evidence, findings: Iterable[Finding]) -> list[str]:
    """Refuse early where a single rule makes too many rows unfit, before every row is asked for its reasons."""
    breaches = [
        Breach(seen.rules[finding.place], finding.rows, finding.first)
        for finding in findings
        if seen.rules[finding.place].severity == "quarantine" and not seen.rules[finding.place].is_key
    ]
    return too_many_unfit(seen, max((breach.rows for breach in breaches), default=0), breaches, least=True)


def _without_unreadable(seen: Evidence, findings: Iterable[Finding]) -> list[Finding]:
    """Correct the findings about empty values: what came but could not be read has no typed value, yet is not empty."""
    corrected = []
    for finding in findings:
        rule = seen.rules[finding.place]
        if rule.kind != NOT_NULL or finding.error:
            corrected.append(finding)
            continue
        empty = np.flatnonzero(seen.raw[rule.columns[0]].isna()).tolist()
        if empty:
            corrected.append(replace(finding, rows=len(empty), first=empty))
    return corrected


def _reasons(seen: Evidence, broken: Broken) -> Reasons:
    """Every reason of every unfit row, in the order of the rules."""
    reasons: Reasons = {}
    for place, positions in broken.items():
        rule = seen.rules[place]
        if rule.severity == "quarantine" and not rule.is_key:
            for position, reason in zip(
                positions, reasons_of(rule, positions, seen.raw, seen.parsed.unreadable), strict=True
            ):
                reasons.setdefault(position, []).append(reason)
    if any(seen.rules[place].is_key for place in broken):
        for position, reason in same_key(seen.contract, seen.parsed.values, reasons).items():
            reasons.setdefault(position, []).append(reason)
    return reasons


def _refused(seen: Evidence, problems: list[str], warnings: list[str], data_docs: str) -> Outcome:
    empty = typed_frame(seen.contract)
    return Outcome(empty, no_quarantine(), len(seen.raw), False, problems, warnings, data_docs)
