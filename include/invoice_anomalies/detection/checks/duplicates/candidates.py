"""Pairs of invoices that may be one invoice twice: found in buckets, a few neighbours each, and told apart by kind."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from invoice_anomalies.detection.checks.duplicates.invoice_numbers import Hashes, Numbers, mixed, shared
from invoice_anomalies.detection.checks.timeline import Mask, Past, group
from invoice_anomalies.detection.features.features import Codes

NEIGHBOURS = 3
"""Earlier invoices of a bucket that each invoice is compared with, the latest ones: a larger bucket is a series."""
NEAR_AMOUNT = 0.01
"""Largest relative difference of amounts that are near."""
DIGITS = 15


class Kind(IntEnum):
    """How the number of a copy differs from that of its original; places count from the right."""

    SAME = 0
    WRITING = 1
    AFFIX = 2
    LAST = 3
    SECOND = 4
    THIRD = 5
    FARTHER = 6
    EXCHANGED = 7
    LENGTH = 8
    NEAR_AMOUNT = 9


EDITS = (Kind.LAST, Kind.SECOND, Kind.THIRD, Kind.FARTHER, Kind.EXCHANGED, Kind.LENGTH)


@dataclass(frozen=True)
class Ledger:
    """The invoices that have all that a comparison needs, in order of time, shape (rows,) each.

    entity: codes, similarly named ones as one; own: codes of the entities themselves; number: index into `numbers`;
    night, day as in a Timeline; dated: day of the document; cents: the amount in hundredths.
    """

    entity: Codes
    own: Codes
    number: Codes
    cents: Codes
    night: Codes
    day: Codes
    dated: Codes
    numbers: Numbers

    @property
    def rows(self) -> int:
        return len(self.entity)

    def take(self, rows: Codes | Mask) -> "Ledger":
        """The same for some of the rows, which must be all of their entities for the past to be whole."""
        numbers = self.numbers.take(self.number[rows])
        return Ledger(
            entity=self.entity[rows],
            own=self.own[rows],
            number=numbers.codes,
            cents=self.cents[rows],
            night=self.night[rows],
            day=self.day[rows],
            dated=self.dated[rows],
            numbers=numbers,
        )


WHOLE = -1


@dataclass(frozen=True)
class Shortened:
    """Every number of the ledger whole and with each of its signs left out: row (ascending), place or WHOLE, hash.

    Of equal signs in a row, any may be left out for the same form; only the `first` of them stands for it.
    """

    row: Codes
    place: Codes
    hash: Hashes
    first: Mask

    @classmethod
    def of(cls, ledger: Ledger) -> "Shortened":
        numbers, number = ledger.numbers, ledger.number
        row, place = np.nonzero(np.column_stack([numbers.signs != 0, numbers.whole != 0])[number])
        forms = np.column_stack([numbers.without, numbers.whole])[number[row], place]
        first = np.column_stack([numbers.first, numbers.whole != 0])[number[row], place]
        return cls(row, np.where(place == numbers.without.shape[1], WHOLE, place), forms, first)


@dataclass(frozen=True)
class Pairs:
    """Pairs of ledger rows: `later` may be a copy of `earlier`; shape (pairs,) each."""

    later: Codes
    earlier: Codes
    kind: Codes

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Pairs":
        return Pairs(self.later[chosen], self.earlier[chosen], self.kind[chosen])


def pairs_of(ledger: Ledger, shortened: Shortened) -> Pairs:
    """List the pairs of one entity with equal amounts and near numbers, or the same number and near amounts."""
    numbers, code = ledger.numbers, ledger.number
    amounts = group(ledger.entity, ledger.cents)
    several = np.bincount(amounts)[amounts] > 1 if ledger.rows else np.zeros(0, dtype=bool)
    rows, bare = np.flatnonzero(several), np.flatnonzero(several & (numbers.bare[code] != 0))
    edited = several[shortened.row] & shortened.first
    forms = shortened.row[edited]
    later, earlier = _neighbours(
        (forms, mixed(amounts[forms], shortened.hash[edited])),
        (rows, mixed(amounts[rows] + ledger.rows, numbers.stripped[code[rows]])),
        (bare, mixed(amounts[bare] + 2 * ledger.rows, numbers.bare[code[bare]])),
    )
    equal = Pairs(later, earlier, _kinds(ledger, later, earlier))
    every = np.arange(ledger.rows)
    later, earlier = _neighbours((every, mixed(ledger.entity, numbers.stripped[code])))
    near = _near_amounts(ledger.cents[later], ledger.cents[earlier])
    found = Pairs(
        np.concatenate([equal.later, later[near]]),
        np.concatenate([equal.earlier, earlier[near]]),
        np.concatenate([equal.kind, np.full(int(near.sum()), Kind.NEAR_AMOUNT)]),
    )
    return found.take((found.kind >= 0) & ~_reversed_between(ledger, found))


def concerned(ledger: Ledger, asked: Mask) -> Mask:
    """The rows of those entities of which an asked row may be a copy of another; shape (rows,) both."""
    buckets = (group(ledger.entity, column) for column in (ledger.cents, ledger.numbers.stripped[ledger.number]))
    candidate = np.zeros(ledger.rows, dtype=bool)
    for bucket in buckets:
        size, of_asked = np.bincount(bucket), np.bincount(bucket, asked)
        candidate |= ((size > 1) & (of_asked > 0))[bucket]
    rows = np.flatnonzero(candidate)
    some = ledger.take(rows)
    later = rows[pairs_of(some, Shortened.of(some)).later]
    entities = np.zeros(int(ledger.entity.max(initial=-1)) + 1, dtype=bool)
    entities[ledger.entity[later[asked[later]]]] = True
    return entities[ledger.entity]


def _neighbours(*buckets: tuple[Codes, Hashes]) -> tuple[Codes, Codes]:
    """Pair each row with the few rows before it in its buckets; each pair once."""
    key = np.concatenate([key for _, key in buckets])
    met = shared(key)
    row, key = np.concatenate([row for row, _ in buckets])[met], key[met]
    # A row may stand in a bucket twice; so rows ascend within a bucket, and pairs are of different rows.
    order = np.lexsort([row, key])
    row, key = row[order], key[order]
    rows = int(row.max(initial=0)) + 1
    found = [np.zeros(0, dtype=np.int64)]
    for lag in range(1, NEIGHBOURS + 1):
        meet = (key[lag:] == key[:-lag]) & (row[lag:] > row[:-lag])
        found.append(row[lag:][meet] * rows + row[:-lag][meet])
    pairs = np.unique(np.concatenate(found))
    return pairs // rows, pairs % rows


def _kinds(ledger: Ledger, later: Codes, earlier: Codes) -> Codes:
    """Kind of each pair of equal amounts; -1 where the numbers are not near after all."""
    numbers = ledger.numbers
    one, other = ledger.number[later], ledger.number[earlier]
    here, there = numbers.signs[one], numbers.signs[other]
    differ = here != there
    count, place, pair = differ.sum(axis=1), differ.argmax(axis=1), np.arange(len(one))
    following = np.minimum(place + 1, here.shape[1] - 1)
    lengths = numbers.length[one] - numbers.length[other]
    exchanged = (count == 2) & (here[pair, place] == there[pair, following])
    exchanged &= here[pair, following] == there[pair, place]
    kinds = np.select(
        [
            one == other,
            numbers.stripped[one] == numbers.stripped[other],
            (lengths == 0) & (count == 1),
            (lengths == 0) & exchanged,
            (numbers.bare[one] != 0) & (numbers.bare[one] == numbers.bare[other]),
            np.abs(lengths) == 1,
        ],
        [Kind.SAME, Kind.WRITING, Kind.LAST + np.minimum(place, 3), Kind.EXCHANGED, Kind.AFFIX, Kind.LENGTH],
        default=-1,
    )
    return np.asarray(kinds, dtype=np.int64)


def _near_amounts(one: Codes, other: Codes) -> npt.NDArray[np.bool_]:
    """Whether amounts differ, but by little or by two neighbouring digits that are exchanged."""
    near = np.abs(one - other) < NEAR_AMOUNT * np.abs(other)
    size = np.abs(other)
    for place in range(DIGITS):
        low, high = size // 10**place % 10, size // 10 ** (place + 1) % 10
        near |= np.abs(one) == size + (high - low) * 10**place + (low - high) * 10 ** (place + 1)
    return np.asarray(near & (one != other) & ((one > 0) == (other > 0)))


def _reversed_between(ledger: Ledger, pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Whether a credit note took the earlier one back by the night of the later one, so that this is its correction."""
    past = Past(group(ledger.entity, np.abs(ledger.cents)), ledger.night)
    found = np.zeros(len(pairs.later), dtype=bool)
    for sign in (1, -1):
        opposite = np.sign(ledger.cents) == -sign
        since = past.known(opposite)[pairs.later] - past.before(opposite)[pairs.earlier]
        found |= (np.sign(ledger.cents[pairs.earlier]) == sign) & (since > 0)
    return np.asarray(found & (pairs.kind != Kind.NEAR_AMOUNT))
