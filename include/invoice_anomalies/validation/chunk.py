"""One chunk of a night, checked row by row: the typed rows, the rules that they broke, and every reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.extract import STRUCTURE_ERROR
from invoice_anomalies.validation.gx_expectations import NOT_NULL
from invoice_anomalies.validation.messages import LINES_SHOWN, Violation
from invoice_anomalies.validation.parse import Parsed, parse
from invoice_anomalies.validation.quarantine import (
    equality_codes,
    fingerprints,
    reasons_frame,
    reasons_of,
    rows_as_they_came,
)
from invoice_anomalies.validation.rules import Rule, RuleFailure, columns_of, only_compared, unreadable

if TYPE_CHECKING:
    from invoice_anomalies.validation.gx_suite import SuiteReport


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of the extract: as they came, and parsed; both with the index `line`."""

    raw: pd.DataFrame
    parsed: Parsed

    def frame(self) -> pd.DataFrame:
        """What the rules read: the typed fields, sentences about each one's unreadable values, and structure errors."""
        errors = self.raw.get(STRUCTURE_ERROR, pd.Series(dtype="str", index=self.raw.index))
        sentences = self.parsed.unreadable.rename(columns=unreadable)
        return pd.concat([self.parsed.values, sentences, errors.rename(STRUCTURE_ERROR)], axis=1).reset_index(drop=True)

    def missing(self) -> "dict[str, pd.Series[bool]]":
        """Whether each field came without a value: what cannot be read has no typed value, yet is not missing."""
        return {str(name): self.raw[name].isna() for name in self.parsed.values}

    def typed(self, contract: Contract) -> pd.DataFrame:
        """The typed fields, in the order of the contract; index: line."""
        return self.parsed.values[list(contract.fields)].rename_axis("line")


@dataclass(frozen=True)
class CheckedChunk:
    """The rules that rows of a chunk broke, by rule index, and why its unfit rows are so.

    reasons: columns position, rule_index and reason. unfit: shape (rows,).
    """

    violations: dict[int, Violation]
    reasons: pd.DataFrame
    unfit: npt.NDArray[np.bool_]


def parse_chunk(contract: Contract, raw: pd.DataFrame) -> Chunk:
    """Parse the rows of a chunk."""
    return Chunk(raw, parse(contract, raw))


def broken_rows(
    rules: Sequence[Rule], report: "SuiteReport", missing: "Mapping[str, pd.Series[bool]]"
) -> tuple[dict[int, RuleFailure], dict[int, list[int]]]:
    """The rules about the table that failed, or could not be evaluated; and the rows that break the other rules.

    Both by rule index; rows by position. missing: whether a field came without a value.
    """
    table: dict[int, RuleFailure] = {}
    broken: dict[int, list[int]] = {}
    asked = []
    for failure in report.failures:
        rule = rules[failure.rule_index]
        if not rule.row_level or failure.error:
            table[failure.rule_index] = failure
        elif rule.kind == NOT_NULL:
            broken[failure.rule_index] = np.flatnonzero(missing[rule.columns[0]]).tolist()
        else:
            asked.append(rule)
    broken |= report.broken_rows(asked)
    return table, {index: positions for index, positions in sorted(broken.items()) if positions}


def check_chunk(
    contract: Contract, rules: Sequence[Rule], chunk: Chunk, broken: Mapping[int, Sequence[int]]
) -> CheckedChunk:
    """Count the rows of each broken rule, and give the reason of each row that is to be quarantined."""
    violations: dict[int, Violation] = {}
    frames = [reasons_frame(0, [], [])]
    unfit = np.zeros(len(chunk.raw), dtype=bool)
    for index, positions in broken.items():
        rule = rules[index]
        told = positions if rule.quarantines_alone else positions[:LINES_SHOWN]
        reasons = reasons_of(rule, told, chunk.raw, chunk.parsed.unreadable)
        if rule.quarantines_alone:
            frames.append(reasons_frame(index, positions, reasons))
            unfit[list(positions)] = True
        first = list(positions[:LINES_SHOWN])
        seen = rows_as_they_came(contract, chunk.raw, first, reasons[:LINES_SHOWN])
        lines = chunk.raw.index[first].tolist()
        violations[index] = Violation(rule, len(positions), lines, reasons[0], seen)
    return CheckedChunk(violations, pd.concat(frames, ignore_index=True), unfit)


@dataclass(frozen=True)
class ComparedFields:
    """The fields of a chunk, or of the night, that rules about the night as a whole read.

    values: typed; of fields that are only compared, in a chunk the first half of their fingerprints, in the night
    numbers that are equal where the values are. second: the other halves. missing: of the fields that may not be.
    """

    values: pd.DataFrame
    second: pd.DataFrame
    missing: "dict[str, pd.Series[bool]]"


def compared_fields(contract: Contract, rules: Sequence[Rule], chunk: Chunk) -> ComparedFields:
    """What these rules of the night read of a chunk."""
    columns = [name for name in columns_of(contract, rules) if name in chunk.parsed.values]
    values, second = fingerprints(chunk.parsed.values[columns], only_compared(rules))
    required = {rule.columns[0] for rule in rules if rule.kind == NOT_NULL} & set(columns)
    return ComparedFields(values, second, {name: chunk.raw[name].isna() for name in required})


def joined_fields(
    fields: Sequence[ComparedFields], columns: Sequence[str], compared: set[str], rows: int
) -> ComparedFields:
    """These columns of all chunks as one; without any, a frame of so many rows. index: position in the night."""
    second = pd.concat([each.second for each in fields], ignore_index=True)
    required = set(fields[0].missing) & set(columns)
    missing = {name: pd.concat([each.missing[name] for each in fields]) for name in required}
    if not columns:
        return ComparedFields(pd.DataFrame(index=pd.RangeIndex(rows)), second, missing)
    values = pd.concat([each.values[list(columns)] for each in fields], ignore_index=True)
    for name in compared & set(columns):
        values[name] = equality_codes(values[name], second[name])
    return ComparedFields(values, second, missing)
