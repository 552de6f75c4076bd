"""What came before a flagged invoice: the entity's own earlier invoices, how others write theirs, busy and quiet days.

An expectation is believed when it can be looked up. The network's reconstruction says what is expected; the history
say of which earlier invoices. All indexes are built once for all explanations of a night, in time linear in its rows.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.explain.number_formats import FormatIndex
from invoice_anomalies.detection.features.features import Codes, Column, FloatArray, derived_values, lag_days
from invoice_anomalies.detection.features.identifiers import number_in, numbers_in
from invoice_anomalies.detection.profiles.history_index import HistoryIndex
from invoice_anomalies.detection.result import ScoringResult

MOST_ROWS = 200  # latest earlier invoices of an entity that are looked at: bounds the time of one explanation
MOST_SCHEME_ROWS = 200  # latest numbers of one scheme that are compared with a foreign one
WEEKS_BEFORE = range(1, 9)  # weeks whose same weekday a day is compared with: two months
NEWCOMER_ROWS = 1_000  # latest invoices among which first ones of an entity are counted


@dataclass(frozen=True)
class Scheme:
    """Whose numbers are written in a way: how many entities, and the nearest number with its owner and night."""

    owners: int
    number: str
    owner: Any
    night: date


class HistoryLookup:
    """The reference invoices of some query rows, in the order of their nights."""

    def __init__(self, contract: Contract, result: ScoringResult) -> None:
        self._contract = contract
        self._history, self._invoices = result.history, result.invoices
        nights = self._history["extract_date"].to_numpy()
        self._order = np.argsort(nights, kind="stable")
        history, asked = self._names(self._history)[self._order], self._names(self._invoices)
        asked_nights = self._invoices["extract_date"].to_numpy()
        if len(self._history):
            self._index = HistoryIndex.for_scoring(history, asked, nights[self._order], asked_nights)
        else:
            self._index = HistoryIndex.for_training(asked, asked_nights)
        self._owners = np.concatenate([history, asked])[: len(self._index.reference)]
        self._columns: dict[str, Column] = {}
        self._knowns: dict[str, npt.NDArray[np.bool_]] = {}
        self._schemes: dict[str, FormatIndex] = {}
        self._days: dict[str, tuple[Column, Column]] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def rows(self, asked: int) -> Codes:
        """Positions of the latest `MOST_ROWS` earlier invoices of the entity, oldest first, shape (earlier,)."""
        ranges = self._index.ranges
        own = ranges.history_of[asked]
        rows: Codes = ranges.order[ranges.begin[own] : ranges.end[own]][-MOST_ROWS - 1 :]
        if not len(self._history):  # in an audit, an invoice is a reference row itself
            rows = rows[rows != asked]
        return rows[-MOST_ROWS:]

    def values(self, name: str, rows: Codes) -> list[Any]:
        """Values of a field at these positions, shape (rows,), without the missing ones."""
        values = self.column(name)[rows]
        present: list[Any] = values[self._is_present(name)[rows]].tolist()
        return present

    def shapes(self, name: str, rows: Codes) -> list[str]:
        """Formats of the texts of a field at these positions, shape (rows,), without the missing ones."""
        schemes = self._scheme_of(name)
        codes = schemes.shape[rows]
        present: list[str] = schemes.shapes[codes[codes >= 0]].tolist()
        return present

    def column(self, name: str) -> Column:
        """A field of all reference invoices: numbers and days as float64 (dates: days since 1970), texts as objects.

        What is missing is NaN among numbers and days, and None among texts.
        """
        if name not in self._columns:
            self._columns[name] = self._known(*(self._values(name, frame) for frame in self._frames))
        return self._columns[name]

    def lags(self, name: str) -> Column:
        """Days between a date and the date that it is judged against, of all reference invoices."""
        key = f"{name} lag"
        if key not in self._columns:
            self._columns[key] = self._known(*(lag_days(self._contract, name, frame) for frame in self._frames))
        return self._columns[key]

    def night(self, row: int) -> date:
        """The extract date of a reference invoice."""
        return _day(self.column("extract_date")[row])

    def scheme(self, name: str, text: str, entity: Any) -> Scheme | None:
        """Find others whose numbers are usually written like this one, where the entity itself hardly ever wrote so."""
        rows, owners = self._scheme_of(name).like(text, entity)
        if not owners:
            return None
        numbers, here = self.column(name), number_in(text)
        # Where a scheme has no running number, the latest stands for it.
        latest = rows[-MOST_SCHEME_ROWS:].tolist()
        nearest = latest[-1]
        if not math.isnan(here):
            nearest = latest[int(np.argmin(np.nan_to_num(np.abs(self._running(name)[latest] - here), nan=np.inf)))]
        return Scheme(owners, str(numbers[nearest]), self._owners[nearest], self.night(nearest))

    def others_on(self, name: str, day: date, night: date, own: Codes) -> tuple[int, list[int]]:
        """Count the invoices of others dated on a day, and on the same weekday of the weeks before.

        night: the extract date of the invoice; own: positions of its entity's invoices, shape (earlier,). Invoices
        arrive over some days, so each day is counted as it was seen as many days after it as this one is.
        """
        if name not in self._days:
            dates = self.column(name)
            order = np.argsort(dates, kind="stable")
            self._days[name] = dates[order], (self.column("extract_date") - dates)[order]
        dates, delays = self._days[name]
        delay = (night - day).days

        def seen(on: float) -> int:
            begin, end = np.searchsorted(dates, [on, on + 1.0])
            return int(np.count_nonzero(delays[begin:end] < delay))

        mine = int(np.count_nonzero(self.column(name)[own] == _number(day)))
        return max(0, seen(_number(day)) - mine), [seen(_number(day) - 7.0 * weeks) for weeks in WEEKS_BEFORE]

    @cached_property
    def newcomers(self) -> tuple[int, int]:
        """How many of the latest reference invoices were the first of their entity, and how many these are."""
        latest = min(NEWCOMER_ROWS, len(self) // 2)
        first = ~pd.Series(self._owners).duplicated().to_numpy()
        return int(first[len(self) - latest :].sum()), latest

    def _running(self, name: str) -> FloatArray:
        """The running numbers in a field of all reference invoices, NaN where there is none."""
        key = f"{name} running"
        if key not in self._columns:
            present = self._is_present(name)
            self._columns[key] = np.full(len(self), np.nan)
            self._columns[key][present] = numbers_in(self.column(name)[present])
        return self._columns[key]

    def _scheme_of(self, name: str) -> FormatIndex:
        if name not in self._schemes:
            self._schemes[name] = FormatIndex(self.column(name), self._owners)
        return self._schemes[name]

    def _is_present(self, name: str) -> npt.NDArray[np.bool_]:
        if name not in self._knowns:
            self._knowns[name] = pd.notna(self.column(name))
        return self._knowns[name]

    @property
    def _frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return self._history, self._invoices

    def _names(self, frame: pd.DataFrame) -> npt.NDArray[Any]:
        if self._contract.entity is None:
            return np.full(len(frame), "", dtype=object)
        return frame[self._contract.entity].astype(object).fillna("").to_numpy(object)

    def _known(self, history: Column, asked: Column) -> Column:
        both: Column = np.concatenate([history[self._order], asked])[: len(self)]
        return both

    def _values(self, name: str, frame: pd.DataFrame) -> Column:
        if name in self._contract.derived:
            return derived_values(self._contract, name, frame)
        values = frame[name]
        if pd.api.types.is_datetime64_any_dtype(values):
            days: Column = values.to_numpy("datetime64[D]").astype(float)
            return np.where(values.isna().to_numpy(), np.nan, days)
        if pd.api.types.is_numeric_dtype(values):
            return values.to_numpy(float, na_value=np.nan)
        texts: Column = np.where(values.isna().to_numpy(), np.array(None, dtype=object), values.to_numpy(object))
        return texts


def _day(days: float) -> date:
    return date(1970, 1, 1) + timedelta(days=int(days))


def _number(day: date) -> float:
    return float((day - date(1970, 1, 1)).days)
