"""One part of a night, judged row by row: the typed rows, and every reason of each unfit one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.extract import STRUCTURE_ERROR
from invoice_anomalies.validation.parse import Parsed, parse
from invoice_anomalies.validation.problems import LINES_SHOWN, Breach
from invoice_anomalies.validation.quarantine import quarantine, reasons_of, rows_as_they_came
from invoice_anomalies.validation.rules import Rule, unreadable
from invoice_anomalies.validation.scope import NOT_NULL
from invoice_anomalies.validation.suite import Finding, Judged

# Why rows are unfit: by position, each reason behind the place of its rule.
Reasons = dict[int, list[tuple[int, str]]]
Broken = Mapping[int, Sequence[int]]  # by the rule's place: positions of the rows that break it


@dataclass
class Part:
    """The rows of a part, by position 0..rows-1. reasons: filled while it is judged."""

    contract: Contract
    raw: pd.DataFrame
    parsed: Parsed
    reasons: Reasons = field(default_factory=dict)

    @classmethod
    def of(cls, contract: Contract, raw: pd.DataFrame) -> "Part":
        """Parse the rows of a part."""
        return cls(contract, raw, parse(contract, raw))

    def frame(self) -> pd.DataFrame:
        """What GX sees: the typed fields, a column of sentences about each one's unreadable values, and misfits."""
        misfit = (
            self.raw[STRUCTURE_ERROR] if STRUCTURE_ERROR in self.raw else pd.Series(dtype="str", index=self.raw.index)
        )
        sentences = self.parsed.unreadable.rename(columns=unreadable)
        values = in_nanoseconds(self.parsed.values)
        return pd.concat([values, sentences, misfit.rename(STRUCTURE_ERROR)], axis=1).reset_index(drop=True)

    def breaches(self, rules: Sequence[Rule], broken: Broken) -> dict[int, Breach]:
        """Count the rows of each broken rule, and take the reason of each row that is to be quarantined."""
        breaches = {}
        for place, positions in sorted(broken.items()):
            rule = rules[place]
            quarantines = rule.severity == "quarantine" and not rule.is_key
            shown = positions if quarantines else positions[:LINES_SHOWN]
            reasons = reasons_of(rule, shown, self.raw, self.parsed.unreadable)
            if quarantines:
                for position, reason in zip(positions, reasons, strict=True):
                    self.reasons.setdefault(position, []).append((place, reason))
            first = list(positions[:LINES_SHOWN])
            lines = self.raw.index[first].tolist()
            seen = rows_as_they_came(self.contract, self.raw, first, reasons)
            breaches[place] = Breach(rule, len(positions), lines, reasons[0], seen)
        return breaches

    def unfit(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each row is unfit."""
        unfit = np.zeros(len(self.raw), dtype=bool)
        unfit[list(self.reasons)] = True
        return unfit

    def staged(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The valid rows and the quarantined rows."""
        valid = self.parsed.values.loc[~self.unfit(), list(self.contract.fields)].rename_axis("line")
        return valid, quarantined(self.contract, self.raw, self.reasons)


def quarantined(contract: Contract, raw: pd.DataFrame, reasons: Reasons) -> pd.DataFrame:
    """The quarantined rows, with the places of the rules beside their reasons."""
    rows = quarantine(contract, raw, {at: [text for _, text in told] for at, told in reasons.items()})
    rows["places"] = pd.Series([[place for place, _ in reasons[at]] for at in sorted(reasons)], rows.index, "object")
    return rows


def with_later_reasons(
    contract: Contract, staged: tuple[pd.DataFrame, pd.DataFrame], raw: pd.DataFrame, later: Reasons
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The staged rows of a part with reasons that only the whole night could tell, each in its rule's place."""
    valid, before = staged
    reasons = {at: list(told) for at, told in later.items()}
    at_lines = pd.Series(range(len(raw)), raw.index).loc[before.index]
    for at, places, texts in zip(at_lines, before["places"], before["reasons"], strict=True):
        reasons[at] = sorted([*zip(places, texts, strict=True), *reasons.get(at, [])], key=lambda told: told[0])
    return valid.drop(index=raw.index[list(later)], errors="ignore"), quarantined(contract, raw, reasons)


def in_nanoseconds(values: pd.DataFrame) -> pd.DataFrame:
    """The frame with its dates in nanoseconds where they can be.

    GX compares them a hundred times faster than other units; they reach from 1677 to 2262.
    """
    values = values.copy(deep=False)
    for name in values.select_dtypes("datetime"):
        if values[name].dropna().between(pd.Timestamp.min, pd.Timestamp.max).all():
            values[name] = values[name].astype("datetime64[ns]")
    return values


def broken_rows(
    rules: Sequence[Rule], judged: Judged, empty: Mapping[str, "pd.Series[bool]"]
) -> tuple[list[Finding], dict[int, list[int]]]:
    """What is wrong with the table, or could not be evaluated; and the rows that break the other rules.

    empty: whether a field came without a value: what came but could not be read has no typed value, yet is not empty.
    """
    table, broken, asked = [], {}, []
    for finding in judged.findings:
        rule = rules[finding.place]
        if not rule.row_level or finding.error:
            table.append(replace(finding, first=[]))
        elif rule.kind == NOT_NULL:
            broken[finding.place] = np.flatnonzero(empty[rule.columns[0]]).tolist()
        else:
            asked.append(rule)
    broken |= judged.broken_rows(asked)
    return table, {place: positions for place, positions in sorted(broken.items()) if positions}
