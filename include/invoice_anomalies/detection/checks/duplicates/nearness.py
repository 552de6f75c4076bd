"""How many numbers of an entity are near each other, whatever their amounts: what chance has to work with."""

from dataclasses import dataclass

import numpy as np

from invoice_anomalies.detection.checks.duplicates.candidates import WHOLE, Kind, Ledger, Shortened
from invoice_anomalies.detection.checks.duplicates.invoice_numbers import Hashes, mixed, shared
from invoice_anomalies.detection.checks.timeline import Mask, Past, group
from invoice_anomalies.detection.features.features import Codes, FloatArray


@dataclass(frozen=True)
class Nearness:
    """How many other invoices of the entity have a number this near, whatever their amount; shape (rows,) each."""

    own_night: dict[int, FloatArray]
    before: dict[int, FloatArray]

    @classmethod
    def of(cls, ledger: Ledger, shortened: Shortened) -> "Nearness":
        """Count by kind of difference, in the own night and in the nights before it."""
        numbers, code = ledger.numbers, ledger.number
        sides = [
            Past(group(ledger.entity, values), ledger.night).counts()
            for values in (code, numbers.stripped[code].view(np.int64), numbers.bare[code].view(np.int64))
        ]
        edits = _edits_near(ledger, shortened)
        found: list[dict[int, FloatArray]] = []
        for side in (0, 1):
            same, stripped, bare = (counts[side] for counts in sides)
            found.append(
                {
                    Kind.SAME: same,
                    Kind.WRITING: stripped - same,
                    Kind.AFFIX: np.where(numbers.bare[code] != 0, np.maximum(bare - stripped, 0.0), 0.0),
                    **edits[side],
                    Kind.NEAR_AMOUNT: stripped,
                }
            )
        return cls(*found)


def _edits_near(ledger: Ledger, shortened: Shortened) -> list[dict[int, FloatArray]]:
    """Count the numbers that share a form, by how they come to do so: in the own night, and in those before it.

    Two that lack a sign in the same place differ in that sign; two that lack the same sign in different places have it
    exchanged; one that is whole where the other lacks a sign is shorter by it.
    """
    whole, sign = shortened.place == WHOLE, ledger.numbers.signs[ledger.number[shortened.row], shortened.place]
    keys, first = mixed(ledger.entity[shortened.row], shortened.hash), shortened.first & ~whole
    same = Past(group(ledger.entity, ledger.numbers.whole[ledger.number].view(np.int64)), ledger.night).counts()
    in_place = _forms_met(ledger, shortened, mixed(shortened.place, keys), ~whole)
    with_sign = _forms_met(ledger, shortened, mixed(sign.astype(np.int64), keys), first)
    form = _forms_met(ledger, shortened, keys, first | whole)
    short, entire = form.past.sides(first[form.entry]), form.past.sides(whole[form.entry])
    found: list[dict[int, FloatArray]] = []
    for side in (0, 1):
        kinds: dict[int, FloatArray] = {}
        for step in range(4):
            chosen = np.minimum(shortened.place[in_place.entry], 3) == step
            kinds[Kind.LAST + step] = in_place.by_row(in_place.past.counts()[side] - same[side][in_place.row], chosen)
        # Two that have signs exchanged lack either of them in turn; one whose sign moved farther counts half.
        kinds[Kind.EXCHANGED] = 0.5 * with_sign.by_row(with_sign.past.counts()[side] - same[side][with_sign.row])
        kinds[Kind.LENGTH] = form.by_row(np.where(whole[form.entry], short[side], entire[side]))
        found.append(kinds)
    return found


@dataclass(frozen=True)
class _FormsMet:
    """The forms that more than one number may have: which entries of the shortened numbers, and their rows."""

    entry: Codes
    row: Codes
    rows: int
    past: Past

    def by_row(self, counts: FloatArray, chosen: Mask | None = None) -> FloatArray:
        """Sum the counts of a row's forms, or of the chosen ones; shape (rows,)."""
        counts = counts if chosen is None else np.where(chosen, counts, 0.0)
        return np.bincount(self.row, counts, self.rows).astype(float)


def _forms_met(ledger: Ledger, shortened: Shortened, keys: Hashes, chosen: Mask) -> _FormsMet:
    entry = np.flatnonzero(chosen)
    entry = entry[shared(keys[entry])]
    row = shortened.row[entry]
    return _FormsMet(entry, row, ledger.rows, Past(keys[entry].view(np.int64), ledger.night[row]))
