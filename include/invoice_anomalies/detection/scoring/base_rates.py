"""Base rates: how often an entity exceeds; a deviation that is rare among all invoices may be this entity's habit.

A field score says how rare a deviation is among invoices with a history as long and as dispersed. Entities differ
still: one gets its amounts from a price list with two prices, one numbers its invoices as it likes, one had forty
invoices dated on the same Saturday. So the share is taken as a rate that varies between entities (a Gamma prior,
Poisson counts: Robbins 1956; Gelman et al., Bayesian Data Analysis, ch. 2.6) and brought up to date with the entity's
own invoices: those of the training window, those of the nights since, and the others of the same night.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.detection.features.features import Codes, Column, FloatArray
from invoice_anomalies.detection.profiles.history_index import HistoryIndex

EXCEEDANCE_LEVELS = np.arange(1.0, 6.5, 0.5)  # field scores at which exceedances are counted
PRIOR_EXCEEDANCES = 0.5  # exceedances that the share among all entities is worth


class Exceedances(NamedTuple):
    """Other invoices of the entity, shape (rows,), and those at least as far off in each field, (rows, fields)."""

    rows: FloatArray
    exceedances: FloatArray

    def plus(self, other: "Exceedances") -> "Exceedances":
        """Both counts together."""
        return Exceedances(self.rows + other.rows, self.exceedances + other.exceedances)


def shrink_to_vendor_rate(errors: FloatArray, counts: Exceedances) -> FloatArray:
    """Field scores brought up to date with the entity's own rate, shape (rows, fields).

    A habit is less of a surprise, a break with a habit is more. errors: calibrated field scores, shape (rows, fields).
    """
    share = (PRIOR_EXCEEDANCES + counts.exceedances) / (
        PRIOR_EXCEEDANCES * np.power(10.0, errors) + counts.rows[:, None]
    )
    shrunk: FloatArray = np.where(errors >= EXCEEDANCE_LEVELS[0], -np.log10(np.minimum(share, 1.0)), errors)
    return shrunk


def same_night_exceedances(errors: FloatArray, index: HistoryIndex) -> Exceedances:
    """Counts among the other query rows of the same entity and night. errors: shape (query, fields)."""
    group, levels = index.entity_night, len(EXCEEDANCE_LEVELS) + 1
    groups = int(group.max(initial=-1)) + 1

    def by_level(level: Codes) -> FloatArray:
        return np.bincount(group * levels + level, minlength=groups * levels).reshape(groups, levels).astype(float)

    counted = _count(errors, by_level, group)
    others = np.where((errors >= EXCEEDANCE_LEVELS[0]) & ~index.cross_fitted[:, None], counted - 1.0, 0.0)
    return Exceedances(index.same_night(np.ones(len(errors))), others)


def history_exceedances(errors: FloatArray, index: HistoryIndex) -> Exceedances:
    """Counts among the query rows in the history of each row. errors: shape (query, fields).

    The last reference rows are the query rows themselves, of which a history holds those of earlier nights; reference
    rows before them have no field scores here and do not count. Zero where all query rows are of one night.
    """
    if not index.holds_query:
        return Exceedances(np.zeros(len(errors)), np.zeros(errors.shape))
    ranges, unscored = index.ranges, np.zeros(len(index.reference) - len(errors), dtype=np.intp)

    def by_level(level: Codes) -> FloatArray:
        return ranges.by_category(np.concatenate([unscored, level]), len(EXCEEDANCE_LEVELS) + 1)

    rows = index.total(np.concatenate([unscored, np.ones(len(errors))]))
    return Exceedances(rows, _count(errors, by_level, ranges.history_of))


def _count(errors: FloatArray, by_level: Callable[[Codes], FloatArray], group: Codes) -> FloatArray:
    """For each row and field, the rows of its group whose error is at least this row's, rounded down to a level.

    `by_level` maps level indices, shape (rows,), to counts, shape (groups, levels + 1). group: that of each row, shape
    (rows,). Returns shape (rows, fields); 0.0 where no level is reached.
    """
    exceedances = np.zeros(errors.shape)
    for field in range(errors.shape[1]):
        level = np.searchsorted(EXCEEDANCE_LEVELS, errors[:, field], side="right")
        rows = np.flatnonzero(level)
        if len(rows):
            at_least = np.cumsum(by_level(level)[:, ::-1], axis=1)[:, ::-1]
            exceedances[rows, field] = at_least[group[rows], level[rows]]
    return exceedances


@dataclass(frozen=True)
class BaseRates:
    """Training invoices of each entity, and how many of them reached each level in each field.

    entities: names, ascending; rows: shape (entities,); exceedances: shape (entities, fields, levels).
    """

    entities: npt.NDArray[Any]
    rows: FloatArray
    exceedances: npt.NDArray[np.float32]

    @classmethod
    def fit(cls, names: Column, errors: FloatArray) -> "BaseRates":
        """Count the training invoices. names: shape (rows,); errors: field scores, shape (rows, fields)."""
        codes, entities = pd.factorize(names, sort=True)
        counts = np.zeros((len(entities), errors.shape[1], len(EXCEEDANCE_LEVELS)), dtype=np.float32)
        for field in range(errors.shape[1]):
            for index, level in enumerate(EXCEEDANCE_LEVELS):
                counts[:, field, index] = np.bincount(codes[errors[:, field] >= level], minlength=len(entities))
        return cls(entities, np.bincount(codes, minlength=len(entities)).astype(float), counts)

    def look_up(self, names: Column, errors: FloatArray) -> Exceedances:
        """Counts among the training invoices of each row's entity. names: shape (rows,); errors: (rows, fields)."""
        position = pd.Index(self.entities).get_indexer(pd.Index(names))
        trained = position >= 0
        rows = np.where(trained, self.rows[position] if len(self.rows) else 0.0, 0.0)
        exceedances = np.zeros(errors.shape)
        level = np.searchsorted(EXCEEDANCE_LEVELS, errors, side="right") - 1
        reaching, fields = np.nonzero((level >= 0) & trained[:, None])
        exceedances[reaching, fields] = self.exceedances[position[reaching], fields, level[reaching, fields]]
        return Exceedances(rows, exceedances)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Flatten to arrays for an npz file; names as their UTF-8 bytes, end to end."""
        encoded = [str(name).encode() for name in self.entities]
        return {
            "names": np.frombuffer(b"".join(encoded), dtype=np.uint8),
            "ends": np.cumsum([len(name) for name in encoded], dtype=np.int64),
            "rows": self.rows,
            "odd": self.exceedances,
        }

    @classmethod
    def from_arrays(cls, named: dict[str, npt.NDArray[Any]]) -> "BaseRates":
        """The rates that `to_arrays` flattened; shapes as above."""
        text, ends = named["names"].tobytes(), named["ends"].tolist()
        names = [text[begin:end].decode() for begin, end in zip([0, *ends], ends, strict=False)]
        return cls(np.array(names, dtype=object), named["rows"], named["odd"])
