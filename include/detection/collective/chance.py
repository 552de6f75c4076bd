"""How often an invoice looks like a copy by mere chance: near numbers, and equal amounts with them.

Each rate is an entity's own, shrunk to that of the book where its past is thin (indirect standardisation with a gamma
prior: Clayton and Kaldor 1987, Empirical Bayes estimates of age-standardized relative risks), and counts only what was
known by the end of the invoice's own night.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.detection.aspects import FloatArray
from include.detection.collective.nearness import Nearness
from include.detection.collective.pairs import Kind, Ledger, Pairs
from include.detection.collective.past import Past, group
from include.detection.entities import Codes

ROUND = (1, 5, 10, 100)
"""Whole amounts that are multiples of these are the more common the more of these they are."""
PRIOR = 1.0  # expected events that the book's rate is worth, against an entity's own count
CELL = 50.0  # invoices that the book's rate is worth, against that of entities as large with numbers as long
ALIKE = 20.0  # near numbers that the share of equal amounts in the book is worth, against that of amounts as round
MOST_NEAR = 20  # numbers this near beyond which a series is just a series
LONGEST_NUMBER = 12


@dataclass(frozen=True)
class Known:
    """Running sums by entity and over the whole book."""

    entity: Past
    book: Past
    rows: FloatArray
    total: FloatArray

    @classmethod
    def of(cls, ledger: Ledger) -> "Known":
        entity = Past(ledger.entity, ledger.night)
        book = Past(np.zeros(ledger.rows, dtype=np.int64), ledger.night)
        return cls(entity, book, entity.others(), book.others())


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
    cells = Past(group(_roundness(ledger.cents), _size_class(known.rows)), ledger.night)
    possible = known.rows > 0
    usual = (cells.known(again & possible) + 1.0) / (cells.known(possible) + 10.0)
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
    classes: Codes = np.minimum(np.log2(rows + 1.0), 12.0).astype(np.int64)
    return classes


def coincidences(ledger: Ledger, known: Known, near: Nearness, pairs: Pairs) -> FloatArray:
    """Expected number of invoices that are as near to this one by chance, by kind of difference; shape (pairs,).

    It is the number of other invoices whose number is this near, less the one found, times the chance that their
    amounts are equal: the amount's own share, or how often equal amounts go with such near numbers, if that is more.
    """
    expected = np.ones(len(pairs.later))
    rates, amount = _Rates.of(ledger, known), equal_amount_share(ledger, known)
    together = ledger.night[pairs.later] == ledger.night[pairs.earlier]
    for kind in Kind:
        for same_night, counts in ((True, near.own_night), (False, near.before)):
            chosen = (pairs.kind == kind) & (together == same_night)
            if not chosen.any():
                continue
            rows = pairs.later[chosen]
            further = rates.of_near_numbers(counts[kind], rows, same_night)
            share = rates.of_equal_amounts(counts[kind], rows, same_night)
            share = share if kind == Kind.NEAR_AMOUNT else np.maximum(share, amount[rows])
            expected[chosen] = (np.maximum(counts[kind][rows] - 1.0, 0.0) + further) * np.minimum(share, 1.0)
    return expected


@dataclass(frozen=True)
class _Rates:
    """Rates of the book's invoices that are like one: in the size of the entity and of the number, or in the amount.

    In one night, the earlier of two is near because of the later one: that pair is in question, and not counted.
    """

    known: Known
    cells: Past
    cell_rows: FloatArray
    rounds: Past

    @classmethod
    def of(cls, ledger: Ledger, known: Known) -> "_Rates":
        length = np.minimum(ledger.numbers.length[ledger.number], LONGEST_NUMBER)
        cells = Past(group(_size_class(known.rows), length), ledger.night)
        return cls(known, cells, cells.others() + CELL, Past(_roundness(ledger.cents), ledger.night))

    def of_near_numbers(self, counts: FloatArray, at: Codes, same_night: bool) -> FloatArray:
        """How many numbers as near are to be expected, whether there were any or not; shape (at,)."""
        counts, entity = np.minimum(counts, MOST_NEAR), self.known.entity
        in_book = (self.known.book.known(counts) + 0.5) / (self.known.total + 1.0)
        usual = (self.cells.known(counts) + CELL * in_book) / self.cell_rows
        own = np.maximum(entity.known(counts, at) - same_night, 0.0) + PRIOR / 2
        ordinary = np.maximum(usual[at] - same_night / self.cell_rows[at], 0.5 / (self.known.total[at] + 1.0))
        expected: FloatArray = ordinary * own / (entity.known(usual, at) + PRIOR / 2)
        return expected

    def of_equal_amounts(self, counts: FloatArray, at: Codes, same_night: bool) -> FloatArray:
        """Share of numbers as near that come with an equal amount, as at these rows; shape (at,)."""
        counts, known = np.minimum(counts, MOST_NEAR), self.known
        equal: npt.NDArray[np.bool_] = np.zeros(len(counts), dtype=bool)
        equal[at] = True
        everywhere = (known.book.known(equal) + 0.5) / (np.maximum(known.book.known(counts) - same_night, 0.0) + 1.0)
        alike = np.maximum(self.rounds.known(counts) - same_night, 0.0)
        usual = (self.rounds.known(equal) + ALIKE * everywhere) / (alike + ALIKE)
        own = known.entity.known(equal, at) + PRIOR
        share: FloatArray = usual[at] * own / (known.entity.known(counts * usual, at) + PRIOR)
        return share
