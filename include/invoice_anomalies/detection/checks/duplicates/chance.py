"""How often an invoice looks like a copy by mere chance: near numbers, and equal amounts with them.

Each rate is an entity's own, shrunk to that of the book where its past is thin (indirect standardisation with a gamma
prior: Clayton and Kaldor 1987, Empirical Bayes estimates of age-standardized relative risks), and counts only what was
known by the end of the invoice's own night.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from invoice_anomalies.detection.checks.base import Learned
from invoice_anomalies.detection.checks.duplicates.candidates import Kind, Ledger, Pairs
from invoice_anomalies.detection.checks.duplicates.nearness import Nearness
from invoice_anomalies.detection.checks.duplicates.rates import Book
from invoice_anomalies.detection.checks.timeline import Mask, Past, group
from invoice_anomalies.detection.features.features import Codes, FloatArray

ROUND = (1, 5, 10, 100)
"""Whole amounts that are multiples of these are the more common the more of these they are."""
PRIOR = 1.0  # expected events that the book's rate is worth, against an entity's own count
CELL = 50.0  # invoices that the book's rate is worth, against that of entities as large with numbers as long
ALIKE = 20.0  # near numbers that the share of equal amounts in the book is worth, against that of amounts as round
MOST_NEAR = 20  # numbers this near beyond which a series is just a series
LONGEST_NUMBER = 12
LARGEST_SIZE = 12  # of an entity, by powers of two of its invoices


@dataclass(frozen=True)
class Known:
    """Running sums by entity and over the whole book; rows: other invoices of the entity, total: of the book."""

    entity: Past
    book: Book
    rows: FloatArray
    total: FloatArray

    @classmethod
    def of(cls, ledger: Ledger, learned: Learned) -> "Known":
        entity = Past(ledger.entity, ledger.night)
        rows = entity.others()
        size, length = _size_class(rows), np.minimum(ledger.numbers.length[ledger.number], LONGEST_NUMBER)
        roundness = _roundness(ledger.cents)
        classes = {
            "all": np.zeros(ledger.rows, dtype=np.int64),
            "roundness": roundness,
            "roundness and size": roundness * (LARGEST_SIZE + 1) + size,
            "length and size": length * (LARGEST_SIZE + 1) + size,
        }
        book = Book(ledger.night, classes, learned)
        return cls(entity, book, rows, book.known("invoices", np.ones(ledger.rows)))


def equal_amount_share(ledger: Ledger, known: Known) -> FloatArray:
    """Chance that another invoice of the entity has this amount, shape (rows,), not counting one that already has.

    A recurring amount has the share that it recurs with. For an amount seen once it is the entity's rate of coming
    back to such amounts, over the number of them; the book's rate depends on how round the amount is, and on how many
    invoices there were to come back to.
    """
    amounts = group(ledger.entity, ledger.cents)
    past = Past(amounts, ledger.night)
    others, (own_night, _) = past.others(), past.counts()
    again = others == 1.0
    # The two invoices of a pair in one night are each other's return; the pair is in question and does not count.
    returns = known.entity.known(again) - (again & (own_night == 1.0))
    order = _order_within(past)
    once = np.maximum(known.entity.known((order == 0).astype(float) - (order == 1)), 1.0)
    possible, cell = known.rows > 0, "roundness and size"
    usual = known.book.known("returned", again & possible, by=cell) + 1.0
    usual /= known.book.known("could return", possible, by=cell) + 10.0
    rate = np.minimum(usual * (returns + PRIOR) / (known.entity.known(usual) + PRIOR), 1.0)
    seen: FloatArray = np.maximum(rate / once, (others - 1.0) / np.maximum(known.rows, 1.0))
    return seen


def _order_within(past: Past) -> Codes:
    """How many rows of the same group stand before each, in order of time."""
    previous = past.previous()
    order = np.zeros(len(previous), dtype=np.int64)
    # Only the first two matter: a second one follows one that follows none.
    follows = previous >= 0
    order[follows] = 1 + (previous[previous[follows]] >= 0)
    return order


def _roundness(cents: Codes) -> Codes:
    found: Codes = np.sum([cents % (100 * size) == 0 for size in ROUND], axis=0, dtype=np.int64)
    return found


def _size_class(rows: FloatArray) -> Codes:
    classes: Codes = np.minimum(np.log2(rows + 1.0), LARGEST_SIZE).astype(np.int64)
    return classes


def coincidences(ledger: Ledger, known: Known, near: Nearness, pairs: Pairs) -> FloatArray:
    """Expected number of invoices that are as near to this one by chance, by kind of difference; shape (pairs,).

    It is the number of other invoices whose number is this near, less the one found, times the chance that their
    amounts are equal: the amount's own share, or how often equal amounts go with such near numbers, if that is more.
    """
    expected = np.ones(len(pairs.later))
    amount = equal_amount_share(ledger, known)
    together = ledger.night[pairs.later] == ledger.night[pairs.earlier]
    for kind in Kind:
        for same_night, counts in ((True, near.own_night), (False, near.before)):
            chosen = (pairs.kind == kind) & (together == same_night)
            # The rates of the book at hand are learned whether it has such pairs or not.
            if not (chosen.any() or known.book.at_hand):
                continue
            rows, rates = pairs.later[chosen], _Rates(known, kind, same_night, np.minimum(counts[kind], MOST_NEAR))
            share = rates.of_equal_amounts(rows)
            share = share if kind == Kind.NEAR_AMOUNT else np.maximum(share, amount[rows])
            further = rates.of_near_numbers(rows)
            expected[chosen] = (np.maximum(counts[kind][rows] - 1.0, 0.0) + further) * np.minimum(share, 1.0)
    return expected


@dataclass(frozen=True)
class _Rates:
    """Rates of one kind of pairs, in one night or not, among the book's invoices that are like one.

    Alike are those in the size of the entity and of the number, or in the amount. counts: numbers as near, by row. In
    one night, the earlier of two is near because of the later one: that pair is in question, and not counted.
    """

    known: Known
    kind: Kind
    same_night: bool
    counts: FloatArray

    @property
    def _own_pair(self) -> float:
        return float(self.same_night and self.known.book.at_hand)

    def _in_book(self, name: str, values: FloatArray | Mask, by: str = "all") -> FloatArray:
        when = "in one night" if self.same_night else "later"
        return self.known.book.known(f"{self.kind.name} {name} {when}", values, by=by)

    def of_near_numbers(self, at: Codes) -> FloatArray:
        """How many numbers as near are to be expected, whether there were any or not; shape (at,)."""
        known, cell = self.known, "length and size"
        in_book = (self._in_book("near", self.counts) + 0.5) / (known.total + 1.0)
        alike = known.book.known("invoices", np.ones(len(self.counts)), by=cell) + CELL
        usual = (self._in_book("near", self.counts, cell) + CELL * in_book) / alike
        own = np.maximum(known.entity.known(self.counts, at) - self.same_night, 0.0) + PRIOR / 2
        ordinary = np.maximum(usual[at] - self._own_pair / alike[at], 0.5 / (known.total[at] + 1.0))
        expected: FloatArray = ordinary * own / (known.entity.known(usual, at) + PRIOR / 2)
        return expected

    def of_equal_amounts(self, at: Codes) -> FloatArray:
        """Share of numbers as near that come with an equal amount, as at these rows; shape (at,)."""
        counts, known = self.counts, self.known
        equal: npt.NDArray[np.bool_] = np.zeros(len(counts), dtype=bool)
        equal[at] = True
        near = np.maximum(self._in_book("near", counts) - self._own_pair, 0.0)
        everywhere = (self._in_book("equal", equal) + 0.5) / (near + 1.0)
        alike = np.maximum(self._in_book("near", counts, "roundness") - self._own_pair, 0.0)
        usual = (self._in_book("equal", equal, "roundness") + ALIKE * everywhere) / (alike + ALIKE)
        own = known.entity.known(equal, at) + PRIOR
        share: FloatArray = usual[at] * own / (known.entity.known(counts * usual, at) + PRIOR)
        return share
