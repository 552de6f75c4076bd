"""Turn typed invoices into the numbers that the peers learn from.

plain: what a user would hand to scikit-learn first: numbers (logarithms where they are skewed), dates as day numbers,
categories of few levels one-hot, of identifiers the length and the share of digits. With the past: the same beside how
far each value is from the earlier invoices of its entity, for peers that cannot look back by themselves.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.planting import shape
from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import NUMERIC_TYPES

FloatArray = npt.NDArray[Any]
"""Float64; the types of pandas do not say so everywhere."""
Column = tuple[str, FloatArray]
"""The field that a column comes from, and its values."""

MOST_LEVELS = 50
"""Categories with more levels are given by the share of their level instead of one column a level."""
SKEWED = 2.0
"""Numbers of a larger skewness are taken as logarithms (asinh)."""
LEAST_SPREAD = 0.1
"""Added to an entity's running spread, on the scale of the measure: a past of one invoice has none."""
EPOCH = pd.Timestamp(1970, 1, 1)


@dataclass(frozen=True)
class Features:
    """What a peer sees: a matrix of shape (invoices, columns), and the field that each column comes from."""

    values: FloatArray
    owners: list[str]

    def by_field(self, errors: FloatArray, fields: list[str]) -> FloatArray:
        """The worst error among each field's columns, shape (invoices, fields); zero for a field without columns."""
        owners = np.array(self.owners)
        found = [errors[:, owners == name].max(axis=1, initial=0.0) for name in fields]
        return np.column_stack(found)


class Encoding:
    """Encodes invoices beside a history; missing numbers become the history's median.

    `learned` is the history itself, encoded.
    """

    def __init__(
        self, contract: Contract, history: pd.DataFrame, with_past: bool = False, logarithms: bool = True
    ) -> None:
        self.contract, self.history, self.with_past = contract, history, with_past
        self.numbers = [name for name in contract.detected if self._is_number(name)]
        self.skewed = {name for name in self.numbers if logarithms and _skewness(history[name]) > SKEWED}
        self.shares = {
            name: history[name].value_counts(normalize=True)
            for name, field in contract.detected.items()
            if field.type == "category" and name not in self.numbers
        }
        columns = self._plain(history) + (self._past(history, 0) if with_past else [])
        self.medians = [float(np.nanmedian(v)) if np.isfinite(v).any() else 0.0 for _, v in columns]
        self.learned = self._filled(columns)

    def encode(self, invoices: pd.DataFrame) -> Features:
        """Later invoices; their past are the history and the earlier nights among them."""
        columns = self._plain(invoices)
        if self.with_past:
            columns += self._past(pd.concat([self.history, invoices]), len(self.history))
        return self._filled(columns)

    def value_of(self, name: str, encoded: FloatArray) -> "pd.Series[float] | pd.Series[pd.Timestamp] | None":
        """Read an encoded number or date back; None for the other types."""
        if name in self.numbers:
            return pd.Series(np.sinh(encoded) if name in self.skewed else encoded)
        if self.contract.fields[name].type == "date":
            return pd.Series(EPOCH + pd.to_timedelta(np.rint(encoded), unit="D"))
        return None

    def _filled(self, columns: list[Column]) -> Features:
        filled = [
            np.where(np.isfinite(values), values, median)
            for (_, values), median in zip(columns, self.medians, strict=True)
        ]
        return Features(np.column_stack(filled), [owner for owner, _ in columns])

    def _is_number(self, name: str) -> bool:
        """Whether pandas would read the field as a number: amounts, numbers, and categories that are all digits."""
        kind = self.contract.fields[name].type
        return kind in NUMERIC_TYPES or (kind == "category" and bool(as_numbers(self.history[name]).notna().all()))

    def _plain(self, frame: pd.DataFrame) -> list[Column]:
        found: list[Column] = []
        for name, field in self.contract.detected.items():
            column = frame[name]
            if name in self.numbers:
                numbers = as_numbers(column).to_numpy()
                found.append((name, np.arcsinh(numbers) if name in self.skewed else numbers))
            elif field.type == "date":
                found.append((name, (column - EPOCH).dt.days.to_numpy(float, na_value=np.nan)))
            elif name in self.shares and len(self.shares[name]) <= MOST_LEVELS:
                found += [(name, (column == level).to_numpy(float)) for level in self.shares[name].index]
            elif name in self.shares:
                found.append((name, column.map(self.shares[name]).fillna(0.0).to_numpy(float)))
            else:
                length = column.str.len().to_numpy(float, na_value=np.nan)
                digits = column.str.count(r"\d").to_numpy(float, na_value=np.nan)
                found += [(name, length), (name, digits / np.maximum(length, 1.0))]
        return found

    def _past(self, frame: pd.DataFrame, first: int) -> list[Column]:
        """How far each field is from its entity's earlier invoices, for the rows of `frame` from `first` on."""
        order = np.argsort(frame["extract_date"].to_numpy(), kind="stable")
        places = np.argsort(order)[first:]
        book = frame.iloc[order]
        entity = book[self.contract.entity].fillna("") if self.contract.entity else pd.Series("", index=book.index)
        codes = pd.Series(pd.factorize(entity)[0])
        earlier = codes.groupby(codes).cumcount()
        found = [(self.contract.entity or "", np.log1p(earlier.to_numpy(float)))]
        for name in self.contract.detected:
            measure = self._measured(book, name)
            if measure is not None:
                found.append((name, _distance(measure, codes, earlier, order < len(self.history))))
                continue
            texts = book[name].fillna("").tolist()
            levels = pd.Series(texts if name in self.shares else [shape(text) for text in texts])
            same = levels.groupby([codes, levels]).cumcount()
            found.append((name, -np.log(((same + 0.1) / (earlier + 1.0)).to_numpy(float))))
        return [(owner, values[places]) for owner, values in found]

    def _measured(self, book: pd.DataFrame, name: str) -> "pd.Series[float] | None":
        """A number that can be compared with the past: a logarithm, or that of the days from the reference date."""
        if name in self.numbers:
            return pd.Series(np.arcsinh(as_numbers(book[name]).to_numpy()))
        if self.contract.fields[name].type == "date":
            reference = book[self.contract.fields[name].relative_to or "extract_date"]
            return pd.Series(np.arcsinh((book[name] - reference).dt.days.to_numpy(float, na_value=np.nan)))
        return None


def as_numbers(column: pd.Series) -> "pd.Series[float]":
    """Read a column as pandas would: float64, NaN where it is no number."""
    return pd.to_numeric(column, errors="coerce").astype(float)


def _skewness(column: "pd.Series[Any]") -> float:
    skewness: Any = as_numbers(column).skew()
    return float(skewness)


def _distance(
    measure: "pd.Series[float]", codes: "pd.Series[int]", earlier: "pd.Series[int]", known: npt.NDArray[np.bool_]
) -> FloatArray:
    """Standard deviations from the mean of the entity's earlier invoices, both shrunk by one row to those of all known.

    earlier: how many the entity has; known: the rows of the history. Shape (rows,) each.
    """
    middle, variance = measure[known].mean(), measure[known].var()
    centred = (measure - middle).fillna(0.0)
    total = centred.groupby(codes).cumsum() - centred
    squares = (centred**2).groupby(codes).cumsum() - centred**2
    mean = total / (earlier + 1.0)
    spread = np.sqrt(np.maximum((squares + variance) / (earlier + 1.0) - mean**2, 0.0)) + LEAST_SPREAD
    return ((centred - mean) / spread).where(measure.notna()).to_numpy(float)
