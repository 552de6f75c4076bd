"""A night judged part by part: rows when they come, the night as a whole when its last row has come."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.extract import STRUCTURE_ERROR
from invoice_anomalies.validation.keys import Positions, fingerprints, same_key, without_their_key
from invoice_anomalies.validation.outcome import Outcome
from invoice_anomalies.validation.part import Part, Reasons, broken_rows, in_nanoseconds, with_later_reasons
from invoice_anomalies.validation.problems import (
    LINES_SHOWN,
    Breach,
    Came,
    examples,
    in_words,
    table_problem,
    told,
    too_many_unfit,
)
from invoice_anomalies.validation.quarantine import reasons_of, rows_as_they_came, told_rows
from invoice_anomalies.validation.rules import Rule
from invoice_anomalies.validation.scope import NOT_NULL, UNIQUENESS, columns_of, most_rows, only_compared, scopes
from invoice_anomalies.validation.staged import Report, StagedParts
from invoice_anomalies.validation.story import ROWS_SHOWN, Row, Story
from invoice_anomalies.validation.suite import WHOLE, Finding, NightSuite


class Night:
    """Collects what the judgement of a night rests on; memory: one part, and the fields of its night's own rules."""

    def __init__(self, contract: Contract, rules: Sequence[Rule], file: str, docs: Path, staged: StagedParts) -> None:
        self._contract = contract
        self._rules = rules
        self._scopes = scopes(rules)
        self._file = file
        self._suite = NightSuite(contract.name, docs)
        self._staged = staged
        self._columns: list[str] | None = None
        self._refused = False  # surely, whatever still comes
        self._findings: dict[int, Finding] = {}
        self._breaches: dict[int, Breach] = {}
        self._late: dict[int, list[int]] = {}  # rows that broke a rule of the night, by its place
        self._lines: list[pd.Index] = []
        self._unfit: list[np.ndarray] = []
        self._typed: list[pd.DataFrame] = []
        self._empty: list[pd.DataFrame] = []
        self._first_rows: list[Row] = []

    def take_whole(self, raw: pd.DataFrame) -> None:
        """Judge a night that is one part, by all rules at once."""
        self._columns = _columns(raw)
        self._first_rows = self._first_of(raw)
        part = Part.of(self._contract, raw)
        self._judge(part, self._rules, WHOLE)
        self._collect(part, [])
        self._stage(part, on_disk=False)

    def take(self, raw: pd.DataFrame) -> None:
        """Judge a part of the night by the rules about rows; only count it where the night is refused already."""
        first = self._columns is None
        self._first_rows = self._first_rows or self._first_of(raw)
        self._columns = self._columns or _columns(raw)
        rows = self._rows + len(raw)
        self._refused |= rows > most_rows(self._rules) or not set(self._contract.fields) <= set(self._columns)
        rules = self._scopes.header if self._refused else self._scopes.parts
        if self._refused and not first and not columns_of(self._contract, self._scopes.table):
            self._lines.append(raw.index)
            return
        part = Part.of(self._contract, raw)
        if first or not self._refused:
            title = "the header" if self._refused else "the rows"
            self._judge(part, rules, title, f"lines {raw.index.min():,} to {raw.index.max():,}")
        self._collect(part, self._scopes.table if self._refused else self._scopes.night)
        if not self._refused:
            self._stage(part, on_disk=True)

    def judge_whole(self) -> None:
        """Judge the night by the rules that must see all its rows; the parts have been taken."""
        rules = self._scopes.table if self._refused else self._scopes.night
        columns = [name for name in columns_of(self._contract, rules) if name in (self._columns or [])]
        frame = pd.DataFrame(index=pd.RangeIndex(self._rows))
        if columns:
            frame = in_nanoseconds(pd.concat([typed[columns] for typed in self._typed], ignore_index=True))
        judged = self._suite.judge(rules, frame, "the night")
        empty = pd.concat(self._empty, ignore_index=True) if self._empty else pd.DataFrame()
        findings, self._late = broken_rows(self._rules, judged, {str(name): empty[name] for name in empty})
        self._late = self._really_equal(self._late)
        self._findings |= {finding.place: finding for finding in findings}
        if not self._table_refuses:
            self._breaches |= {place: self._breach(place, rows) for place, rows in self._late.items()}

    def outcome(self) -> Outcome:
        """Say what becomes of the night, write its Data Docs, and stage its rows where it is accepted."""
        came = Came(self._contract, self._file, self._rows, self._columns or [])
        problems, warnings = self._about_the_table(came)
        breaches = [self._breaches[place] for place in sorted(self._breaches)]
        if not problems:
            by_rows = [each for each in breaches if each.rule.severity == "quarantine" and not each.rule.is_key]
            most = max((breach.rows for breach in by_rows), default=0)
            problems = too_many_unfit(came, most, by_rows, least=True)
        quarantined = 0
        if not problems:
            warnings += [told(breach) for breach in breaches if breach.rule.severity == "warn"]
            problems, quarantined = self._unfit_rows(came, breaches)
        broken = [in_words(breach) for breach in sorted(breaches, key=lambda breach: -breach.rows)]
        rows = (examples(breaches) or self._first_rows) if problems else self._quarantined_rows()
        story = Story(
            self._contract.name, self._file, not problems, self._rows, quarantined, problems, warnings, broken, rows
        )
        docs = self._suite.publish(story)
        if problems:
            return Outcome(self._contract, self._rows, False, 0, 0, problems, warnings, docs, None, broken)
        folder = self._staged.finish(Report(self._rows, warnings, docs))
        valid = self._rows - quarantined
        return Outcome(self._contract, self._rows, True, valid, quarantined, [], warnings, docs, folder, broken)

    def _unfit_rows(self, came: Came, breaches: Sequence[Breach]) -> tuple[list[str], int]:
        """Why the night is refused for its rows; or the number of unfit ones, which then have all their reasons."""
        problems = [told(breach) for breach in breaches if breach.rule.severity == "abort"]
        unfit = np.concatenate(self._unfit)
        for place, rows in self._late.items():
            if self._rules[place].severity == "quarantine" and not self._rules[place].is_key:
                unfit[rows] = True
        losers, keepers = self._without_their_key(unfit)
        unfit[losers] = True
        quarantined = int(unfit.sum())
        problems += too_many_unfit(came, quarantined, breaches)
        if not problems:
            self._add_late_reasons(losers, keepers)
        return problems, quarantined

    def _quarantined_rows(self) -> list[Row]:
        """The first quarantined rows of an accepted night, with all their reasons."""
        rows: list[Row] = []
        for part in range(len(self._lines)):
            if len(rows) < ROWS_SHOWN:
                rows += told_rows(self._staged.quarantined(part).head(ROWS_SHOWN - len(rows)))
        return rows

    @property
    def _rows(self) -> int:
        return sum(map(len, self._lines))

    @property
    def _table_refuses(self) -> bool:
        return any(self._rules[place].severity != "warn" for place in self._findings)

    def _judge(self, part: Part, rules: Sequence[Rule], title: str, lines: str = "") -> None:
        judged = self._suite.judge(rules, part.frame(), title, lines)
        empty = {str(name): part.raw[name].isna() for name in part.parsed.values}
        findings, broken = broken_rows(self._rules, judged, empty)
        for finding in findings:
            self._findings.setdefault(finding.place, finding)
        self._late = {place: rows for place, rows in broken.items() if self._rules[place].is_key}
        if title == WHOLE and self._table_refuses:
            return
        for place, breach in part.breaches(self._rules, broken).items():
            self._breaches[place] = self._breaches[place] + breach if place in self._breaches else breach

    def _collect(self, part: Part, rules: Sequence[Rule]) -> None:
        columns = [name for name in columns_of(self._contract, rules) if name in part.parsed.values]
        self._lines.append(part.raw.index)
        self._unfit.append(part.unfit())
        self._typed.append(fingerprints(part.parsed.values[columns], only_compared(rules)))
        empty = {rule.columns[0] for rule in rules if rule.kind == NOT_NULL} & set(columns)
        if empty:
            self._empty.append(part.raw[sorted(empty)].isna())

    def _stage(self, part: Part, *, on_disk: bool) -> None:
        if self._table_refuses:
            return
        number = len(self._lines) - 1
        self._staged.write(number, *part.staged())
        if any(rule.row_level for rule in self._scopes.night):
            self._staged.keep_raw(number, part.raw, on_disk=on_disk)

    def _about_the_table(self, came: Came) -> tuple[list[str], list[str]]:
        """Problems and warnings about the table as a whole, and about rules that could not be evaluated."""
        problems: list[str] = []
        warnings: list[str] = []
        for place, finding in sorted(self._findings.items()):
            rule = self._rules[place]
            (warnings if rule.severity == "warn" else problems).append(table_problem(came, rule, finding))
        return problems, warnings

    def _breach(self, place: int, rows: Sequence[int]) -> Breach:
        lines = [self._line(row) for row in rows[:LINES_SHOWN]]
        rule, seen = self._rules[place], []
        parts, at = self._part_of(np.asarray(rows[:LINES_SHOWN]))
        for part, position in zip(parts.tolist(), at.tolist(), strict=True):
            reasons = self._reasons_of(rule, part, [position])
            seen += rows_as_they_came(self._contract, self._staged.raw(part), [position], reasons)
        return Breach(rule, len(rows), lines, seen[0].reasons[0], seen)

    def _first_of(self, raw: pd.DataFrame) -> list[Row]:
        return rows_as_they_came(self._contract, raw, range(min(len(raw), LINES_SHOWN)))

    def _reasons_of(self, rule: Rule, part: int, at: list[int]) -> list[str]:
        return reasons_of(rule, at, self._staged.raw(part), pd.DataFrame())

    def _part_of(self, rows: Positions) -> tuple[Positions, Positions]:
        """The part of each row of the night, and its position there."""
        ends = np.cumsum([len(lines) for lines in self._lines])
        part = np.searchsorted(ends, rows, side="right")
        return part, rows - np.concatenate([[0], ends])[part]

    def _line(self, row: int) -> int:
        part, at = self._part_of(np.array([row]))
        return int(self._lines[part[0]][at[0]])

    def _without_their_key(self, unfit: np.ndarray) -> tuple[Positions, Positions]:
        if not any(self._rules[place].is_key for place in self._late):
            return np.array([], dtype="int64"), np.array([], dtype="int64")
        (rows,) = (rows for place, rows in self._late.items() if self._rules[place].is_key)
        return without_their_key(self._values(rows, self._contract.key), unfit)

    def _really_equal(self, late: dict[int, list[int]]) -> dict[int, list[int]]:
        """Keep the rows whose values are equal, and not their fingerprints alone."""
        equal = {}
        for place, rows in late.items():
            rule = self._rules[place]
            if rule.kind in UNIQUENESS:
                values = self._values(rows, list(rule.columns))
                equal[place] = values.index[values.duplicated(keep=False)].tolist()
            else:
                equal[place] = rows
        return {place: rows for place, rows in equal.items() if rows}

    def _values(self, rows: Sequence[int], columns: list[str]) -> pd.DataFrame:
        """The typed values of rows of the night, read again from what came; index: position."""
        frames = []
        parts, at = self._part_of(np.asarray(rows))
        for number in np.unique(parts).tolist():
            here = parts == number
            typed = Part.of(self._contract, self._staged.raw(number).iloc[at[here]]).parsed.values[columns]
            frames.append(typed.set_axis(np.asarray(rows)[here], axis=0))
        return pd.concat(frames)

    def _add_late_reasons(self, losers: Positions, keepers: Positions) -> None:
        """Add the reasons that only the whole night could tell, to the parts that have such rows."""
        rows: dict[int, Reasons] = defaultdict(lambda: defaultdict(list))
        for place, broken in self._late.items():
            rule = self._rules[place]
            if rule.severity == "quarantine" and not rule.is_key:
                parts, at = self._part_of(np.asarray(broken))
                for part in np.unique(parts).tolist():
                    places = at[parts == part].tolist()
                    for position, reason in zip(places, self._reasons_of(rule, part, places), strict=True):
                        rows[part][position].append((place, reason))
        parts, at = self._part_of(losers)
        for part, position, keeper in zip(parts.tolist(), at.tolist(), keepers.tolist(), strict=True):
            # Behind all others, as it may rest on them.
            rows[part][position].append((len(self._rules), same_key(self._contract.key, self._line(keeper))))
        for part, later in rows.items():
            staged = with_later_reasons(self._contract, self._staged.read(part), self._staged.raw(part), later)
            self._staged.write(part, *staged)


def _columns(raw: pd.DataFrame) -> list[str]:
    return [str(name) for name in raw.columns if name != STRUCTURE_ERROR]
