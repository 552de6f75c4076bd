"""Far more invoices of an entity in one night than its nights had before.

Counts are taken as Poisson around a rate that varies from night to night (negative binomial), with the entity's own
mean and variation, shrunk to those of the book's entities where its nights are few.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.base import Findings, Unlearned
from invoice_anomalies.detection.checks.surprise import negative_binomial_surprise
from invoice_anomalies.detection.checks.timeline import Mask, Timeline, group
from invoice_anomalies.detection.features.features import Codes, FloatArray
from invoice_anomalies.detection.profiles.history_index import LOADED_AT_ONCE

FEWEST = 5
"""Invoices that make a burst."""
TELLING = 3.0
"""Nats from which more invoices than usual are worth a word: one night in twenty."""
MOST_TWINS = 20
LEARNED = 50
"""Nights of entities that the book must have before it says what a night is."""
OWN_NIGHTS = 5.0  # nights of the entity that the book's variation between nights is worth
OTHERS = 5.0  # invoices of others, as many as expected, that stand behind a night with few of them
SMALLEST_SHAPE = 0.05
LARGEST_SHAPE = 100.0
USUAL = (0.05, 0.95)  # quantiles of the earlier nights' counts that are told as usual


@dataclass(frozen=True)
class Bursts(Unlearned):
    """Find nights in which an entity has far more invoices than usual; one finding a night, on its largest invoice."""

    contract: Contract
    field: str
    name: str = "burst"
    of_nights: bool = True

    def find(self, book: pd.DataFrame, asked: npt.NDArray[np.intp]) -> Findings:
        """Judge the nights of the asked invoices; twins are the night's others, the largest amounts first."""
        findings = Findings.none(len(asked))
        figures: dict[str, FloatArray] = {name: np.zeros(len(asked)) for name in ("count", "low", "high", "nights")}
        if not len(book):
            return findings
        nights = _Nights.of(book, self.contract)
        surprise = nights.surprise()
        place = np.full(len(book), -1, dtype=np.intp)
        place[asked] = np.arange(len(asked))
        size = _sizes(book, self.contract)
        for index in np.flatnonzero(surprise >= TELLING):
            rows = nights.rows(int(index))
            rows = rows[np.lexsort([rows, -size[rows]])]
            row = place[rows[0]]
            if row < 0:
                continue
            findings.raw[row] = surprise[index]
            findings.twins[row] = rows[1 : MOST_TWINS + 1]
            usual = nights.earlier(int(index))
            figures["count"][row], figures["nights"][row] = len(rows), len(usual)
            if len(usual):
                figures["low"][row], figures["high"][row] = np.quantile(usual, USUAL, method="nearest")
        return Findings(findings.raw, findings.twins, figures)


def _sizes(book: pd.DataFrame, contract: Contract) -> FloatArray:
    if contract.amount is None:
        return np.zeros(len(book))
    sizes: FloatArray = np.nan_to_num(np.abs(book[contract.amount].to_numpy(float, na_value=np.nan)))
    return sizes


@dataclass(frozen=True)
class _Nights:
    """The nights in which entities had invoices, by entity and night; shape (entity nights,) each.

    order, begin: the invoices of night i are order[begin[i] : begin[i + 1]]. first: index of the entity's first night.
    loaded: a history that came at once, which says nothing about nights.
    """

    order: Codes
    begin: Codes
    entity: Codes
    night: Codes
    count: FloatArray
    first: Codes
    loaded: Mask

    @classmethod
    def of(cls, book: pd.DataFrame, contract: Contract) -> "_Nights":
        assert contract.entity is not None
        timeline = Timeline.of(book, contract)
        entity = pd.factorize(book[contract.entity])[0][timeline.order]
        kept = entity >= 0
        position, entity, night = timeline.order[kept], entity[kept], timeline.night[kept]
        order = np.lexsort([night, entity])
        position, entity, night = position[order], entity[order], night[order]
        changes = np.ones(len(entity), dtype=bool)
        changes[1:] = (entity[1:] != entity[:-1]) | (night[1:] != night[:-1])
        starts = np.flatnonzero(changes)
        begin = np.append(starts, len(entity))
        entity, night, count = entity[starts], night[starts], np.diff(begin).astype(float)
        first = np.searchsorted(entity, entity)
        # Invoices of the night, of the book up to it and of the entity up to it.
        in_night = np.bincount(night, count) if len(night) else np.zeros(0)
        known = np.cumsum(in_night)[night]
        running = np.cumsum(count)
        own = running - (running - count)[first]
        others, others_known = in_night[night] - count, known - own
        share = np.divide(others, others_known, out=np.ones(len(count)), where=others_known > 0)
        # Without any other entity, only the first night may be a history.
        loaded = np.where(others_known > 0, share > LOADED_AT_ONCE, first == np.arange(len(count)))
        return cls(position, begin, entity, night, count, first, loaded.astype(bool))

    def rows(self, index: int) -> Codes:
        """Positions in the book of the invoices of one entity night."""
        return self.order[self.begin[index] : self.begin[index + 1]]

    def earlier(self, index: int) -> FloatArray:
        """The entity's counts in the nights before."""
        before = slice(self.first[index], index)
        return self.count[before][~self.loaded[before]]

    def surprise(self) -> FloatArray:
        """How surprising the count of each entity night is, in nats; 0.0 where it is not judged."""
        found = np.zeros(len(self.count))
        further = self.count - 1.0  # a night is one of the entity's because of its first invoice
        nights, total, squares = (self._before(values) for values in (np.ones(len(found)), further, further**2))
        usual, between, within = self._book(further, nights, total, squares)
        shape_of_mean = between + total
        mean = shape_of_mean / (between / np.maximum(usual, 1e-9) + nights)
        # In a night that holds a quarter, every entity has more.
        mean = (mean + 1.0) * self._busier(mean + 1.0) - 1.0
        own_mean = total / np.maximum(nights, 1.0)
        extra = np.maximum(squares / np.maximum(nights, 1.0) - own_mean**2 - own_mean, 0.0)
        variation = extra / np.maximum(own_mean, 0.25) ** 2
        varies = (nights * variation + OWN_NIGHTS / within) / (nights + OWN_NIGHTS) + 1.0 / shape_of_mean
        judged = (self.count >= FEWEST) & ~self.loaded & (further > mean) & self._learned()
        found[judged] = negative_binomial_surprise(
            further[judged], np.maximum(mean[judged], 1e-6), np.maximum(1.0 / varies[judged], SMALLEST_SHAPE)
        )
        # What the entity had before is at most as rare as one night of all those.
        seen = self.count <= self._largest_before()
        return np.where(seen, np.minimum(found, np.log(nights + 1.0)), found)

    def _before(self, values: FloatArray) -> FloatArray:
        """Sum over the entity's earlier nights that were no history loaded at once."""
        counted = np.where(self.loaded, 0.0, values)
        running = np.cumsum(counted) - counted
        total: FloatArray = running - running[self.first]
        return total

    def _book(
        self, further: FloatArray, nights: FloatArray, total: FloatArray, squares: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Of all entities up to the night before: mean count beyond one, and the shapes between and within entities."""
        counts = _up_to_night(self.night, np.where(self.loaded, 0.0, 1.0))
        mean = (_up_to_night(self.night, np.where(self.loaded, 0.0, further)) + 0.5) / (counts + 1.0)
        second = (_up_to_night(self.night, np.where(self.loaded, 0.0, further**2)) + 1.0) / (counts + 1.0)
        between = np.clip(mean**2 / np.maximum(second - mean**2 - mean, 1e-9), SMALLEST_SHAPE, LARGEST_SHAPE)
        # Each night against the mean of the entity's nights before it.
        several = ~self.loaded & (nights >= 2)
        own = total / np.maximum(nights, 1.0)
        off = (further - own) ** 2 * nights / (nights + 1.0) - own
        level = _up_to_night(self.night, np.where(several, own**2, 0.0)) + 1.0
        within = level / np.maximum(_up_to_night(self.night, np.where(several, off, 0.0)) + 1.0, 1e-9)
        return mean, between, np.clip(within, SMALLEST_SHAPE, LARGEST_SHAPE)

    def _learned(self) -> Mask:
        return _up_to_night(self.night, np.where(self.loaded, 0.0, 1.0)) >= LEARNED

    def _busier(self, expected: FloatArray) -> FloatArray:
        """How many times the expected all other entities of the night have; at least 1.

        expected: invoices of each entity in a night in which it has any. Entities without invoices that night do not
        count: in the pipeline they are not in the book.
        """
        counted = ~self.loaded
        others, usual = (
            np.bincount(self.night, values * counted)[self.night] - values * counted
            for values in (self.count, expected)
        )
        factor: FloatArray = np.maximum((others + OTHERS) / (usual + OTHERS), 1.0)
        return factor

    def _largest_before(self) -> FloatArray:
        counted = np.where(self.loaded, 0.0, self.count)
        # Lifted by entity, so that one running maximum serves all of them.
        lift = group(self.entity) * (counted.max(initial=0.0) + 1.0)
        running = np.maximum.accumulate(counted + lift)
        largest = np.zeros(len(counted))
        largest[1:] = running[:-1] - lift[1:]
        return np.maximum(np.where(self.first == np.arange(len(counted)), 0.0, largest), 0.0)


def _up_to_night(night: Codes, values: FloatArray) -> FloatArray:
    """Sum over all nights before the own one; shape (entity nights,)."""
    by_night: FloatArray = np.bincount(night, values).astype(float)
    total: FloatArray = (np.cumsum(by_night) - by_night)[night]
    return total
