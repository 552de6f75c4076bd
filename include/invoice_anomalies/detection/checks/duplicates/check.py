"""Invoices that were booked twice: with the same number, or one that was keyed in again or written otherwise.

Record linkage in the terms of Fellegi and Sunter (1969): pairs are found by blocking, told apart by comparison level
and weighed by how often a copy looks like this, over how often an invoice of this entity meets one like it by chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.base import NOTHING, Arrays, CheckResult
from invoice_anomalies.detection.checks.duplicates import match_weights as weights
from invoice_anomalies.detection.checks.duplicates import u_probabilities
from invoice_anomalies.detection.checks.duplicates.candidates import block_candidates, read_candidates
from invoice_anomalies.detection.checks.duplicates.population import RunningCounts
from invoice_anomalies.detection.checks.timeline import Mask, bulk_nights, gathered_over_days, nights_of
from invoice_anomalies.detection.features.features import Codes, FloatArray

MOST_RELATED = 5
"""Likely originals of a copy that are named."""
BULK_NIGHTS = "histories"
"""Name of the bulk nights among the arrays of a stored state."""


@dataclass(frozen=True)
class DuplicateState:
    """The state that the check for duplicates learned.

    totals: counts over the training rows, by "classification/name", shape (classes,) each. bulk_nights: the nights that
    were bulk histories, in days since 1970, shape (nights,).
    """

    totals: Mapping[str, FloatArray]
    bulk_nights: Codes

    def to_arrays(self) -> Arrays:
        return {**self.totals, BULK_NIGHTS: self.bulk_nights.astype(float)}


@dataclass(frozen=True)
class Duplicates:
    """Copies of earlier invoices, of up to `detection.duplicate_days` days before; field: the invoice number."""

    contract: Contract
    field: str
    name: str = "duplicate"
    of_nights: bool = False

    def fit(self, invoices: pd.DataFrame) -> DuplicateState:
        """Sum up the counts over the population, and tell which nights are bulk histories."""
        bulk = self._bulk(invoices, None)
        _, candidates = read_candidates(invoices, self.contract, self.field, bulk)
        counts = RunningCounts.of_candidates(candidates)
        pairs, neighbours = weights.compare(candidates)
        totals = {
            f"{count.by}/{count.name}": count.total(counts.classes)
            for count in (
                *u_probabilities.population_counts(candidates, counts, neighbours, pairs),
                *weights.population_counts(candidates, counts, pairs),
            )
        }
        return DuplicateState(totals, np.unique(nights_of(invoices)[bulk]))

    def find(self, invoices: pd.DataFrame, rows: Codes, state: DuplicateState | None = None) -> CheckResult:
        """Weigh the pairs of each query row, positions of shape (query,), as `Check.find` says.

        Related invoices are the likely originals, the best first.
        """
        position, candidates = read_candidates(invoices, self.contract, self.field, self._bulk(invoices, state))
        if state:
            kept = block_candidates(candidates, np.isin(position, rows))
            position, candidates = position[kept], candidates.take(kept)
        if candidates.rows < 2:
            return CheckResult.empty(len(rows))
        counts = RunningCounts.of_candidates(candidates, state.totals if state else None)
        pairs, neighbours = weights.compare(candidates)
        weight = weights.match_weights(candidates, counts, pairs, neighbours)
        days = candidates.day[pairs.later] - candidates.day[pairs.earlier]
        chosen = (weight > 0.0) & (days <= self.contract.detection.duplicate_days)
        later, earlier = position[pairs.later[chosen]], position[pairs.earlier[chosen]]
        return _by_query_row(later, earlier, weight[chosen], rows, len(invoices))

    def state_from_arrays(self, arrays: Arrays) -> DuplicateState | None:
        if not arrays:
            return None
        nights = arrays.get(BULK_NIGHTS, np.zeros(0)).astype(np.int64)
        return DuplicateState({name: array for name, array in arrays.items() if name != BULK_NIGHTS}, nights)

    def _bulk(self, invoices: pd.DataFrame, state: DuplicateState | None) -> Mask:
        """Mask of the invoices of a bulk history or of a month's file, shape (rows,).

        A bulk night is one that was bulk in training; without a state, one with a large share of the invoices.
        """
        nights, months = nights_of(invoices), gathered_over_days(invoices, self.contract)
        return months | (np.isin(nights, state.bulk_nights) if state else bulk_nights(nights))


def _by_query_row(later: Codes, earlier: Codes, weight: FloatArray, rows: Codes, size: int) -> CheckResult:
    """Gather pairs, given by their positions in the frame, by the query row that is the later one.

    later, earlier, weight (nats): shape (pairs,); rows: positions of the query rows, shape (query rows,); size: of the
    frame.
    """
    query_row = np.full(size, -1, dtype=np.intp)
    query_row[rows] = np.arange(len(rows))
    chosen = query_row[later] >= 0
    row, earlier, weight = query_row[later[chosen]], earlier[chosen], weight[chosen]
    order = np.lexsort([-weight, row])
    row, earlier, weight = row[order], earlier[order], weight[order]
    surprisal, related = np.zeros(len(rows)), [NOTHING] * len(rows)
    found, first = np.unique(row, return_index=True)
    surprisal[found] = weight[first]
    for at, begin, end in zip(found, first, np.searchsorted(row, found, side="right"), strict=True):
        related[at] = earlier[begin : min(end, begin + MOST_RELATED)]
    return CheckResult(surprisal, related)
