"""What is measured of each field: one number or one level per invoice and aspect.

An amount has one aspect, its size; a date has its distance to another date and its weekday; an identifier its shape
and its place in a sequence. Everything after this module knows only numeric and categorical aspects, so a new field
type is a new entry here and nothing else.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract import Contract

FloatArray = npt.NDArray[np.floating]
Measure = Literal["value", "lag", "weekday", "shape", "sequence", "length", "presence"]

MISSING = "(missing)"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LONGEST_SEQUENCE = 15  # digits; beyond it a float no longer tells neighbours apart


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
Measured = dict[str, Column]


MEASURES: dict[str, tuple[tuple[Measure, bool], ...]] = {
    "amount": (("value", True),),
    "number": (("value", True),),
    "category": (("value", False),),
    "date": (("lag", True), ("weekday", False)),
    "identifier": (("shape", False), ("sequence", True)),
    "text": (("length", True), ("shape", False)),
}


def aspects_of(contract: Contract) -> list[Aspect]:
    """List the aspects of all fields that take part in detection, in the contract's order."""
    found = []
    for name, field in contract.detected.items():
        found += [Aspect(name, measure, numeric) for measure, numeric in MEASURES[field.type]]
        if not field.required and field.type != "category":
            found.append(Aspect(name, "presence", numeric=False))
    return found


def measure(contract: Contract, aspects: list[Aspect], frame: pd.DataFrame) -> Measured:
    """Measure every aspect of every invoice.

    frame: typed invoices with their `extract_date`.
    Returns per aspect name an array of shape (rows,): float64 with NaN where there is nothing to measure for a
    numeric aspect, str for a categorical one.
    """
    return {aspect.name: _MEASURERS[aspect.measure](contract, aspect.field, frame) for aspect in aspects}


def to_scale(values: FloatArray) -> FloatArray:
    """Bring amounts to the scale of the model: asinh, a logarithm that also takes zero and negative numbers."""
    return np.arcsinh(values)


def from_scale(values: FloatArray) -> FloatArray:
    """Invert `to_scale`."""
    return np.sinh(np.clip(values, -700.0, 700.0))


def shape_of(text: str) -> str:
    """Describe how an identifier is written: letters as A or a, digits as 9; 'INV-2026/7' is 'AAA-9999/9'."""
    return "".join("9" if c.isdigit() else ("A" if c.isupper() else "a") if c.isalpha() else c for c in text[:60])


def _value(contract: Contract, field: str, frame: pd.DataFrame) -> Column:
    if contract.fields[field].type == "category":
        return _texts(frame[field])
    return to_scale(frame[field].to_numpy(float, na_value=np.nan))


def lag_days(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    """Days from the reference date (another field, or the extract date) to the date; shape (rows,)."""
    reference = frame[contract.fields[field].relative_to or "extract_date"]
    days: FloatArray = (frame[field] - reference).dt.total_seconds().to_numpy(float, na_value=np.nan) / 86_400.0
    return days


def _lag(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    return to_scale(lag_days(contract, field, frame))


def _weekday(contract: Contract, field: str, frame: pd.DataFrame) -> Column:
    days = frame[field].dt.weekday
    names: Column = np.array([*WEEKDAYS, MISSING], dtype=object)
    found: Column = names[days.fillna(7).to_numpy(int)]
    return found


def _shape(contract: Contract, field: str, frame: pd.DataFrame) -> Column:
    return _by_distinct_value(frame[field], shape_of, MISSING, object)


def _sequence(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    def longest_number(text: str) -> float:
        runs = re.findall(r"\d+", text)
        return float(max(runs, key=len)[-LONGEST_SEQUENCE:]) if runs else np.nan

    return to_scale(_by_distinct_value(frame[field], longest_number, np.nan, float))


def _length(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    return to_scale(frame[field].str.len().astype(float).to_numpy(float, na_value=np.nan))


def _presence(contract: Contract, field: str, frame: pd.DataFrame) -> Column:
    return np.where(frame[field].isna().to_numpy(), MISSING, "present").astype(object)


def _texts(values: "pd.Series[str]") -> Column:
    return values.astype(object).where(values.notna(), MISSING).to_numpy(object)


def _by_distinct_value(
    values: "pd.Series[str]", function: Callable[[str], object], missing: object, dtype: type
) -> Column:
    """Apply a function to each distinct text once; texts repeat far more often than they differ."""
    codes, distinct = pd.factorize(values)
    results: Column = np.array([*(function(text) for text in distinct), missing], dtype=dtype)
    return results[codes]


_MEASURERS: dict[Measure, Callable[[Contract, str, pd.DataFrame], Column]] = {
    "value": _value,
    "lag": _lag,
    "weekday": _weekday,
    "shape": _shape,
    "sequence": _sequence,
    "length": _length,
    "presence": _presence,
}
