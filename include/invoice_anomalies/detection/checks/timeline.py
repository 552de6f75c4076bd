"""The invoices in the order in which they came, and running sums over a group of them up to a night.

Everything here is sorting and running sums, so that time is linear in rows (but for the sort) however large a group is.
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
from invoice_anomalies.detection.profiles.history_index import in_bulk_history

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Timeline:
    """Positions of the invoices in order of time, and for each row in that order its night and day.

    Shape (rows,) each, with a row for every invoice. order: positions in the frame. night: codes that ascend. day: of
    the night, in days since 1970; invoices without a night count as those of the first one.
    """

    order: Codes
    night: Codes
    day: Codes

    @classmethod
    def of(cls, invoices: pd.DataFrame, contract: Contract) -> "Timeline":
        """Order by extract date, then by the contract's dates, then by position."""
        return cls._ordered(invoices, contract, nights_of(invoices), np.zeros(len(invoices), dtype=np.int64))

    @classmethod
    def of_documents(cls, invoices: pd.DataFrame, contract: Contract, bulk: Mask) -> "Timeline":
        """Order as `of` does, but an invoice of a bulk history has the night of its booking.

        bulk: shape (rows,), whether an invoice is of such a history. Without a date, the entity's invoices are taken as
        having come in the order given, in as many nights as a year has months.
        """
        nights, booked = nights_of(invoices), booked_on(invoices, contract)
        dated = booked != UNKNOWN_DAY
        entity = (
            pd.factorize(invoices[contract.entity])[0] if contract.entity else np.zeros(len(invoices), dtype=np.int64)
        )
        twelfth = np.where(bulk & ~dated, _twelfth(entity), 0)
        return cls._ordered(invoices, contract, np.where(bulk & dated, np.minimum(booked, nights), nights), twelfth)

    @classmethod
    def _ordered(cls, invoices: pd.DataFrame, contract: Contract, nights: Codes, twelfth: Codes) -> "Timeline":
        dates = [days_of(invoices[name]) for name in contract.dates]
        order = np.lexsort([*reversed(dates), twelfth, nights])
        day, twelfth = nights[order], twelfth[order]
        turns = (np.diff(day, prepend=day[:1]) != 0) | (np.diff(twelfth, prepend=twelfth[:1]) != 0)
        return cls(order, np.cumsum(turns), day)


UNKNOWN_DAY = np.iinfo(np.int64).min
LAST_DAY = 10**6  # beyond any date that pandas holds
SOON = 7  # days from booking to the night of an ordinary extract, at most
BULK_NIGHTS_OF_ENTITY = 12  # nights of an entity in a history that came at once and bears no dates


def nights_of(invoices: pd.DataFrame) -> Codes:
    """Days since 1970 of the nights; invoices without one count as those of the first; shape (rows,)."""
    nights = days_of(invoices["extract_date"])
    return np.where(nights == UNKNOWN_DAY, nights[nights != UNKNOWN_DAY].min(initial=LAST_DAY), nights)


def booked_on(invoices: pd.DataFrame, contract: Contract) -> Codes:
    """The day that stands for an invoice's night if the night itself says nothing, in days since 1970; shape (rows,).

    It is the date of the document, or the date that this is counted from: a date of booking is nearer to the night
    than a date that somebody else wrote. UNKNOWN_DAY for an invoice without such a date.
    """
    name = contract.booking_date_field
    return np.full(len(invoices), UNKNOWN_DAY) if name is None else days_of(invoices[name])


def gathered_over_days(invoices: pd.DataFrame, contract: Contract) -> Mask:
    """Mask of the invoices whose night gathers weeks, as a month's file does: most were booked long before it.

    It needs a contract with a date of booking, from which the date of the document is counted: documents are always
    older. It looks at the night alone, so that months in a history and a month to be scored are treated alike; shape
    (rows,).
    """
    if contract.booking_date_field in (None, contract.invoice_date_field) or not len(invoices):
        return np.zeros(len(invoices), dtype=bool)
    nights, booked = nights_of(invoices), booked_on(invoices, contract)
    old = (booked != UNKNOWN_DAY) & (nights - np.maximum(booked, 0) > SOON)
    night = np.unique(nights, return_inverse=True)[1]
    mostly: Mask = np.bincount(night, old) > 0.5 * np.bincount(night)
    return mostly[night]


def _twelfth(entity: Codes) -> Codes:
    """The twelfth, 0 to 11, of its entity's invoices in the order given that an invoice is in; shape (rows,)."""
    order, begins = gathered(entity + 1)
    starts = np.flatnonzero(begins)
    sizes = np.diff(np.append(starts, len(order)))
    rank = np.arange(len(order)) - np.repeat(starts, sizes)
    twelfth = np.empty(len(order), dtype=np.int64)
    twelfth[order] = rank * BULK_NIGHTS_OF_ENTITY // np.repeat(sizes, sizes)
    return twelfth


def bulk_nights(nights: Codes) -> Mask:
    """Mask of the invoices of a bulk history: a night with a large share of all; nights: days since 1970, (rows,)."""
    return in_bulk_history(np.unique(nights, return_inverse=True)[1])


def days_of(dates: "pd.Series[pd.Timestamp]") -> Codes:
    """Days since 1970, UNKNOWN_DAY where there is no date; shape (rows,)."""
    return dates.to_numpy("datetime64[D]").astype(np.int64)


def group(*columns: npt.NDArray[Any]) -> Codes:
    """Number the distinct combinations of these columns; columns, numbers: shape (rows,) each."""
    codes: Codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        own = pd.factorize(column)[0].astype(np.int64)
        codes = pd.factorize(codes * (own.max(initial=0) + 1) + own)[0].astype(np.int64)
    return codes


def gathered(groups: npt.NDArray[Any]) -> tuple[Codes, Mask]:
    """Order rows by group, and within a group as they come; tell in that order where a group begins; (rows,) each.

    groups: codes or hashes, shape (rows,). A key and its position are sorted as one number, which is several times as
    fast as a stable sort; of a hash, 64 bits less those of a position are left.
    """
    bits = np.uint64(len(groups).bit_length())
    keys = (groups.astype(np.uint64) << bits) | np.arange(len(groups), dtype=np.uint64)
    keys.sort()
    begins = np.ones(len(keys), dtype=bool)
    begins[1:] = (keys[1:] >> bits) != (keys[:-1] >> bits)
    return (keys & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.intp), begins


class GroupedRunningSums:
    """Sums over the invoices of the same group that came by the end of an invoice's own night.

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
        position = np.empty(rows, dtype=np.intp)
        position[self.order] = np.arange(rows)
        self._begin = np.maximum.accumulate(np.where(begins, np.arange(rows), 0))[position]
        self._night = starts[run][position]
        self._end = np.append(starts[1:], rows)[run][position] if rows else starts

    def sum_up_to(self, values: FloatArray | Mask, at: Codes | slice = slice(None)) -> FloatArray:
        """Sum up to the end of the night, without the row itself, for all rows or those at `at`; (rows,) or (at,)."""
        running = self._running(values)
        total: FloatArray = running[self._end[at]] - running[self._begin[at]] - values[at]
        return total

    def sum_before(self, values: FloatArray | Mask) -> FloatArray:
        """Sum over the nights before the own one; values, sum: shape (rows,)."""
        running = self._running(values)
        total: FloatArray = running[self._night] - running[self._begin]
        return total

    def sums_by_side(self, values: FloatArray | Mask) -> tuple[FloatArray, FloatArray]:
        """Sum over the own night, without the invoice itself, and over the nights before it; shape (rows,) each."""
        before = self.sum_before(values)
        return self.sum_up_to(values) - before, before

    def counts_by_side(self) -> tuple[FloatArray, FloatArray]:
        """Number of others in the own night, and in the nights before it; shape (rows,) each."""
        return (self._end - self._night - 1).astype(float), (self._night - self._begin).astype(float)

    def count_up_to(self) -> FloatArray:
        """Number of others that came by the end of the own night, shape (rows,)."""
        return (self._end - self._begin - 1).astype(float)

    def previous(self) -> Codes:
        """Row of the invoice before in the same group, -1 for the first; shape (rows,)."""
        found: Codes = np.full(len(self.order), -1, dtype=np.intp)
        here, before = self.order[1:], self.order[:-1]
        follows = self._begin[here] == self._begin[before]
        found[here[follows]] = before[follows]
        return found

    def _running(self, values: FloatArray | Mask) -> FloatArray:
        running = np.zeros(len(self.order) + 1)
        np.cumsum(values[self.order], out=running[1:])
        return running
