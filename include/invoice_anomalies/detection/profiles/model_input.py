"""Encoded invoices: what the network reads of them, and what its outputs are judged by."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from invoice_anomalies.detection.features.features import Codes, FloatArray
from invoice_anomalies.detection.profiles.vendor_profiles import NumericPast


@dataclass(frozen=True)
class LevelPast:
    """A categorical aspect of the invoices in question: codes, the past's distribution, and rarity within `other`.

    Invoices share a past, so that there is one distribution a past, shape (pasts, levels); `of`: which one is whose.
    """

    codes: Codes
    of: Codes
    by_past: FloatArray
    rarity: FloatArray

    @property
    def shares(self) -> FloatArray:
        """The distribution of each invoice's past, shape (rows, levels)."""
        return self.by_past[self.of]

    def take(self, rows: Any) -> "LevelPast":
        return LevelPast(self.codes[rows], self.of[rows], self.by_past, self.rarity[rows])

    def followed_by(self, other: "LevelPast") -> "LevelPast":
        return LevelPast(
            np.concatenate([self.codes, other.codes]),
            np.concatenate([self.of, other.of + len(self.by_past)]),
            np.concatenate([self.by_past, other.by_past]),
            np.concatenate([self.rarity, other.rarity]),
        )


@dataclass(frozen=True)
class Encoded:
    """What the network reads, shape (rows, inputs), and what its outputs are judged by; `past`: which one is whose."""

    inputs: npt.NDArray[np.float32]
    past: Codes
    numbers: dict[str, NumericPast]
    observed: dict[str, FloatArray]
    levels: dict[str, LevelPast]
    history_rows: FloatArray

    def standardised(self, name: str) -> FloatArray:
        """A numeric aspect in units of the entity's own past, NaN where not measured; shape (rows,)."""
        past = self.numbers[name]
        return (self.observed[name] - past.location) / past.scale

    def spread(self, name: str) -> FloatArray:
        """How spread an aspect's past is, shape (rows,): its scale, or the share of all but its usual level."""
        if name in self.numbers:
            return self.numbers[name].scale
        levels = self.levels[name]
        spread: FloatArray = (1.0 - levels.by_past.max(axis=1))[levels.of]
        return spread

    def take(self, rows: Any) -> "Encoded":
        """The same for some of the rows (positions or a slice)."""
        return Encoded(
            self.inputs[rows],
            self.past[rows],
            {name: NumericPast(past.location[rows], past.scale[rows]) for name, past in self.numbers.items()},
            {name: values[rows] for name, values in self.observed.items()},
            {name: past.take(rows) for name, past in self.levels.items()},
            self.history_rows[rows],
        )

    def followed_by(self, other: "Encoded") -> "Encoded":
        """These rows and then the other ones."""

        def join(first: Any, second: Any) -> Any:
            return np.concatenate([first, second])

        numbers, levels = self.numbers, self.levels
        return Encoded(
            join(self.inputs, other.inputs),
            join(self.past, other.past + self.past.max(initial=-1) + 1),
            {
                n: NumericPast(join(p.location, other.numbers[n].location), join(p.scale, other.numbers[n].scale))
                for n, p in numbers.items()
            },
            {name: join(values, other.observed[name]) for name, values in self.observed.items()},
            {name: past.followed_by(other.levels[name]) for name, past in levels.items()},
            join(self.history_rows, other.history_rows),
        )

    def blocks(self, rows: int) -> Iterator["Encoded"]:
        """The same in consecutive blocks of at most so many rows."""
        for start in range(0, len(self.inputs), rows):
            yield self.take(slice(start, start + rows))
