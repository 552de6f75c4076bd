"""The u side of a match weight: the invoices that are as near to an invoice by mere chance.

The expected number of chance matches is a u probability times the invoices that were compared: the numbers that are
near, times the share of amounts that are equal. Each rate is an entity's own, shrunk to that of the population where
its history is thin (indirect standardisation with a gamma prior: Clayton and Kaldor 1987, Empirical Bayes estimates of
age-standardized relative risks), and counts only the invoices up to the end of the row's own night.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from invoice_anomalies.detection.checks.duplicates.candidates import (
    WHOLE,
    CandidateInvoices,
    ComparisonLevel,
    DeletionVariants,
    Pairs,
)
from invoice_anomalies.detection.checks.duplicates.invoice_numbers import Hashes, mixed, shared
from invoice_anomalies.detection.checks.duplicates.population import PopulationCount, RunningCounts, invoice_count
from invoice_anomalies.detection.checks.timeline import GroupedRunningSums, Mask, group
from invoice_anomalies.detection.features.features import Codes, FloatArray

PRIOR = 1.0  # expected events that the population's rate is worth, against an entity's own count
CELL = 50.0  # invoices that the population's rate is worth, against that of entities as large with numbers as long
ALIKE = 20.0  # near numbers that the share of equal amounts is worth, against that of amounts as round
MOST_NEAR = 20  # numbers this near beyond which a series is just a series
NEAR_CELL = "length and size"
RETURN_CELL = "roundness and size"


def population_counts(
    candidates: CandidateInvoices, counts: RunningCounts, neighbours: "NeighbourCounts", pairs: Pairs
) -> Iterator[PopulationCount]:
    """The counts over the population that chance matches rest on, for the fit to sum up."""
    yield invoice_count(candidates)
    yield invoice_count(candidates, by=NEAR_CELL)
    yield from _AmountReturns.of_candidates(candidates, counts).population_counts()
    for stratum in _strata(candidates, neighbours, pairs):
        yield from stratum.population_counts()


def expected_chance_matches(
    candidates: CandidateInvoices, counts: RunningCounts, neighbours: "NeighbourCounts", pairs: Pairs
) -> FloatArray:
    """Expected number of invoices that are as near to the later one of each pair by chance; shape (pairs,).

    Other invoices whose number is at the comparison level, less the one of the pair, times the chance that amounts are
    equal: the amount's own share, or the share of such near numbers that come with an equal amount if that is more.
    """
    expected = np.ones(len(pairs.later))
    amount = equal_amount_share(candidates, counts)
    for stratum in _strata(candidates, neighbours, pairs):
        if not stratum.chosen.any():
            continue
        rows = pairs.later[stratum.chosen]
        share = stratum.share_of_equal_amounts(counts, rows)
        share = share if stratum.level == ComparisonLevel.NEAR_AMOUNT else np.maximum(share, amount[rows])
        further = stratum.expected_near_numbers(counts, rows)
        others = np.maximum(stratum.neighbours[rows] - 1.0, 0.0)
        expected[stratum.chosen] = (others + further) * np.minimum(share, 1.0)
    return expected


@dataclass(frozen=True)
class _AmountReturns:
    """Returns of entities to an amount.

    others: other invoices of the entity with the amount, same_night: of them in the own night; again, possible: whether
    there is exactly one such, and whether there were invoices to come back to; shape (rows,) each.
    """

    sums: GroupedRunningSums
    others: FloatArray
    same_night: FloatArray
    again: Mask
    possible: Mask

    @classmethod
    def of_candidates(cls, candidates: CandidateInvoices, counts: RunningCounts) -> "_AmountReturns":
        sums = GroupedRunningSums(group(candidates.entity, candidates.cents), candidates.night)
        others, (same_night, _) = sums.count_up_to(), sums.counts_by_side()
        return cls(sums, others, same_night, others == 1.0, counts.entity_rows > 0)

    def population_counts(self) -> tuple[PopulationCount, PopulationCount]:
        returned = PopulationCount("returned", RETURN_CELL, self.again & self.possible)
        return returned, PopulationCount("could return", RETURN_CELL, self.possible)


def equal_amount_share(candidates: CandidateInvoices, counts: RunningCounts) -> FloatArray:
    """Chance that another invoice of the entity has this amount, shape (rows,); the pair that is scored does not count.

    A recurring amount has the share that it recurs with. For an amount seen once it is the entity's rate of coming
    back to such amounts, over the number of them; the population's rate depends on how round the amount is, and on how
    many invoices there were to come back to.
    """
    amounts = _AmountReturns.of_candidates(candidates, counts)
    # The two invoices of a pair in one night are each other's return: the pair that is scored does not count.
    returns = counts.entity.sum_up_to(amounts.again) - (amounts.again & (amounts.same_night == 1.0))
    order = _order_within(amounts.sums)
    once = np.maximum(counts.entity.sum_up_to((order == 0).astype(float) - (order == 1)), 1.0)
    returned, possible = (counts.population.sum_up_to(count) for count in amounts.population_counts())
    usual = (returned + 1.0) / (possible + 10.0)
    rate = np.minimum(usual * (returns + PRIOR) / (counts.entity.sum_up_to(usual) + PRIOR), 1.0)
    seen: FloatArray = np.maximum(rate / once, (amounts.others - 1.0) / np.maximum(counts.entity_rows, 1.0))
    return seen


def _order_within(sums: GroupedRunningSums) -> Codes:
    """Number of rows of the same group before each row, up to 2, in order of time; shape (rows,)."""
    previous = sums.previous()
    order = np.zeros(len(previous), dtype=np.int64)
    # Only the first two matter: a second one follows one that follows none.
    follows = previous >= 0
    order[follows] = 1 + (previous[previous[follows]] >= 0)
    return order


def _strata(candidates: CandidateInvoices, neighbours: "NeighbourCounts", pairs: Pairs) -> "Iterator[_Stratum]":
    """The comparison levels, each in one night and in different nights."""
    together = candidates.night[pairs.later] == candidates.night[pairs.earlier]
    for level in ComparisonLevel:
        for same_night, near in ((True, neighbours.same_night), (False, neighbours.before)):
            chosen = (pairs.level == level) & (together == same_night)
            yield _Stratum(level, same_night, near[level], chosen, pairs.later[chosen])


@dataclass(frozen=True)
class _Stratum:
    """The pairs of one comparison level, in one night or not, and their rates among rows of the same class.

    Rates are taken within a class of rows: vendor size by number length, or roundness of the amount. The pair that is
    scored is excluded: in one night, its earlier row is near because of its later one. neighbours: numbers at the
    level, by row, shape (rows,); chosen: of the pairs, shape (pairs,); later: their later rows, shape (chosen,).
    """

    level: ComparisonLevel
    same_night: bool
    neighbours: FloatArray
    chosen: Mask
    later: Codes

    @property
    def near(self) -> FloatArray:
        """Neighbours by row, up to the most that count; shape (rows,)."""
        return np.minimum(self.neighbours, MOST_NEAR)

    def population_counts(self) -> Iterator[PopulationCount]:
        """The numbers that are near, and those of them with an equal amount, by class of row."""
        for by in ("all", NEAR_CELL, "roundness"):
            yield self._near(by)
        for by in ("all", "roundness"):
            yield self._equal(self.later, by)

    def _near(self, by: str = "all") -> PopulationCount:
        return PopulationCount(self._name("near"), by, self.near)

    def _equal(self, rows: Codes, by: str = "all") -> PopulationCount:
        equal = np.zeros(len(self.neighbours), dtype=bool)
        equal[rows] = True
        return PopulationCount(self._name("equal"), by, equal)

    def _name(self, what: str) -> str:
        return f"{self.level.name} {what} {'in one night' if self.same_night else 'later'}"

    def _own_pair(self, counts: RunningCounts) -> float:
        """1.0 if the population counts the pair that is scored, which then is taken off."""
        return float(self.same_night and counts.population.includes_query)

    def expected_near_numbers(self, counts: RunningCounts, at: Codes) -> FloatArray:
        """Expected number of invoices with a number as near, seen or not; at: rows, shape (at,); returns (at,)."""
        near, population = self.near, counts.population
        everywhere = (population.sum_up_to(self._near()) + 0.5) / (counts.population_rows + 1.0)
        invoices = PopulationCount("invoices", NEAR_CELL, np.ones(len(near)))
        alike = population.sum_up_to(invoices) + CELL
        usual = (population.sum_up_to(self._near(NEAR_CELL)) + CELL * everywhere) / alike
        own = np.maximum(counts.entity.sum_up_to(near, at) - self.same_night, 0.0) + PRIOR / 2
        ordinary = np.maximum(usual[at] - self._own_pair(counts) / alike[at], 0.5 / (counts.population_rows[at] + 1.0))
        expected: FloatArray = ordinary * own / (counts.entity.sum_up_to(usual, at) + PRIOR / 2)
        return expected

    def share_of_equal_amounts(self, counts: RunningCounts, at: Codes) -> FloatArray:
        """Share of numbers as near that come with an equal amount; at: the later rows, shape (at,); returns (at,)."""
        near, population, own_pair = self.near, counts.population, self._own_pair(counts)
        equal = self._equal(at)
        everywhere = (population.sum_up_to(equal) + 0.5) / (
            np.maximum(population.sum_up_to(self._near()) - own_pair, 0.0) + 1.0
        )
        alike = np.maximum(population.sum_up_to(self._near("roundness")) - own_pair, 0.0)
        usual = (population.sum_up_to(self._equal(at, "roundness")) + ALIKE * everywhere) / (alike + ALIKE)
        own = counts.entity.sum_up_to(equal.values, at) + PRIOR
        share: FloatArray = usual[at] * own / (counts.entity.sum_up_to(near * usual, at) + PRIOR)
        return share


@dataclass(frozen=True)
class NeighbourCounts:
    """Other invoices of the entity with a number at each comparison level, of any amount; shape (rows,) each."""

    same_night: dict[int, FloatArray]
    before: dict[int, FloatArray]

    @classmethod
    def of_candidates(cls, candidates: CandidateInvoices, variants: DeletionVariants) -> "NeighbourCounts":
        """Count by comparison level, in the own night and in the nights before it."""
        numbers, code = candidates.numbers, candidates.number
        sides = [
            GroupedRunningSums(group(candidates.entity, values), candidates.night).counts_by_side()
            for values in (code, numbers.stripped[code].view(np.int64), numbers.bare[code].view(np.int64))
        ]
        edits = _edits_near(candidates, variants)
        found: list[dict[int, FloatArray]] = []
        for side in (0, 1):
            same, stripped, bare = (counts[side] for counts in sides)
            found.append(
                {
                    ComparisonLevel.SAME: same,
                    ComparisonLevel.WRITING: stripped - same,
                    ComparisonLevel.AFFIX: np.where(numbers.bare[code] != 0, np.maximum(bare - stripped, 0.0), 0.0),
                    **edits[side],
                    ComparisonLevel.NEAR_AMOUNT: stripped,
                }
            )
        return cls(*found)


def _edits_near(candidates: CandidateInvoices, variants: DeletionVariants) -> list[dict[int, FloatArray]]:
    """Count the numbers that share a deletion variant, by comparison level: in the own night, and in those before it.

    Same position deleted in both: a substitution. Same character deleted elsewhere: a transposition. One of the two
    undeleted: an insertion. Returns the counts of the two sides, shape (rows,) each.
    """
    numbers, number = candidates.numbers, candidates.number
    whole, character = variants.position == WHOLE, numbers.characters[number[variants.row], variants.position]
    keys, canonical = mixed(candidates.entity[variants.row], variants.hash), variants.is_canonical & ~whole
    equal = group(candidates.entity, numbers.whole[number].view(np.int64))
    same = GroupedRunningSums(equal, candidates.night).counts_by_side()
    at_position = _shared_variants(candidates, variants, mixed(variants.position, keys), ~whole)
    of_character = _shared_variants(candidates, variants, mixed(character.astype(np.int64), keys), canonical)
    variant = _shared_variants(candidates, variants, keys, canonical | whole)
    short, entire = (variant.sums.sums_by_side(which[variant.entry]) for which in (canonical, whole))
    found: list[dict[int, FloatArray]] = []
    for side in (0, 1):
        by_level: dict[int, FloatArray] = {}
        others = at_position.sums.counts_by_side()[side] - same[side][at_position.row]
        for step in range(4):
            chosen = np.minimum(variants.position[at_position.entry], 3) == step
            by_level[ComparisonLevel.LAST + step] = at_position.by_row(others, chosen)
        # Two that have characters exchanged lack either of them in turn; one whose character moved farther counts half.
        others = of_character.sums.counts_by_side()[side] - same[side][of_character.row]
        by_level[ComparisonLevel.EXCHANGED] = 0.5 * of_character.by_row(others)
        by_level[ComparisonLevel.LENGTH] = variant.by_row(np.where(whole[variant.entry], short[side], entire[side]))
        found.append(by_level)
    return found


@dataclass(frozen=True)
class SharedVariants:
    """The deletion variants that more than one number may have, and their running sums.

    entry: their positions among all variants; row: of the candidates; shape (shared,) each. rows: of all candidates.
    """

    entry: Codes
    row: Codes
    rows: int
    sums: GroupedRunningSums

    def by_row(self, counts: FloatArray, chosen: Mask | None = None) -> FloatArray:
        """Sum the counts of a row's variants, or of the chosen ones; counts, chosen: (shared,); returns (rows,)."""
        counts = counts if chosen is None else np.where(chosen, counts, 0.0)
        return np.bincount(self.row, counts, self.rows).astype(float)


def _shared_variants(
    candidates: CandidateInvoices, variants: DeletionVariants, keys: Hashes, chosen: Mask
) -> SharedVariants:
    """Gather the chosen variants that share a key; keys, chosen: shape (variants,)."""
    entry = np.flatnonzero(chosen)
    entry = entry[shared(keys[entry])]
    row = variants.row[entry]
    sums = GroupedRunningSums(keys[entry].view(np.int64), candidates.night[row])
    return SharedVariants(entry, row, candidates.rows, sums)
