"""The history of each invoice: the invoices of the same entity in earlier nights.

A history ends before the invoice's own night, in training as in scoring: numbers run on, habits change, and the
invoices of one night come in batches that are alike. `reference` rows make histories, `query` rows are scored.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.detection.features.features import Codes, Column, FloatArray

BULK_SHARE = 0.2  # share of all invoices above which a night holds a bulk history
FOLDS = 4  # of a bulk history
HALF_LIFE = 30.0  # days after which an invoice counts half as recent
LONGEST_AGE = 20.0  # half-lives; older invoices are all as old as that, which keeps sums of weights exact


@dataclass(frozen=True)
class HistoryRanges:
    """Index of each query row's history; query rows of one entity and night share a history, and histories are few.

    Reference rows are sorted by (entity, night) in `order`, shape (reference,); history h is `order[begin[h]:end[h]]`
    without the rows of fold `folds[h]` (-1: of no fold), shapes (histories,). `history_of`, shape (query,), maps a row
    to its history; `reference_folds`, shape (reference,), are the folds of the reference rows.
    """

    history_of: Codes
    order: Codes
    begin: Codes
    end: Codes
    reference_folds: Codes
    folds: Codes

    def total(self, values: FloatArray) -> FloatArray:
        """Sums of a value over each history, shape (histories,). values: shape (reference,)."""
        running: FloatArray = np.concatenate([[0.0], np.cumsum(values[self.order])])
        sums: FloatArray = running[self.end] - running[self.begin]
        if (self.folds >= 0).any():
            of_folds = np.bincount(self.reference_folds + 1, values, self.folds.max() + 2)
            sums -= of_folds[self.folds + 1] * (self.folds >= 0)
        return sums

    def by_category(self, codes: Codes, categories: int, weights: FloatArray | None = None) -> FloatArray:
        """Counts of each category, or sums of weights, over each history; shape (histories, categories).

        codes: the category of each reference row, shape (reference,); weights: shape (reference,).
        """
        sections, section = self._sections
        in_order = None if weights is None else weights[self.order]
        running = np.zeros((len(sections) + 1, categories))
        cells = np.bincount(section * categories + codes[self.order], in_order, len(sections) * categories)
        np.cumsum(cells.reshape(len(sections), categories), axis=0, out=running[1:])
        ends, begins = np.searchsorted(sections, self.end), np.searchsorted(sections, self.begin)
        sums: FloatArray = running[ends] - running[begins]
        if (self.folds >= 0).any():
            size = int(self.folds.max()) + 2
            cell = (self.reference_folds + 1) * categories + codes
            of_folds = np.bincount(cell, weights, size * categories).reshape(size, categories)
            sums -= of_folds[self.folds + 1] * (self.folds >= 0)[:, None]
        return sums

    @cached_property
    def _sections(self) -> tuple[Codes, Codes]:
        """Positions that cut `order` so that a history is a run of whole sections; the section of each position."""
        cuts = np.unique(np.concatenate([[0], self.begin, self.end]))
        starts = np.zeros(len(self.order) + 1, dtype=np.intp)
        starts[cuts] = 1
        return cuts, np.cumsum(starts[:-1]) - 1


@dataclass(frozen=True)
class HistoryIndex:
    """Entity and night codes of reference and query rows, and the history of each query row.

    reference, reference_nights: shape (reference,); query, query_nights: shape (query,). cross_fitted: shape (query,),
    whether the history of a row is the other folds of its own night, which is a bulk history. age: half-lives before
    the last night, of the reference and of the query rows. holds_query: whether the query rows are the last of the
    reference rows.
    """

    reference: Codes
    reference_nights: Codes
    query: Codes
    query_nights: Codes
    cross_fitted: npt.NDArray[np.bool_]
    age: tuple[FloatArray, FloatArray]
    ranges: HistoryRanges
    holds_query: bool = True

    @classmethod
    def for_scoring(cls, history: Column, query: Column, history_nights: Column, nights: Column) -> "HistoryIndex":
        """Index of earlier invoices and of those to be scored; entity names and nights, shapes (history,), (query,).

        All of the history counts. Query rows of earlier nights are history to those of later nights.
        """
        names = pd.factorize(np.concatenate([history, query]))[0]
        night = np.unique(nights, return_inverse=True)[1]
        several_nights = bool(len(query) and night.max())
        reference = names if several_nights else names[: len(history)]
        reference_nights = np.concatenate([np.zeros(len(history), dtype=np.intp), night + 1])[: len(reference)]
        age = _ages(np.concatenate([history_nights, nights]))
        return cls._of(
            reference,
            reference_nights,
            names[len(history) :],
            night + 1,
            np.zeros(len(query), dtype=bool),
            (age[: len(reference)], age[len(history) :]),
            several_nights,
        )

    @classmethod
    def for_training(cls, names: Column, nights: Column) -> "HistoryIndex":
        """Index of rows that are reference and query at once. names, nights: shape (rows,).

        A night with a large share of all invoices is a bulk history. There, a row's history is the rows of the other
        folds: with all rows but the row itself, what is left of an entity's total would give the row away.
        """
        codes = pd.factorize(names)[0]
        night, bulk = _nights(nights)
        age = _ages(nights)
        return cls._of(codes, night, codes, night, bulk, (age, age))

    @classmethod
    def for_cold_start(cls, names: Column, nights: Column) -> "HistoryIndex":
        """Like `for_training`, but each row of a bulk history is a night of its own, so that no row has folds."""
        codes = pd.factorize(names)[0]
        night, bulk = _nights(nights)
        order = night * len(night) + np.where(bulk, np.arange(len(night)), 0)
        night, age = np.unique(order, return_inverse=True)[1], _ages(nights)
        return cls._of(codes, night, codes, night, np.zeros(len(codes), dtype=bool), (age, age))

    @classmethod
    def _of(
        cls,
        reference: Codes,
        reference_nights: Codes,
        query: Codes,
        query_nights: Codes,
        cross_fitted: npt.NDArray[np.bool_],
        age: tuple[FloatArray, FloatArray],
        holds_query: bool = True,
    ) -> "HistoryIndex":
        nights = int(max(reference_nights.max(initial=0), query_nights.max(initial=0))) + 1
        keys = reference * nights + reference_nights
        order = np.argsort(keys, kind="stable")
        ordered, own = keys[order], query * nights + query_nights
        reference_folds = np.full(len(reference), -1)
        if cross_fitted.any():
            # Round robin within an entity, so that every fold has its share of each.
            rank = np.empty(len(reference), dtype=np.intp)
            rank[order] = np.arange(len(reference)) - np.searchsorted(reference[order], reference[order])
            reference_folds = np.where(cross_fitted, pd.factorize(keys * FOLDS + rank % FOLDS)[0], -1)
            own = own * FOLDS + rank % FOLDS
        history_of, distinct = pd.factorize(own)
        first = np.empty(len(distinct), dtype=np.intp)  # a query row of each history
        first[history_of] = np.arange(len(query))
        begin = np.searchsorted(ordered, query[first] * nights)
        # In a bulk history, the history of a row ends after its own night.
        end = np.searchsorted(ordered, query[first] * nights + query_nights[first] + cross_fitted[first])
        folds = reference_folds[first] if cross_fitted.any() else np.full(len(first), -1)
        ranges = HistoryRanges(history_of, order, begin, end, reference_folds, folds)
        return cls(reference, reference_nights, query, query_nights, cross_fitted, age, ranges, holds_query)

    def total(self, values: FloatArray) -> FloatArray:
        """Sum of a value over the history of each query row, shape (query,). values: shape (reference,)."""
        return self.ranges.total(values)[self.ranges.history_of]

    def history_rows(self) -> FloatArray:
        """Number of invoices in the history of each query row, shape (query,)."""
        return self.total(np.ones(len(self.reference)))

    @cached_property
    def recency(self) -> tuple[FloatArray, FloatArray]:
        """Weights by age, shape (reference,), and factors for sums of such weights, shape (histories,).

        Weights are relative to the last night, so that one running sum serves all nights.
        """
        reference_age, query_age = self.age
        factor = np.empty(len(self.ranges.begin))
        factor[self.ranges.history_of] = np.exp2(query_age)
        return np.exp2(-reference_age), factor

    def with_values(self, reference: Codes, query: Codes, values: int) -> "HistoryIndex":
        """The index of (entity, value) pairs as entities, with the same nights.

        reference, query: codes of the values, below `values`; shapes (reference,) and (query,).
        """
        pairs = pd.factorize(np.concatenate([self.reference * values + reference, self.query * values + query]))[0]
        reference, query = pairs[: len(reference)], pairs[len(reference) :]
        return self._of(reference, self.reference_nights, query, self.query_nights, self.cross_fitted, self.age)

    def without_history(self) -> "HistoryIndex":
        """The query rows with no reference rows: what is left is the population as it was in training."""
        nothing = np.zeros(0, dtype=np.intp)
        now = np.zeros(len(self.query), dtype=bool)
        return self._of(nothing, nothing, self.query, self.query_nights, now, (np.zeros(0), self.age[1]))

    def same_night(self, values: FloatArray) -> FloatArray:
        """Sum of a value over the other query rows of the same entity and night, shape (query,).

        Zero for cross-fitted rows, whose night is in their history already. values: shape (query,).
        """
        group = self.entity_night
        others: FloatArray = np.bincount(group, values)[group] - values
        return np.where(self.cross_fitted, 0.0, others)

    @cached_property
    def entity_night(self) -> Codes:
        """Number of the (entity, night) that each query row belongs to, shape (query,)."""
        codes: Codes = pd.factorize(self.query * (self.query_nights.max(initial=0) + 1) + self.query_nights)[0]
        return codes


def in_bulk_history(night: Codes) -> npt.NDArray[np.bool_]:
    """Whether each row is of a night that holds a bulk history, shape (rows,). night: codes, shape (rows,)."""
    bulk: npt.NDArray[np.bool_] = (np.bincount(night) > BULK_SHARE * len(night))[night]
    return bulk


def _nights(nights: Column) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Numbers of the nights in their order, and whether each row is of a bulk history; shape (rows,) each."""
    night = np.unique(nights, return_inverse=True)[1]
    return night, in_bulk_history(night)


def _ages(nights: Column) -> FloatArray:
    """Half-lives before the last night, shape (rows,)."""
    if not len(nights):
        return np.zeros(0)
    days = (nights.max() - nights) / (np.timedelta64(1, "D") if nights.dtype.kind == "M" else 1)
    ages: FloatArray = np.minimum(days.astype(float) / HALF_LIFE, LONGEST_AGE)
    return ages
