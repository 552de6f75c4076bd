"""What a collective check hands back, and what it is."""

from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.detection.features.features import Codes, FloatArray

Learned = dict[str, FloatArray]
"""What a check has learned: arrays by name."""
NOTHING: Codes = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True)
class Findings:
    """What a check found, by invoice in question.

    raw: shape (asked rows,), surprise in nats, 0.0 where nothing was found. twins: positions in the book of the other
    invoices, the most telling first. figures: what a remark needs beside them, shape (asked rows,) each.
    """

    raw: FloatArray
    twins: list[Codes]
    figures: dict[str, FloatArray] = field(default_factory=dict)

    @classmethod
    def none(cls, rows: int) -> "Findings":
        """Nothing found in any of so many invoices."""
        return cls(np.zeros(rows), [NOTHING] * rows)

    def of(self, rows: slice) -> "Findings":
        """The findings of some of the invoices in question."""
        return Findings(self.raw[rows], self.twins[rows], {name: values[rows] for name, values in self.figures.items()})

    def figures_of(self, row: int) -> dict[str, float]:
        """The figures of one invoice in question."""
        return {name: float(values[row]) for name, values in self.figures.items()}


class Check(Protocol):
    """A check of several invoices together; `field` is the judged field that gets the blame.

    `of_nights`: whether it judges nights, of which there are fewer to learn from than invoices. `learned`: what it has
    learned of a whole book; empty where it needs none but the one that it is given.
    """

    @property
    def name(self) -> str: ...

    @property
    def field(self) -> str: ...

    @property
    def of_nights(self) -> bool: ...

    @property
    def learned(self) -> Learned: ...

    def learn(self, book: pd.DataFrame) -> "Check":
        """The same check, with what is to be learned of this book for all nights to come."""
        ...

    def knowing(self, learned: Learned) -> "Check":
        """The same check, with what was learned before."""
        ...

    def find(self, book: pd.DataFrame, asked: npt.NDArray[np.intp]) -> Findings:
        """Judge the invoices at these positions of the book, which holds all that was known with them."""
        ...


class Unlearned:
    """A check that looks at nothing but the book that it is given."""

    @property
    def learned(self) -> Learned:
        return {}

    def learn(self, book: pd.DataFrame) -> Self:
        return self

    def knowing(self, learned: Learned) -> Self:
        return self
