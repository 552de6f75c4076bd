"""The book in the order in which it became known, and sums over what was known of a group up to a night.

All of it is sorting and running sums, so that time is linear in rows (but for the sort) however large a group is.
A sum goes up to the end of an invoice's own night: its result does not depend on the order within a night, nor on the
nights that came later.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.features.features import Codes, FloatArray

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Timeline:
    """Positions of the book in order of time, and for each place in that order its night and day.

    order: shape (rows,), positions in the book. night: codes that ascend. day: days since 1970 of the night; invoices
    without a night count as those of the first one.
    """

    order: Codes
    night: Codes
    day: Codes

    @classmethod
    def of(cls, book: pd.DataFrame, contract: Contract) -> "Timeline":
        """Order by extract date, then by the contract's dates, then by position."""
        return cls._ordered(book, contract, nights_of(book), np.zeros(len(book), dtype=np.int64))

    @classmethod
    def of_documents(cls, book: pd.DataFrame, contract: Contract, loaded: Mask) -> "Timeline":
        """The same, but an invoice of a history loaded at once has the night of its booking.

        loaded: shape (rows,), whether an invoice is of such a history. Where it bears no date, the entity's invoices
        are taken as having come in the order given, in as many nights as a year has months.
        """
        nights, booked = nights_of(book), booked_on(book, contract)
        dated = booked != UNKNOWN_DAY
        entity = pd.factorize(book[contract.entity])[0] if contract.entity else np.zeros(len(book), dtype=np.int64)
        part = np.where(loaded & ~dated, _twelfth(entity), 0)
        return cls._ordered(book, contract, np.where(loaded & dated, np.minimum(booked, nights), nights), part)

    @classmethod
    def _ordered(cls, book: pd.DataFrame, contract: Contract, nights: Codes, part: Codes) -> "Timeline":
        dates = [days_of(book[name]) for name in contract.of_type("date")]
        order = np.lexsort([*reversed(dates), part, nights])
        day, part = nights[order], part[order]
        turns = (np.diff(day, prepend=day[:1]) != 0) | (np.diff(part, prepend=part[:1]) != 0)
        return cls(order, np.cumsum(turns), day)


UNKNOWN_DAY = np.iinfo(np.int64).min
LAST_DAY = 10**6  # beyond any date that pandas holds
SOON = 7  # days from booking to the night of an ordinary extract, at most
PARTS = 12  # nights of an entity in a history that came at once and bears no dates


def nights_of(book: pd.DataFrame) -> Codes:
    """Days since 1970 of the nights; invoices without one count as those of the first; shape (rows,)."""
    nights = days_of(book["extract_date"])
    return np.where(nights == UNKNOWN_DAY, nights[nights != UNKNOWN_DAY].min(initial=LAST_DAY), nights)


def booked_on(book: pd.DataFrame, contract: Contract) -> Codes:
    """The day that stands for an invoice's night where the night itself says nothing; shape (rows,).

    It is the contract's first date, or the one that this is counted from: a date of booking is nearer to the night
    than one that somebody else wrote. UNKNOWN_DAY where there is none.
    """
    name = _booking(contract)
    return np.full(len(book), UNKNOWN_DAY) if name is None else days_of(book[name])


def gathered_over_days(book: pd.DataFrame, contract: Contract) -> Mask:
    """Which invoices are of a night that gathers weeks, as a month's file does: most were booked long before it.

    Only where the contract has a date of booking, from which its first date is counted: documents are always older.
    Tells by the night alone, so that months in a history and a month to be judged are treated alike.
    """
    if _booking(contract) in (None, next(iter(contract.of_type("date")), None)) or not len(book):
        return np.zeros(len(book), dtype=bool)
    nights, booked = nights_of(book), booked_on(book, contract)
    old = (booked != UNKNOWN_DAY) & (nights - np.maximum(booked, 0) > SOON)
    night = np.unique(nights, return_inverse=True)[1]
    mostly: Mask = np.bincount(night, old) > 0.5 * np.bincount(night)
    return mostly[night]


def _booking(contract: Contract) -> str | None:
    name = next(iter(contract.of_type("date")), None)
    seen: set[str] = set()
    while name is not None and name not in seen:
        seen.add(name)
        reference = contract.fields[name].relative_to
        if reference is None:
            break
        name = reference
    return name


def _twelfth(entity: Codes) -> Codes:
    """In which of twelve parts of its entity's invoices, in the order given, each one is; shape (rows,)."""
    order, begins = gathered(entity + 1)
    starts = np.flatnonzero(begins)
    sizes = np.diff(np.append(starts, len(order)))
    place = np.arange(len(order)) - np.repeat(starts, sizes)
    part = np.empty(len(order), dtype=np.int64)
    part[order] = place * PARTS // np.repeat(sizes, sizes)
    return part


def days_of(dates: "pd.Series[pd.Timestamp]") -> Codes:
    """Days since 1970, UNKNOWN_DAY where there is no date; shape (rows,)."""
    return dates.to_numpy("datetime64[D]").astype(np.int64)


def group(*columns: npt.NDArray[Any]) -> Codes:
    """Number the distinct combinations of these columns, shape (rows,) each."""
    codes: Codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        own = pd.factorize(column)[0].astype(np.int64)
        codes = pd.factorize(codes * (own.max(initial=0) + 1) + own)[0].astype(np.int64)
    return codes


def gathered(groups: npt.NDArray[Any]) -> tuple[Codes, Mask]:
    """Order rows by group, and within a group as they come; tell in that order where a group begins.

    groups: codes or hashes, shape (rows,). A key and its place are sorted as one number, which is several times as fast
    as a stable sort; of a hash, 64 bits less those of a place are left.
    """
    bits = np.uint64(len(groups).bit_length())
    keys = (groups.astype(np.uint64) << bits) | np.arange(len(groups), dtype=np.uint64)
    keys.sort()
    begins = np.ones(len(keys), dtype=bool)
    begins[1:] = (keys[1:] >> bits) != (keys[:-1] >> bits)
    return (keys & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.intp), begins


class Past:
    """Sums over the invoices of the same group that were known by the end of an invoice's own night.

    groups, night: shape (rows,), in the order of a Timeline.
    """

    def __init__(self, groups: npt.NDArray[Any], night: Codes) -> None:
        self.order, begins = gathered(groups)
        rows, nights = len(groups), night[self.order]
        turns = begins.copy()
        turns[1:] |= nights[1:] != nights[:-1]
        starts = np.flatnonzero(turns)
        run = np.cumsum(turns) - 1
        # By row, where in the order its group begins, and where its night begins and ends.
        place = np.empty(rows, dtype=np.intp)
        place[self.order] = np.arange(rows)
        self._begin = np.maximum.accumulate(np.where(begins, np.arange(rows), 0))[place]
        self._night = starts[run][place]
        self._end = np.append(starts[1:], rows)[run][place] if rows else starts

    def known(self, values: FloatArray | Mask, at: Codes | slice = slice(None)) -> FloatArray:
        """Sum over the past and the own night, without the invoice itself; for all rows or those at `at`."""
        running = self._running(values)
        total: FloatArray = running[self._end[at]] - running[self._begin[at]] - values[at]
        return total

    def before(self, values: FloatArray | Mask) -> FloatArray:
        """Sum over the nights before the own one."""
        running = self._running(values)
        total: FloatArray = running[self._night] - running[self._begin]
        return total

    def sides(self, values: FloatArray | Mask) -> tuple[FloatArray, FloatArray]:
        """Sum over the own night, without the invoice itself, and over the nights before it."""
        before = self.before(values)
        return self.known(values) - before, before

    def counts(self) -> tuple[FloatArray, FloatArray]:
        """How many others the own night has, and how many the nights before it."""
        return (self._end - self._night - 1).astype(float), (self._night - self._begin).astype(float)

    def others(self) -> FloatArray:
        """How many others were known by the end of the own night."""
        return (self._end - self._begin - 1).astype(float)

    def previous(self) -> Codes:
        """The one before in the same group, -1 for the first; shape (rows,)."""
        found: Codes = np.full(len(self.order), -1, dtype=np.intp)
        here, before = self.order[1:], self.order[:-1]
        follows = self._begin[here] == self._begin[before]
        found[here[follows]] = before[follows]
        return found

    def _running(self, values: FloatArray | Mask) -> FloatArray:
        running = np.zeros(len(self.order) + 1)
        np.cumsum(values[self.order], out=running[1:])
        return running
