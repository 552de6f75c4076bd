"""What is measured of each field: one number or one level per invoice and aspect.

An amount has one aspect, its size; a date has its distance to another date and its weekday; an identifier its shape
and its place in a sequence. A derived field (a ratio, a difference, a sum) is a number like any other. Everything after
this module knows only numeric and categorical aspects, so a new field type is a new entry here and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.features.identifiers import Texts, numbers_in, shapes_of

FloatArray = npt.NDArray[np.floating]
Measure = Literal["value", "lag", "weekday", "shape", "sequence", "length", "presence"]

MISSING = "(missing)"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SUM_DIGITS = 6


@dataclass(frozen=True)
class Aspect:
    """One thing measured of one field."""

    field: str
    measure: Measure
    numeric: bool

    @property
    def name(self) -> str:
        return f"{self.field}.{self.measure}"


Column = npt.NDArray[Any]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Coded:
    """A column of levels: for each row the code of its level, shape (rows,), and the levels by code.

    Rows outnumber levels by far, so that whatever depends on the level alone is done once a level.
    """

    codes: Codes
    levels: Texts

    @classmethod
    def of(cls, values: "pd.Series[str]") -> "Coded":
        """Code a column of texts; what is missing is the level MISSING."""
        codes, distinct = pd.factorize(values)
        return cls(np.where(codes < 0, len(distinct), codes), np.append(distinct.to_numpy(object), MISSING))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> "Coded":
        return Coded(self.codes[rows], self.levels)

    @property
    def texts(self) -> Texts:
        """The level of each row, shape (rows,)."""
        return self.levels[self.codes]


Measured = dict[str, Any]
"""By aspect: a float array for a numeric one, a Coded column for a categorical one."""


MEASURES: dict[str, tuple[tuple[Measure, bool], ...]] = {
    "amount": (("value", True),),
    "number": (("value", True),),
    "category": (("value", False),),
    "date": (("lag", True), ("weekday", False)),
    "identifier": (("shape", False), ("sequence", True)),
    "text": (("length", True), ("shape", False)),
}


def aspects_of(contract: Contract) -> list[Aspect]:
    """List the aspects of all fields that take part in detection, in the contract's order, then of the derived ones."""
    found = []
    for name, field in contract.detected.items():
        found += [Aspect(name, measure, numeric) for measure, numeric in MEASURES[field.type]]
        if not field.required and field.type != "category":
            found.append(Aspect(name, "presence", numeric=False))
    return found + [Aspect(name, "value", numeric=True) for name in contract.derived]


def hidden_with(contract: Contract, name: str) -> list[str]:
    """The judged fields that must be hidden from the network when it is asked for this one.

    A ratio gives its parts away, and its parts give it away.
    """
    parts = {name, *(contract.derived[name].parts if name in contract.derived else ())}
    return [
        other
        for other in contract.judged
        if other in parts or (other in contract.derived and parts & set(contract.derived[other].parts))
    ]


def measure(contract: Contract, aspects: list[Aspect], frame: pd.DataFrame) -> Measured:
    """Measure every aspect of every invoice.

    frame: typed invoices with their `extract_date`.
    Returns per aspect name an array of shape (rows,): float64 in the field's own unit (days for a lag), with NaN where
    there is nothing to measure, for a numeric aspect; a Coded column for a categorical one.
    """
    return {aspect.name: _MEASURERS[aspect.measure](contract, aspect.field, frame) for aspect in aspects}


def derived_values(contract: Contract, name: str, frame: pd.DataFrame) -> FloatArray:
    """Compute a derived field; shape (rows,), NaN where a part is missing or a divisor is zero."""
    derived = contract.derived[name]
    first, *rest = (frame[part].to_numpy(float, na_value=np.nan) for part in derived.parts)
    if derived.operation == "ratio":
        divisor = np.where(rest[0] == 0, np.nan, rest[0])
        with np.errstate(over="ignore"):
            return _finite(first / divisor)
    others = np.sum(rest, axis=0)
    # Amounts have decimals that a float cannot hold; without rounding no difference would be exactly nothing.
    return _finite(np.round(first - others if derived.operation == "difference" else first + others, SUM_DIGITS))


def _value(contract: Contract, field: str, frame: pd.DataFrame) -> Column | Coded:
    if field in contract.derived:
        return derived_values(contract, field, frame)
    if contract.fields[field].type == "category":
        return Coded.of(frame[field])
    return _finite(frame[field].to_numpy(float, na_value=np.nan))


def lag_days(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    """Days from the reference date (another field, or the extract date) to the date; shape (rows,)."""
    reference = frame[contract.fields[field].relative_to or "extract_date"]
    days: FloatArray = (frame[field] - reference).dt.total_seconds().to_numpy(float, na_value=np.nan) / 86_400.0
    return days


def _weekday(contract: Contract, field: str, frame: pd.DataFrame) -> Coded:
    days = frame[field].dt.day_of_week.fillna(len(WEEKDAYS)).to_numpy(np.intp)
    return Coded(days, np.array([*WEEKDAYS, MISSING], dtype=object))


def _shape(contract: Contract, field: str, frame: pd.DataFrame) -> Coded:
    texts = Coded.of(frame[field])
    shapes, distinct = shapes_of(texts.levels[:-1])
    return Coded(np.append(shapes, len(distinct))[texts.codes], np.append(distinct, MISSING))


def _sequence(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    texts = Coded.of(frame[field])
    return np.append(numbers_in(texts.levels[:-1]), np.nan)[texts.codes]


def _length(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    lengths: FloatArray = frame[field].str.len().astype(float).to_numpy(float, na_value=np.nan)
    return lengths


def _presence(contract: Contract, field: str, frame: pd.DataFrame) -> Coded:
    return Coded(frame[field].isna().to_numpy().astype(np.intp), np.array(["present", MISSING], dtype=object))


def _finite(values: FloatArray) -> FloatArray:
    finite: FloatArray = np.where(np.isfinite(values), values, np.nan)
    return finite


_MEASURERS: dict[Measure, Callable[[Contract, str, pd.DataFrame], Column | Coded]] = {
    "value": _value,
    "lag": lag_days,
    "weekday": _weekday,
    "shape": _shape,
    "sequence": _sequence,
    "length": _length,
    "presence": _presence,
}
