"""Input of the model: what the network reads of invoices, and what its reconstructions are compared with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from invoice_anomalies.detection.features.features import Codes, FloatArray
from invoice_anomalies.detection.profiles.vendor_profiles import NumericProfile


@dataclass(frozen=True)
class CategoryProfile:
    """A categorical feature of some rows, and what their histories expect of it.

    codes: the category of each row, shape (rows,); history_of: the history of each row, shape (rows,); by_history:
    expected share of each category, shape (histories, categories); rarity: surprisal within `other` in nats, (rows,).
    """

    codes: Codes
    history_of: Codes
    by_history: FloatArray
    rarity: FloatArray

    @property
    def shares(self) -> FloatArray:
        """Expected share of each category by each row's history, shape (rows, categories)."""
        return self.by_history[self.history_of]

    def take(self, rows: Any) -> "CategoryProfile":
        """The profile of some rows (positions or a slice)."""
        return CategoryProfile(self.codes[rows], self.history_of[rows], self.by_history, self.rarity[rows])

    def concat(self, other: "CategoryProfile") -> "CategoryProfile":
        """These rows and then the rows of another profile."""
        return CategoryProfile(
            np.concatenate([self.codes, other.codes]),
            np.concatenate([self.history_of, other.history_of + len(self.by_history)]),
            np.concatenate([self.by_history, other.by_history]),
            np.concatenate([self.rarity, other.rarity]),
        )


@dataclass(frozen=True)
class ModelInput:
    """Inputs of the network, shape (rows, inputs), and the targets of its loss.

    history_of: the history that a row shares with its siblings, shape (rows,). numeric, categorical: profiles by
    feature name. observed: values of the numeric features on the model's scale, shape (rows,) each, NaN where not
    measured. history_rows: invoices in the history of each row, shape (rows,).
    """

    inputs: npt.NDArray[np.float32]
    history_of: Codes
    numeric: dict[str, NumericProfile]
    observed: dict[str, FloatArray]
    categorical: dict[str, CategoryProfile]
    history_rows: FloatArray

    def standardised(self, name: str) -> FloatArray:
        """A numeric feature in scales of its history profile, NaN where not measured; shape (rows,)."""
        profile = self.numeric[name]
        return (self.observed[name] - profile.location) / profile.scale

    def dispersion(self, name: str) -> FloatArray:
        """Dispersion of a feature in each row's history, shape (rows,): scale, or 1 - share of the usual category."""
        if name in self.numeric:
            return self.numeric[name].scale
        profile = self.categorical[name]
        dispersion: FloatArray = (1.0 - profile.by_history.max(axis=1))[profile.history_of]
        return dispersion

    def take(self, rows: Any) -> "ModelInput":
        """The input of some rows (positions or a slice)."""
        return ModelInput(
            self.inputs[rows],
            self.history_of[rows],
            {name: NumericProfile(of.location[rows], of.scale[rows]) for name, of in self.numeric.items()},
            {name: values[rows] for name, values in self.observed.items()},
            {name: profile.take(rows) for name, profile in self.categorical.items()},
            self.history_rows[rows],
        )

    def concat(self, other: "ModelInput") -> "ModelInput":
        """These rows and then the rows of another input."""

        def join(first: Any, second: Any) -> Any:
            return np.concatenate([first, second])

        numeric, added = self.numeric, other.numeric
        return ModelInput(
            join(self.inputs, other.inputs),
            join(self.history_of, other.history_of + self.history_of.max(initial=-1) + 1),
            {
                name: NumericProfile(join(of.location, added[name].location), join(of.scale, added[name].scale))
                for name, of in numeric.items()
            },
            {name: join(values, other.observed[name]) for name, values in self.observed.items()},
            {name: profile.concat(other.categorical[name]) for name, profile in self.categorical.items()},
            join(self.history_rows, other.history_rows),
        )

    def blocks(self, rows: int) -> Iterator["ModelInput"]:
        """Consecutive blocks of at most so many rows."""
        for start in range(0, len(self.inputs), rows):
            yield self.take(slice(start, start + rows))
