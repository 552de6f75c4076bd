"""Features of each field: one number or one category per invoice and feature.

An amount has one feature, its size; a date has its distance to another date and its weekday; an identifier its format
and its position in a sequence. A derived field (a ratio, a difference, a sum) is a number like any other. Everything
after this module knows only numeric and categorical features, so a new field type is a new entry here and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.features.identifiers import Texts, formats_of, numbers_in

FloatArray = npt.NDArray[np.floating]
Measure = Literal["value", "lag", "weekday", "shape", "sequence", "length", "presence"]

MISSING = "(missing)"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SUM_DIGITS = 6  # decimals of sums and differences: more than amounts have, fewer than floats get wrong


@dataclass(frozen=True)
class Feature:
    """One thing that is measured of one field."""

    field: str
    measure: Measure
    numeric: bool

    @property
    def name(self) -> str:
        return f"{self.field}.{self.measure}"


Column = npt.NDArray[Any]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories: `codes`, shape (rows,), are positions in `categories`, whose last is MISSING.

    Rows outnumber categories by far, so that whatever depends on the category alone is done once a category. Not
    pandas.Categorical: that takes no category twice, and an invoice may hold the text of MISSING itself.
    """

    codes: Codes
    categories: Texts

    @classmethod
    def from_texts(cls, values: "pd.Series[str]") -> "CategoryColumn":
        """Code a column of texts; an empty cell is the category MISSING."""
        codes, distinct = pd.factorize(values)
        return cls(np.where(codes < 0, len(distinct), codes), np.append(distinct.to_numpy(object), MISSING))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> "CategoryColumn":
        return CategoryColumn(self.codes[rows], self.categories)

    @property
    def texts(self) -> Texts:
        """The category of each row, shape (rows,)."""
        return self.categories[self.codes]


FeatureColumns = dict[str, Any]
"""By feature name: float64, shape (rows,), for a numeric feature; a CategoryColumn for a categorical one."""


MEASURES: dict[str, tuple[tuple[Measure, bool], ...]] = {
    "amount": (("value", True),),
    "number": (("value", True),),
    "category": (("value", False),),
    "date": (("lag", True), ("weekday", False)),
    "identifier": (("shape", False), ("sequence", True)),
    "text": (("length", True), ("shape", False)),
}


def features_of(contract: Contract) -> list[Feature]:
    """The features of all fields that take part in detection, in the contract's order, then of the derived fields."""
    found = []
    for name, field in contract.detected.items():
        found += [Feature(name, measure, numeric) for measure, numeric in MEASURES[field.type]]
        if not field.required and field.type != "category":
            found.append(Feature(name, "presence", numeric=False))
    return found + [Feature(name, "value", numeric=True) for name in contract.derived]


def masked_with(contract: Contract, name: str) -> list[str]:
    """The scored fields that are masked together with a field: a ratio gives its operands away, and they the ratio."""
    operands = {name, *(contract.derived[name].parts if name in contract.derived else ())}
    return [
        other
        for other in contract.scored_fields
        if other in operands or (other in contract.derived and operands & set(contract.derived[other].parts))
    ]


def extract_features(contract: Contract, features: list[Feature], frame: pd.DataFrame) -> FeatureColumns:
    """Extract every feature of every invoice.

    frame: typed invoices with their `extract_date`.
    Returns per feature name an array of shape (rows,): float64 in the field's own unit (days for a lag), with NaN where
    there is nothing to measure, for a numeric feature; a CategoryColumn for a categorical one.
    """
    return {feature.name: _EXTRACTORS[feature.measure](contract, feature.field, frame) for feature in features}


def derived_values(contract: Contract, name: str, frame: pd.DataFrame) -> FloatArray:
    """A derived field, shape (rows,), in the unit of its operands; NaN where one is missing or a divisor is zero."""
    derived = contract.derived[name]
    first, *rest = (frame[operand].to_numpy(float, na_value=np.nan) for operand in derived.parts)
    if derived.operation == "ratio":
        divisor = np.where(rest[0] == 0, np.nan, rest[0])
        with np.errstate(over="ignore"):
            return _finite(first / divisor)
    others = np.sum(rest, axis=0)
    # Amounts have decimals that a float cannot hold; without rounding no difference would be exactly nothing.
    return _finite(np.round(first - others if derived.operation == "difference" else first + others, SUM_DIGITS))


def _value(contract: Contract, field: str, frame: pd.DataFrame) -> Column | CategoryColumn:
    if field in contract.derived:
        return derived_values(contract, field, frame)
    if contract.fields[field].type == "category":
        return CategoryColumn.from_texts(frame[field])
    return _finite(frame[field].to_numpy(float, na_value=np.nan))


def lag_days(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    """Days from the reference date (another field, or the extract date) to the date; shape (rows,)."""
    reference = frame[contract.fields[field].relative_to or "extract_date"]
    days: FloatArray = (frame[field] - reference).dt.total_seconds().to_numpy(float, na_value=np.nan) / 86_400.0
    return days


def _weekday(contract: Contract, field: str, frame: pd.DataFrame) -> CategoryColumn:
    days = frame[field].dt.day_of_week.fillna(len(WEEKDAYS)).to_numpy(np.intp)
    return CategoryColumn(days, np.array([*WEEKDAYS, MISSING], dtype=object))


def _shape(contract: Contract, field: str, frame: pd.DataFrame) -> CategoryColumn:
    texts = CategoryColumn.from_texts(frame[field])
    shapes, distinct = formats_of(texts.categories[:-1])
    return CategoryColumn(np.append(shapes, len(distinct))[texts.codes], np.append(distinct, MISSING))


def _sequence(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    texts = CategoryColumn.from_texts(frame[field])
    return np.append(numbers_in(texts.categories[:-1]), np.nan)[texts.codes]


def _length(contract: Contract, field: str, frame: pd.DataFrame) -> FloatArray:
    lengths: FloatArray = frame[field].str.len().astype(float).to_numpy(float, na_value=np.nan)
    return lengths


def _presence(contract: Contract, field: str, frame: pd.DataFrame) -> CategoryColumn:
    return CategoryColumn(frame[field].isna().to_numpy().astype(np.intp), np.array(["present", MISSING], dtype=object))


def _finite(values: FloatArray) -> FloatArray:
    finite: FloatArray = np.where(np.isfinite(values), values, np.nan)
    return finite


_EXTRACTORS: dict[Measure, Callable[[Contract, str, pd.DataFrame], Column | CategoryColumn]] = {
    "value": _value,
    "lag": lag_days,
    "weekday": _weekday,
    "shape": _shape,
    "sequence": _sequence,
    "length": _length,
    "presence": _presence,
}
