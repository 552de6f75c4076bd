"""What is measured of each field: one number or one level per invoice and aspect.

An amount has one aspect, its size; a date has its distance to another date and its weekday; an identifier its shape
and its place in a sequence. A derived field (a ratio, a difference, a sum) is a number like any other. Everything after
this module knows only numeric and categorical aspects, so a new field type is a new entry here and nothing else.
"""

import re
import string
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
SUM_DIGITS = 6
RUN, YEAR = re.compile(r"[0-9]+"), re.compile(r"(?<!\w)(?:19|20)?[0-9]{2}(?!\w)")
SHAPES = str.maketrans(string.digits + string.ascii_uppercase + string.ascii_lowercase, "9" * 10 + "A" * 26 + "a" * 26)
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
    there is nothing to measure, for a numeric aspect; str for a categorical one.
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


def shape_of(text: str) -> str:
    """Describe how an identifier is written: letters as A or a, digits as 9; 'INV-2026/7' is 'AAA-9999/9'."""
    if text.isascii():
        return text[:60].translate(SHAPES)
    return "".join("9" if c.isdigit() else ("A" if c.isupper() else "a") if c.isalpha() else c for c in text[:60])


def number_in(text: str) -> float:
    """The longest run of digits of an identifier as a number, its place in a sequence; NaN where there is none.

    Where a year stands beside it (2027-00055, 00055/27), numbers begin anew each year, and the year leads.
    """
    runs = RUN.findall(text)
    if len(runs) < 2:
        return float(runs[0][-LONGEST_SEQUENCE:]) if runs else float("nan")
    longest = max(runs, key=len)
    years = [year for year in YEAR.findall(text) if year != longest]
    return float(((years[0] if years else "") + longest)[-LONGEST_SEQUENCE:])


def _value(contract: Contract, field: str, frame: pd.DataFrame) -> Column:
    if field in contract.derived:
        return derived_values(contract, field, frame)
    if contract.fields[field].type == "category":
        return _texts(frame[field])
    return _finite(frame[field].to_numpy(float, na_value=np.nan))


def lag_days(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    """Days from the reference date (another field, or the extract date) to the date; shape (rows,)."""
    reference = frame[contract.fields[field].relative_to or "extract_date"]
    days: FloatArray = (frame[field] - reference).dt.total_seconds().to_numpy(float, na_value=np.nan) / 86_400.0
    return days


def _weekday(contract: Contract, field: str, frame: pd.DataFrame) -> Column:
    days = frame[field].dt.day_of_week
    names: Column = np.array([*WEEKDAYS, MISSING], dtype=object)
    found: Column = names[days.fillna(7).to_numpy(int)]
    return found


def _shape(contract: Contract, field: str, frame: pd.DataFrame) -> Column:
    return _by_distinct_value(frame[field], shape_of, MISSING, object)


def _sequence(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    return _by_distinct_value(frame[field], number_in, np.nan, float)


def _length(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    lengths: FloatArray = frame[field].str.len().astype(float).to_numpy(float, na_value=np.nan)
    return lengths


def _presence(contract: Contract, field: str, frame: pd.DataFrame) -> Column:
    return np.where(frame[field].isna().to_numpy(), MISSING, "present").astype(object)


def _finite(values: FloatArray) -> FloatArray:
    finite: FloatArray = np.where(np.isfinite(values), values, np.nan)
    return finite


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
    "lag": lag_days,
    "weekday": _weekday,
    "shape": _shape,
    "sequence": _sequence,
    "length": _length,
    "presence": _presence,
}
