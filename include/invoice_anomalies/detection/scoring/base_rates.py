"""How often an entity was odd before: what is rare among all invoices may be this entity's habit.

An error says how rare a deviation is among invoices with a history as long and as spread. Entities differ still: one
gets its amounts from a price list with two prices, one numbers its invoices as it likes, one had forty invoices dated
on the same Saturday. So the share is taken as a rate that varies between entities (a Gamma prior, Poisson counts:
Robbins 1956; Gelman et al., Bayesian Data Analysis, ch. 2.6) and brought up to date with the entity's own invoices:
those of the training window, and the others of the same night.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.detection.features.features import Codes, Column, FloatArray
from invoice_anomalies.detection.profiles.history_index import Entities

LEVELS = np.arange(1.0, 6.5, 0.5)  # errors from which odd invoices are counted
PRIOR_ODD = 0.5  # odd invoices that the share among all entities is worth


def tempered(errors: FloatArray, rows: FloatArray, odd: FloatArray) -> FloatArray:
    """Bring errors up to date with the entity's own record: a habit is less of a surprise, a break with one is more.

    errors: shape (rows, fields); rows: other invoices of the entity, shape (rows,); odd: those of them at least as far
    off in the field, shape (rows, fields). Returns errors, shape (rows, fields).
    """
    share = (PRIOR_ODD + odd) / (PRIOR_ODD * np.power(10.0, errors) + rows[:, None])
    tempered: FloatArray = np.where(errors >= LEVELS[0], -np.log10(np.minimum(share, 1.0)), errors)
    return tempered


def count_siblings(errors: FloatArray, entities: Entities) -> tuple[FloatArray, FloatArray]:
    """Count the other invoices of the same entity and night: all, and those at least as far off, field by field."""
    batch = entities.batch
    batches = int(batch.max(initial=-1)) + 1

    def by_level(level: Codes) -> FloatArray:
        cells = np.bincount(batch * (len(LEVELS) + 1) + level, minlength=batches * (len(LEVELS) + 1))
        return cells.reshape(batches, len(LEVELS) + 1).astype(float)

    odd = _count(errors, by_level, batch)
    others = np.where((errors >= LEVELS[0]) & ~entities.at_once[:, None], odd - 1.0, 0.0)
    return entities.siblings(np.ones(len(errors))), others


def count_past(errors: FloatArray, entities: Entities) -> tuple[FloatArray, FloatArray]:
    """The same for the past of training invoices, whose errors are known."""
    past = entities.past
    return entities.rows(), _count(errors, lambda level: past.by_level(level, len(LEVELS) + 1), past.of)


def count_asked(errors: FloatArray, entities: Entities) -> tuple[FloatArray, FloatArray]:
    """The same for the invoices in question of earlier nights."""
    past, history = entities.past, np.zeros(len(entities.known) - len(errors), dtype=np.intp)
    asked = entities.total(np.concatenate([history, np.ones(len(errors))]))
    everything = len(LEVELS) + 1

    def by_level(level: Codes) -> FloatArray:
        return past.by_level(np.concatenate([history, level]), everything)

    return asked, _count(errors, by_level, past.of)


def _count(errors: FloatArray, by_level: Callable[[Codes], FloatArray], group: Codes) -> FloatArray:
    """Count, field by field, the invoices of a group that reach the highest of LEVELS that an invoice reaches.

    by_level: from how many levels each invoice reaches, shape (rows,), to how many of each group reach so many, shape
    (groups, levels + 1). group: that of each invoice. Returns shape (rows, fields); 0.0 where no level is reached.
    """
    odd = np.zeros(errors.shape)
    for index in range(errors.shape[1]):
        level = np.searchsorted(LEVELS, errors[:, index], side="right")
        rows = np.flatnonzero(level)
        if len(rows):
            at_least = np.cumsum(by_level(level)[:, ::-1], axis=1)[:, ::-1]
            odd[rows, index] = at_least[group[rows], level[rows]]
    return odd


@dataclass(frozen=True)
class Records:
    """Of each entity in training: its invoices, and how many of them reached each level, field by field.

    entities: names, ascending; rows: shape (entities,); odd: shape (entities, fields, levels).
    """

    entities: npt.NDArray[Any]
    rows: FloatArray
    odd: npt.NDArray[np.float32]

    @classmethod
    def of(cls, names: Column, errors: FloatArray) -> "Records":
        """names: shape (rows,); errors: shape (rows, fields), of the training invoices."""
        codes, entities = pd.factorize(names, sort=True)
        odd = np.zeros((len(entities), errors.shape[1], len(LEVELS)), dtype=np.float32)
        for index in range(errors.shape[1]):
            for place, level in enumerate(LEVELS):
                odd[:, index, place] = np.bincount(codes[errors[:, index] >= level], minlength=len(entities))
        return cls(entities, np.bincount(codes, minlength=len(entities)).astype(float), odd)

    def look_up(self, names: Column, errors: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Count the entity's training invoices: all, shape (rows,), and those at least as far off, (rows, fields)."""
        place = pd.Index(self.entities).get_indexer(pd.Index(names))
        known = place >= 0
        rows = np.where(known, self.rows[place] if len(self.rows) else 0.0, 0.0)
        odd = np.zeros(errors.shape)
        level = np.searchsorted(LEVELS, errors, side="right") - 1
        asked, fields = np.nonzero((level >= 0) & known[:, None])
        odd[asked, fields] = self.odd[place[asked], fields, level[asked, fields]]
        return rows, odd

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Flatten to arrays for an npz file; names as their UTF-8 bytes, end to end."""
        encoded = [str(name).encode() for name in self.entities]
        return {
            "names": np.frombuffer(b"".join(encoded), dtype=np.uint8),
            "ends": np.cumsum([len(name) for name in encoded], dtype=np.int64),
            "rows": self.rows,
            "odd": self.odd,
        }

    @classmethod
    def from_arrays(cls, named: dict[str, npt.NDArray[Any]]) -> "Records":
        text, ends = named["names"].tobytes(), named["ends"].tolist()
        names = [text[begin:end].decode() for begin, end in zip([0, *ends], ends, strict=False)]
        return cls(np.array(names, dtype=object), named["rows"], named["odd"])
