"""Blocking: the pairs of invoices that are compared, and the comparison level of each.

A pair has the same entity (or one of a similar name) and shares a block: an equal amount and a deletion variant of the
number, or an equal number. Within a block each invoice is compared with the few latest before it.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.duplicates.invoice_numbers import Hashes, Numbers, mixed, shared
from invoice_anomalies.detection.checks.duplicates.vendor_names import cluster_vendor_names
from invoice_anomalies.detection.checks.timeline import GroupedRunningSums, Mask, Timeline, days_of, group
from invoice_anomalies.detection.features.features import Codes

NEIGHBOURS = 3
"""Earlier invoices of a block that each invoice is compared with, the latest ones: a larger block is a series."""
NEAR_AMOUNT = 0.01
"""Largest relative difference of amounts that are near."""
DIGITS = 15  # of an amount in cents that a float holds exactly
LARGEST_AMOUNT = 1e12  # beyond it, a hundredth is lost in a float


class ComparisonLevel(IntEnum):
    """How the number of a copy, or its amount, differs from that of its original; positions count from the right."""

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


EDITS = (
    ComparisonLevel.LAST,
    ComparisonLevel.SECOND,
    ComparisonLevel.THIRD,
    ComparisonLevel.FARTHER,
    ComparisonLevel.EXCHANGED,
    ComparisonLevel.LENGTH,
)


@dataclass(frozen=True)
class CandidateInvoices:
    """The invoices that have entity, number and amount, in order of time, shape (rows,) each.

    entity: codes, similarly named ones as one; own: codes of the entities themselves; number: index into `numbers`;
    cents: the amount in hundredths; night: ascending codes; day, dated: of the night and of the document, in days
    since 1970.
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

    def take(self, rows: Codes | Mask) -> "CandidateInvoices":
        """Some of the rows, indices of shape (kept,) or a mask of shape (rows,).

        They must be all rows of their entities, or the running sums would miss some.
        """
        numbers = self.numbers.take(self.number[rows])
        return CandidateInvoices(
            entity=self.entity[rows],
            own=self.own[rows],
            number=numbers.codes,
            cents=self.cents[rows],
            night=self.night[rows],
            day=self.day[rows],
            dated=self.dated[rows],
            numbers=numbers,
        )


WHOLE = -1  # in place of a position: no character is left out


@dataclass(frozen=True)
class DeletionVariants:
    """Every number whole and with each of its characters left out (SymSpell; Mor and Fraenkel 1982).

    row: of the candidates, ascending; position: of the character that is left out, or WHOLE; hash: of what is left;
    shape (variants,) each. Of equal neighbours either may be left out for one variant: `is_canonical` is True for one.
    """

    row: Codes
    position: Codes
    hash: Hashes
    is_canonical: Mask

    @classmethod
    def of_candidates(cls, candidates: CandidateInvoices) -> "DeletionVariants":
        numbers, number = candidates.numbers, candidates.number
        row, position = np.nonzero(np.column_stack([numbers.characters != 0, numbers.whole != 0])[number])
        hashes = np.column_stack([numbers.without, numbers.whole])[number[row], position]
        canonical = np.column_stack([numbers.is_canonical, numbers.whole != 0])[number[row], position]
        return cls(row, np.where(position == numbers.without.shape[1], WHOLE, position), hashes, canonical)


@dataclass(frozen=True)
class Pairs:
    """Pairs of candidates by row: `later` may be a copy of `earlier`; level: of comparison; shape (pairs,) each."""

    later: Codes
    earlier: Codes
    level: Codes

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Pairs":
        """Some of the pairs; chosen: shape (pairs,)."""
        return Pairs(self.later[chosen], self.earlier[chosen], self.level[chosen])


def read_candidates(
    invoices: pd.DataFrame, contract: Contract, number_field: str, bulk: Mask
) -> tuple[Codes, CandidateInvoices]:
    """Take the invoices that have entity, number and amount, in order of time, and their positions in the frame.

    bulk: mask of the invoices of a bulk history, whose dates stand for its nights, shape (rows,).
    """
    assert contract.entity is not None and contract.amount is not None
    timeline = Timeline.of_documents(invoices, contract, bulk)
    entity, _ = pd.factorize(invoices[contract.entity])
    cluster = cluster_vendor_names(invoices, contract, entity)
    numbers = Numbers.read(invoices[number_field])
    amount = invoices[contract.amount].to_numpy(float, na_value=np.nan)
    cents = np.rint(np.where(np.abs(amount) < LARGEST_AMOUNT, amount, 0.0) * 100.0).astype(np.int64)
    usable = (entity >= 0) & (numbers.codes >= 0) & (cents != 0)
    kept = usable[timeline.order]
    position = timeline.order[kept]
    date = contract.invoice_date_field
    night, day = timeline.night[kept], timeline.day[kept]
    candidates = CandidateInvoices(
        entity=cluster[position],
        own=entity[position],
        number=numbers.codes[position],
        cents=cents[position],
        night=night,
        day=day,
        dated=days_of(invoices[date])[position] if date else day,
        numbers=numbers,
    )
    return position, candidates


def list_pairs(candidates: CandidateInvoices, variants: DeletionVariants) -> Pairs:
    """List the pairs of one entity with equal amounts and near numbers, or the same number and near amounts."""
    numbers, code = candidates.numbers, candidates.number
    amounts = group(candidates.entity, candidates.cents)
    several = np.bincount(amounts)[amounts] > 1 if candidates.rows else np.zeros(0, dtype=bool)
    rows, bare = np.flatnonzero(several), np.flatnonzero(several & (numbers.bare[code] != 0))
    edited = several[variants.row] & variants.is_canonical
    shortened = variants.row[edited]
    later, earlier = _neighbours(
        (shortened, mixed(amounts[shortened], variants.hash[edited])),
        (rows, mixed(amounts[rows] + candidates.rows, numbers.stripped[code[rows]])),
        (bare, mixed(amounts[bare] + 2 * candidates.rows, numbers.bare[code[bare]])),
    )
    equal = Pairs(later, earlier, _levels(candidates, later, earlier))
    every = np.arange(candidates.rows)
    later, earlier = _neighbours((every, mixed(candidates.entity, numbers.stripped[code])))
    near = _near_amounts(candidates.cents[later], candidates.cents[earlier])
    found = Pairs(
        np.concatenate([equal.later, later[near]]),
        np.concatenate([equal.earlier, earlier[near]]),
        np.concatenate([equal.level, np.full(int(near.sum()), ComparisonLevel.NEAR_AMOUNT)]),
    )
    return found.take((found.level >= 0) & ~_reversed_between(candidates, found))


def block_candidates(candidates: CandidateInvoices, query: Mask) -> Mask:
    """The candidates of those entities of which a query row may be a copy of another row; shape (rows,) both.

    query: mask of the candidates that are query rows.
    """
    blocks = (
        group(candidates.entity, column)
        for column in (candidates.cents, candidates.numbers.stripped[candidates.number])
    )
    shares_block = np.zeros(candidates.rows, dtype=bool)
    for block in blocks:
        size, of_query = np.bincount(block), np.bincount(block, query)
        shares_block |= ((size > 1) & (of_query > 0))[block]
    rows = np.flatnonzero(shares_block)
    some = candidates.take(rows)
    later = rows[list_pairs(some, DeletionVariants.of_candidates(some)).later]
    entities = np.zeros(int(candidates.entity.max(initial=-1)) + 1, dtype=bool)
    entities[candidates.entity[later[query[later]]]] = True
    return entities[candidates.entity]


def _neighbours(*blocks: tuple[Codes, Hashes]) -> tuple[Codes, Codes]:
    """Pair each row with the few rows before it in its blocks; each pair once: later and earlier rows, shape (pairs,).

    blocks: rows and their keys, shape (entries,) both.
    """
    key = np.concatenate([key for _, key in blocks])
    met = shared(key)
    row, key = np.concatenate([row for row, _ in blocks])[met], key[met]
    # A row may stand in a block twice; so rows ascend within a block, and pairs are of different rows.
    order = np.lexsort([row, key])
    row, key = row[order], key[order]
    rows = int(row.max(initial=0)) + 1
    found = [np.zeros(0, dtype=np.int64)]
    for lag in range(1, NEIGHBOURS + 1):
        meet = (key[lag:] == key[:-lag]) & (row[lag:] > row[:-lag])
        found.append(row[lag:][meet] * rows + row[:-lag][meet])
    pairs = np.unique(np.concatenate(found))
    return pairs // rows, pairs % rows


def _levels(candidates: CandidateInvoices, later: Codes, earlier: Codes) -> Codes:
    """ComparisonLevel of each pair of equal amounts, -1 for numbers that are not near; shape (pairs,) each."""
    numbers = candidates.numbers
    one, other = candidates.number[later], candidates.number[earlier]
    here, there = numbers.characters[one], numbers.characters[other]
    differ = here != there
    count, position, pair = differ.sum(axis=1), differ.argmax(axis=1), np.arange(len(one))
    following = np.minimum(position + 1, here.shape[1] - 1)
    lengths = numbers.length[one] - numbers.length[other]
    exchanged = (count == 2) & (here[pair, position] == there[pair, following])
    exchanged &= here[pair, following] == there[pair, position]
    levels = np.select(
        [
            one == other,
            numbers.stripped[one] == numbers.stripped[other],
            (lengths == 0) & (count == 1),
            (lengths == 0) & exchanged,
            (numbers.bare[one] != 0) & (numbers.bare[one] == numbers.bare[other]),
            np.abs(lengths) == 1,
        ],
        [
            ComparisonLevel.SAME,
            ComparisonLevel.WRITING,
            ComparisonLevel.LAST + np.minimum(position, 3),
            ComparisonLevel.EXCHANGED,
            ComparisonLevel.AFFIX,
            ComparisonLevel.LENGTH,
        ],
        default=-1,
    )
    return np.asarray(levels, dtype=np.int64)


def _near_amounts(one: Codes, other: Codes) -> npt.NDArray[np.bool_]:
    """Whether amounts differ, by little or by two neighbouring digits that are exchanged; cents, (pairs,) each."""
    near = np.abs(one - other) < NEAR_AMOUNT * np.abs(other)
    size = np.abs(other)
    for position in range(DIGITS):
        low, high = size // 10**position % 10, size // 10 ** (position + 1) % 10
        near |= np.abs(one) == size + (high - low) * 10**position + (low - high) * 10 ** (position + 1)
    return np.asarray(near & (one != other) & ((one > 0) == (other > 0)))


def _reversed_between(candidates: CandidateInvoices, pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Whether a credit note took the earlier one back by the later one's night, so that this corrects it; (pairs,)."""
    sums = GroupedRunningSums(group(candidates.entity, np.abs(candidates.cents)), candidates.night)
    found = np.zeros(len(pairs.later), dtype=bool)
    for sign in (1, -1):
        opposite = np.sign(candidates.cents) == -sign
        since = sums.sum_up_to(opposite)[pairs.later] - sums.sum_before(opposite)[pairs.earlier]
        found |= (np.sign(candidates.cents[pairs.earlier]) == sign) & (since > 0)
    return np.asarray(found & (pairs.level != ComparisonLevel.NEAR_AMOUNT))
