"""The interface of a check of several invoices together, and its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from invoice_anomalies.detection.features.features import Codes, FloatArray

Arrays = Mapping[str, FloatArray]
"""The state of a check as it is stored: arrays by name."""
NOTHING: Codes = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True)
class CheckResult:
    """The result of a check, by query row.

    surprisal: shape (query rows,), in nats, 0.0 without a finding. related_invoices: for each query row the positions
    of the other invoices in the frame of history and query rows, the most telling first. details: numbers for the
    sentence about a query row, by name, shape (query rows,) each.
    """

    surprisal: FloatArray
    related_invoices: list[Codes]
    details: dict[str, FloatArray] = field(default_factory=dict)

    @classmethod
    def empty(cls, rows: int) -> "CheckResult":
        """The result without a finding, for so many query rows."""
        return cls(np.zeros(rows), [NOTHING] * rows)

    def take(self, rows: slice) -> "CheckResult":
        """The result for some of the query rows."""
        details = {name: values[rows] for name, values in self.details.items()}
        return CheckResult(self.surprisal[rows], self.related_invoices[rows], details)

    def details_of(self, row: int) -> dict[str, float]:
        """The details of one query row."""
        return {name: float(values[row]) for name, values in self.details.items()}


class CheckState(Protocol):
    """The state that a check learned from training rows: a frozen dataclass."""

    def to_arrays(self) -> Arrays:
        """The state as arrays by name, to be stored."""
        ...


class Check(Protocol):
    """A check of several invoices together; `field` is the scored field that gets the blame.

    of_nights: whether the check scores nights, of which there are fewer to learn from than invoices.
    """

    @property
    def name(self) -> str: ...

    @property
    def field(self) -> str: ...

    @property
    def of_nights(self) -> bool: ...

    def fit(self, invoices: pd.DataFrame) -> CheckState:
        """Learn the state from the training rows; invoices: typed frame, shape (rows, columns)."""
        ...

    def find(self, invoices: pd.DataFrame, rows: Codes, state: Any = None) -> CheckResult:
        """Check the query rows among the invoices.

        invoices: typed frame of history and query rows, shape (all rows, columns). rows: positions of the query rows in
        it, shape (query rows,). state: of `fit`; without it, as in training and in an audit, each row is compared with
        the invoices that came up to its own night.
        """
        ...

    def state_from_arrays(self, arrays: Arrays) -> CheckState | None:
        """The state that `to_arrays` gave; None for a model that was trained before the check had a state."""
        ...


@dataclass(frozen=True)
class NoState:
    """The state of a check that learns nothing."""

    def to_arrays(self) -> Arrays:
        return {}


class StatelessCheck:
    """A check that looks at nothing but the invoices that it is given."""

    def fit(self, invoices: pd.DataFrame) -> NoState:
        return NoState()

    def state_from_arrays(self, arrays: Arrays) -> NoState:
        return NoState()
