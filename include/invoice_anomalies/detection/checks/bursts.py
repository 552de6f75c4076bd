"""Far more invoices of an entity in one night than its nights had before.

Counts are taken as Poisson around a rate that varies from night to night (negative binomial), with the entity's own
mean and variation, shrunk to those of all entities where its nights are few.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.base import CheckResult, NoState, StatelessCheck
from invoice_anomalies.detection.checks.surprise import negative_binomial_surprise
from invoice_anomalies.detection.checks.timeline import Mask, Timeline, group
from invoice_anomalies.detection.features.features import Codes, FloatArray
from invoice_anomalies.detection.profiles.history_index import BULK_SHARE

FEWEST = 5
"""Invoices that make a burst."""
FEWEST_NATS = 3.0
"""Nats from which more invoices than usual are worth a word: one night in twenty."""
MOST_RELATED = 20  # invoices of the night that are kept for the explanation, the largest first
FEWEST_NIGHTS = 50
"""Nights of entities that there must be before they say what a night is."""
OWN_NIGHTS = 5.0  # nights of the entity that the population's variation between nights is worth
OTHERS = 5.0  # invoices of others, as many as expected, that stand behind a night with few of them
# Dispersion (shape) of the negative binomial of an entity's counts; bounds that keep it finite, see make
# bench-sensitivity.
SMALLEST_DISPERSION = 0.05
LARGEST_DISPERSION = 100.0
USUAL = (0.05, 0.95)  # quantiles of the earlier nights' counts that are told as usual


@dataclass(frozen=True)
class Bursts(StatelessCheck):
    """Nights in which an entity has far more invoices than usual; one finding a night, on its largest invoice.

    field: the scored field that takes the blame.
    """

    contract: Contract
    field: str
    name: str = "burst"
    of_nights: bool = True

    def find(self, invoices: pd.DataFrame, rows: Codes, state: NoState | None = None) -> CheckResult:
        """Check the nights of the query rows, positions of shape (query,), as `Check.find` says.

        Related invoices are the night's others, the largest amounts first.
        """
        result = CheckResult.empty(len(rows))
        details: dict[str, FloatArray] = {name: np.zeros(len(rows)) for name in ("count", "low", "high", "nights")}
        if not len(invoices):
            return result
        nights = EntityNights.from_frame(invoices, self.contract)
        surprise = nights.surprise()
        query_row = np.full(len(invoices), -1, dtype=np.intp)
        query_row[rows] = np.arange(len(rows))
        size = _sizes(invoices, self.contract)
        for index in np.flatnonzero(surprise >= FEWEST_NATS):
            of_night = nights.rows(int(index))
            of_night = of_night[np.lexsort([of_night, -size[of_night]])]
            row = query_row[of_night[0]]
            if row < 0:
                continue
            result.surprisal[row] = surprise[index]
            result.related_invoices[row] = of_night[1 : MOST_RELATED + 1]
            usual = nights.earlier(int(index))
            details["count"][row], details["nights"][row] = len(of_night), len(usual)
            if len(usual):
                details["low"][row], details["high"][row] = np.quantile(usual, USUAL, method="nearest")
        return CheckResult(result.surprisal, result.related_invoices, details)


def _sizes(invoices: pd.DataFrame, contract: Contract) -> FloatArray:
    """Absolute amounts in their currency, 0.0 without one; shape (rows,)."""
    if contract.amount is None:
        return np.zeros(len(invoices))
    sizes: FloatArray = np.nan_to_num(np.abs(invoices[contract.amount].to_numpy(float, na_value=np.nan)))
    return sizes


@dataclass(frozen=True)
class EntityNights:
    """The nights in which entities had invoices, by entity and night; shape (entity nights,) but for the first two.

    order: positions in the frame, shape (invoices,); begin: shape (entity nights + 1,): the invoices of entity night i
    are order[begin[i] : begin[i + 1]]. entity, night: codes, nights ascend. count: invoices. first: index of the
    entity's first night. bulk: a bulk history, which says nothing about nights.
    """

    order: Codes
    begin: Codes
    entity: Codes
    night: Codes
    count: FloatArray
    first: Codes
    bulk: Mask

    @classmethod
    def from_frame(cls, invoices: pd.DataFrame, contract: Contract) -> "EntityNights":
        assert contract.entity is not None
        timeline = Timeline.of(invoices, contract)
        entity = pd.factorize(invoices[contract.entity])[0][timeline.order]
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
        # Invoices of the night, of the invoices up to it and of the entity up to it.
        in_night = np.bincount(night, count) if len(night) else np.zeros(0)
        up_to_night = np.cumsum(in_night)[night]
        running = np.cumsum(count)
        own = running - (running - count)[first]
        others, others_total = in_night[night] - count, up_to_night - own
        share = np.divide(others, others_total, out=np.ones(len(count)), where=others_total > 0)
        # Without any other entity, only the first night may be a history.
        bulk = np.where(others_total > 0, share > BULK_SHARE, first == np.arange(len(count)))
        return cls(position, begin, entity, night, count, first, bulk.astype(bool))

    def rows(self, index: int) -> Codes:
        """Positions in the frame of the invoices of one entity night, shape (its invoices,)."""
        return self.order[self.begin[index] : self.begin[index + 1]]

    def earlier(self, index: int) -> FloatArray:
        """Invoices of the entity in each of its nights before, without bulk histories; shape (earlier nights,)."""
        before = slice(self.first[index], index)
        return self.count[before][~self.bulk[before]]

    def surprise(self) -> FloatArray:
        """Surprise at the count of each entity night, in nats, 0.0 where none is scored; shape (entity nights,)."""
        found = np.zeros(len(self.count))
        further = self.count - 1.0  # a night is one of the entity's because of its first invoice
        nights, total, squares = (self._before(values) for values in (np.ones(len(found)), further, further**2))
        usual, between, within = self._population(further, nights, total, squares)
        dispersion_of_mean = between + total
        mean = dispersion_of_mean / (between / np.maximum(usual, 1e-9) + nights)
        # In a night that holds a quarter, every entity has more.
        mean = (mean + 1.0) * self._busier(mean + 1.0) - 1.0
        own_mean = total / np.maximum(nights, 1.0)
        extra = np.maximum(squares / np.maximum(nights, 1.0) - own_mean**2 - own_mean, 0.0)
        variation = extra / np.maximum(own_mean, 0.25) ** 2
        varies = (nights * variation + OWN_NIGHTS / within) / (nights + OWN_NIGHTS) + 1.0 / dispersion_of_mean
        scored = (self.count >= FEWEST) & ~self.bulk & (further > mean) & self._enough_nights()
        found[scored] = negative_binomial_surprise(
            further[scored], np.maximum(mean[scored], 1e-6), np.maximum(1.0 / varies[scored], SMALLEST_DISPERSION)
        )
        # A count that the entity had before is at most as rare as one night of all those.
        seen = self.count <= self._largest_before()
        return np.where(seen, np.minimum(found, np.log(nights + 1.0)), found)

    def _before(self, values: FloatArray) -> FloatArray:
        """Sum over the entity's earlier nights that were no bulk histories; values: (entity nights,), so is the sum."""
        counted = np.where(self.bulk, 0.0, values)
        running = np.cumsum(counted) - counted
        total: FloatArray = running - running[self.first]
        return total

    def _population(
        self, further: FloatArray, nights: FloatArray, total: FloatArray, squares: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rates of all entities up to the night before: mean count beyond 1, dispersion between and within entities.

        further, nights, total, squares: shape (entity nights,), in invoices; so are the three that are returned.
        """
        counts = _up_to_night(self.night, np.where(self.bulk, 0.0, 1.0))
        mean = (_up_to_night(self.night, np.where(self.bulk, 0.0, further)) + 0.5) / (counts + 1.0)
        second = (_up_to_night(self.night, np.where(self.bulk, 0.0, further**2)) + 1.0) / (counts + 1.0)
        between = np.clip(mean**2 / np.maximum(second - mean**2 - mean, 1e-9), SMALLEST_DISPERSION, LARGEST_DISPERSION)
        # Each night against the mean of the entity's nights before it.
        several = ~self.bulk & (nights >= 2)
        own = total / np.maximum(nights, 1.0)
        off = (further - own) ** 2 * nights / (nights + 1.0) - own
        level = _up_to_night(self.night, np.where(several, own**2, 0.0)) + 1.0
        within = level / np.maximum(_up_to_night(self.night, np.where(several, off, 0.0)) + 1.0, 1e-9)
        return mean, between, np.clip(within, SMALLEST_DISPERSION, LARGEST_DISPERSION)

    def _enough_nights(self) -> Mask:
        """Whether enough entity nights came before to say what a night is; shape (entity nights,)."""
        return _up_to_night(self.night, np.where(self.bulk, 0.0, 1.0)) >= FEWEST_NIGHTS

    def _busier(self, expected: FloatArray) -> FloatArray:
        """Factor by which all other entities of the night have more than expected, at least 1; shape (entity nights,).

        expected: invoices of each entity in a night in which it has any, shape (entity nights,). Entities without
        invoices that night do not count: in the pipeline they have no rows.
        """
        counted = ~self.bulk
        others, usual = (
            np.bincount(self.night, values * counted)[self.night] - values * counted
            for values in (self.count, expected)
        )
        factor: FloatArray = np.maximum((others + OTHERS) / (usual + OTHERS), 1.0)
        return factor

    def _largest_before(self) -> FloatArray:
        """Invoices in the largest of the entity's nights before, 0.0 for its first; shape (entity nights,)."""
        counted = np.where(self.bulk, 0.0, self.count)
        # Lifted by entity, so that one running maximum serves all of them.
        lift = group(self.entity) * (counted.max(initial=0.0) + 1.0)
        running = np.maximum.accumulate(counted + lift)
        largest = np.zeros(len(counted))
        largest[1:] = running[:-1] - lift[1:]
        return np.maximum(np.where(self.first == np.arange(len(counted)), 0.0, largest), 0.0)


def _up_to_night(night: Codes, values: FloatArray) -> FloatArray:
    """Sum of the values over all nights before the own one; night, values, sum: shape (entity nights,)."""
    by_night: FloatArray = np.bincount(night, values).astype(float)
    total: FloatArray = (np.cumsum(by_night) - by_night)[night]
    return total
