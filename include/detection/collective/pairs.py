"""Pairs of invoices that may be one invoice twice: found in buckets, a few neighbours each, and told apart by kind."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from include.detection.aspects import FloatArray
from include.detection.collective.numbers import Hashes, Numbers
from include.detection.collective.past import Mask, Past, group
from include.detection.history import Codes

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
        forms, first = (
            np.column_stack([numbers.without, numbers.whole]),
            np.column_stack([numbers.first, numbers.whole]),
        )
        width, at = numbers.without.shape[1], number[row]
        return cls(row, np.where(place == width, WHOLE, place), forms[at, place], first[at, place] != 0)


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
        (forms, _mixed(amounts[forms], shortened.hash[edited])),
        (rows, _mixed(amounts[rows] + ledger.rows, numbers.stripped[code[rows]])),
        (bare, _mixed(amounts[bare] + 2 * ledger.rows, numbers.bare[code[bare]])),
    )
    equal = Pairs(later, earlier, _kinds(ledger, later, earlier))
    every = np.arange(ledger.rows)
    later, earlier = _neighbours((every, _mixed(ledger.entity, numbers.stripped[code])))
    near = _near_amounts(ledger.cents[later], ledger.cents[earlier])
    found = Pairs(
        np.concatenate([equal.later, later[near]]),
        np.concatenate([equal.earlier, earlier[near]]),
        np.concatenate([equal.kind, np.full(int(near.sum()), Kind.NEAR_AMOUNT)]),
    )
    return found.take((found.kind >= 0) & ~_reversed_between(ledger, found))


def _mixed(groups: Codes, hashes: Hashes) -> Hashes:
    """One key of a group and a hash, by the finaliser of splitmix64 (Steele et al. 2014)."""
    keys = (groups.astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9)) ^ hashes
    keys ^= keys >> np.uint64(31)
    keys *= np.uint64(0x94D049BB133111EB)
    keys ^= keys >> np.uint64(29)
    return keys


def _shared(keys: Hashes) -> npt.NDArray[np.bool_]:
    """Leave out most keys that occur once, without sorting: those alone in a slot of a table of counts."""
    slots = keys & np.uint64((1 << max(int(2 * len(keys)).bit_length(), 1)) - 1)
    return np.asarray(np.bincount(slots.view(np.int64))[slots] > 1)


def _neighbours(*buckets: tuple[Codes, Hashes]) -> tuple[Codes, Codes]:
    """Pair each row with the few rows before it in its buckets; each pair once."""
    key = np.concatenate([key for _, key in buckets])
    shared = _shared(key)
    row, key = np.concatenate([row for row, _ in buckets])[shared], key[shared]
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


@dataclass(frozen=True)
class Nearness:
    """How many other invoices of the entity have a number this near, whatever their amount; shape (rows,) each."""

    own_night: dict[int, FloatArray]
    before: dict[int, FloatArray]

    @classmethod
    def of(cls, ledger: Ledger, shortened: Shortened) -> "Nearness":
        """Count by kind of difference, in the own night and in the nights before it."""
        numbers, code = ledger.numbers, ledger.number
        sides = [
            Past(group(ledger.entity, values), ledger.night).counts()
            for values in (code, numbers.stripped[code].view(np.int64), numbers.bare[code].view(np.int64))
        ]
        edits = _edits_near(ledger, shortened)
        found: list[dict[int, FloatArray]] = []
        for side in (0, 1):
            same, stripped, bare = (counts[side] for counts in sides)
            found.append(
                {
                    Kind.SAME: same,
                    Kind.WRITING: stripped - same,
                    Kind.AFFIX: np.where(numbers.bare[code] != 0, np.maximum(bare - stripped, 0.0), 0.0),
                    **edits[side],
                    Kind.NEAR_AMOUNT: stripped,
                }
            )
        return cls(*found)


def _edits_near(ledger: Ledger, shortened: Shortened) -> list[dict[int, FloatArray]]:
    """Count the numbers that share a form, by how they come to do so: in the own night, and in those before it.

    Two that lack a sign in the same place differ in that sign; two that lack the same sign in different places have it
    exchanged; one that is whole where the other lacks a sign is shorter by it.
    """
    keys = _mixed(ledger.entity[shortened.row], shortened.hash)
    shared = _shared(keys)
    keys, row, missing, first = (part[shared] for part in (keys, shortened.row, shortened.place, shortened.first))
    night, whole = ledger.night[row], missing == WHOLE
    sign = ledger.numbers.signs[ledger.number[row], missing]
    bucket = Past(keys.view(np.int64), night)
    by_place, by_sign = (Past(_mixed(np.where(whole, WHOLE, by), keys).view(np.int64), night) for by in (missing, sign))
    equal = Past(group(ledger.entity, ledger.numbers.whole[ledger.number].view(np.int64)), ledger.night)
    places = np.minimum(missing, 3)
    sums = (by_place.counts(), by_sign.sides(first), bucket.sides(first & ~whole), bucket.sides(whole), equal.counts())
    found: list[dict[int, FloatArray]] = []
    for in_place, with_sign, short, entire, same in zip(*sums, strict=True):
        kinds = {Kind.LAST + step: np.where(places == step, in_place - same[row], 0.0) for step in range(4)}
        # Two that have signs exchanged lack either of them in turn.
        kinds[Kind.EXCHANGED] = np.where(first & ~whole, 0.5 * (with_sign - same[row]), 0.0)
        kinds[Kind.LENGTH] = np.where(whole, short, np.where(first, entire, 0.0))
        found.append({kind: np.bincount(row, counts, ledger.rows).astype(float) for kind, counts in kinds.items()})
    return found
