"""Counts over the population and over each entity: the rates of an entity, and the rates that they are shrunk to.

Counts are taken by class of invoice (as large an entity, as long a number, as round an amount). In training and in an
audit they run: for each row, up to the end of its night. In scoring, those of the population are the totals of the fit:
the rows of one chunk say little of the population.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from invoice_anomalies.detection.checks.base import Arrays
from invoice_anomalies.detection.checks.duplicates.candidates import CandidateInvoices
from invoice_anomalies.detection.checks.timeline import GroupedRunningSums, Mask
from invoice_anomalies.detection.features.features import Codes, FloatArray

ROUND = (1, 5, 10, 100)
"""Units of the currency: the more of these an amount is a multiple of, the more common it is."""
LONGEST_NUMBER = 12  # characters; longer numbers are one class, since few are as long
LARGEST_SIZE = 12  # of an entity, by powers of two of its invoices

Classes = dict[str, Codes]
"""Codes of the class of each row, by name of the classification, shape (rows,) each; the same in every frame."""


class PopulationCount(NamedTuple):
    """A count that is taken over the population: its name, the classification, and the value of each row, (rows,)."""

    name: str
    by: str
    values: FloatArray | Mask

    def total(self, classes: Classes) -> FloatArray:
        """Sum over each class, shape (classes,)."""
        return np.bincount(classes[self.by], self.values, 1).astype(float)


class Population(Protocol):
    """Counts over the population, by class. includes_query: whether the query rows are among those counted."""

    @property
    def includes_query(self) -> bool: ...

    def sum_up_to(self, count: PopulationCount, at: Codes | None = None) -> FloatArray:
        """The count in the class of each row, or of the rows at `at`, shape (rows,) or (at,)."""
        ...


class PopulationRates:
    """The population in training: for each row, the rows of its class up to the end of its night, without itself."""

    includes_query = True

    def __init__(self, classes: Classes, night: Codes) -> None:
        """classes, night: shape (rows,) each, in the order of a Timeline."""
        self._sums = {by: GroupedRunningSums(codes, night) for by, codes in classes.items()}

    def sum_up_to(self, count: PopulationCount, at: Codes | None = None) -> FloatArray:
        """The count up to each row's night, without the row itself, shape (rows,), or (at,) for the rows at `at`."""
        return self._sums[count.by].sum_up_to(count.values, slice(None) if at is None else at)


@dataclass(frozen=True)
class VendorRates:
    """The population in scoring: the totals of the fit, by "classification/name", shape (classes,) each."""

    classes: Classes
    totals: Arrays
    includes_query: bool = False

    def sum_up_to(self, count: PopulationCount, at: Codes | None = None) -> FloatArray:
        """The total of the fit in each row's class, 0.0 without rows; shape (rows,), or (at,) for the rows at `at`."""
        totals = self.totals[f"{count.by}/{count.name}"]
        codes = self.classes[count.by]
        codes = codes if at is None else codes[at]
        return np.where(codes < len(totals), totals[np.minimum(codes, len(totals) - 1)], 0.0)


@dataclass(frozen=True)
class RunningCounts:
    """Running sums over each entity, and counts over the population.

    entity_rows, population_rows: other invoices of the entity and of the population, shape (rows,).
    """

    classes: Classes
    entity: GroupedRunningSums
    population: Population
    entity_rows: FloatArray
    population_rows: FloatArray

    @classmethod
    def of_candidates(cls, candidates: CandidateInvoices, totals: Arrays | None = None) -> "RunningCounts":
        """Count over the candidates; totals: of the fit, which stand for the population in scoring."""
        entity = GroupedRunningSums(candidates.entity, candidates.night)
        rows = entity.count_up_to()
        classes = _classes(candidates, rows)
        population = VendorRates(classes, totals) if totals else PopulationRates(classes, candidates.night)
        return cls(classes, entity, population, rows, population.sum_up_to(invoice_count(candidates)))


def invoice_count(candidates: CandidateInvoices, by: str = "all") -> PopulationCount:
    """The count of the invoices themselves."""
    return PopulationCount("invoices", by, np.ones(candidates.rows))


def _classes(candidates: CandidateInvoices, entity_rows: FloatArray) -> Classes:
    """Classify by roundness, by size of the entity and by length of the number; entity_rows: shape (rows,)."""
    size = np.minimum(np.log2(entity_rows + 1.0), LARGEST_SIZE).astype(np.int64)
    length = np.minimum(candidates.numbers.length[candidates.number], LONGEST_NUMBER)
    roundness: Codes = np.sum([candidates.cents % (100 * size) == 0 for size in ROUND], axis=0, dtype=np.int64)
    return {
        "all": np.zeros(candidates.rows, dtype=np.int64),
        "roundness": roundness,
        "roundness and size": roundness * (LARGEST_SIZE + 1) + size,
        "length and size": length * (LARGEST_SIZE + 1) + size,
    }
