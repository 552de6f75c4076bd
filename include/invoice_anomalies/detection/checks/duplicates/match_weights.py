"""Match weights: the logarithm of m over u, in nats, of all comparisons of a pair.

Number and amount are compared by their level. The further comparisons tell a copy from a series: a number out of place
or next in line, the days between, the same date; a series is learned from the invoices up to the row's own night.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from invoice_anomalies.detection.checks.duplicates.candidates import (
    EDITS,
    CandidateInvoices,
    ComparisonLevel,
    DeletionVariants,
    Pairs,
    list_pairs,
)
from invoice_anomalies.detection.checks.duplicates.population import PopulationCount, RunningCounts
from invoice_anomalies.detection.checks.duplicates.u_probabilities import NeighbourCounts, expected_chance_matches
from invoice_anomalies.detection.checks.timeline import GroupedRunningSums, Mask, group
from invoice_anomalies.detection.features.features import Codes, FloatArray

M_PROBABILITIES = {
    ComparisonLevel.SAME: 0.20,
    ComparisonLevel.WRITING: 0.10,
    ComparisonLevel.AFFIX: 0.05,
    ComparisonLevel.LAST: 0.30,
    ComparisonLevel.SECOND: 0.30,
    ComparisonLevel.THIRD: 0.30,
    ComparisonLevel.FARTHER: 0.30,
    ComparisonLevel.EXCHANGED: 0.10,
    ComparisonLevel.LENGTH: 0.10,
    ComparisonLevel.NEAR_AMOUNT: 0.05,
}
"""Share of all copies at each comparison level; one changed character has 0.30 over all its positions together."""
SAME_NIGHT = 0.15
"""Share of copies that come in the night of the original; most come later, with a reminder."""
OTHER_ENTITY = 0.2
"""Factor on the m probability of a copy that is booked for another entity of a similar name."""
NUMBERS_BEFORE = 24  # of an entity, the latest: the range of its numbers now
FARTHEST = 16  # powers of ten to which a number may be from those before; beyond, another skeleton
IN_PLACE = 2.0  # invoices that the population's share of numbers out of place is worth, against an entity's own
NEXT_NUMBER = -2.2  # ln(1/9): of the nine other last digits one is the next
DAYS = np.array([1, 2, 4, 7, 8, 14, 15, 21, 22, 27, 33, 46, 58, 64, 89, 94, 121])
"""Days apart that are told apart: weeks and months stand alone, for they are what series have between them."""
COPY_DAYS = 20.0  # mean days after which an invoice comes again: a reminder's time
GAPS = 5.0  # gaps between equal amounts that the population's distribution is worth, against an entity's own
SAME_DATE = 0.5  # share of later copies that bear the date of the original: keyed in again, and not written again
STRONGEST = 3.0  # nats of days and of dates: they support a finding, and are none


def match_weights(
    candidates: CandidateInvoices, counts: RunningCounts, pairs: Pairs, neighbours: NeighbourCounts
) -> FloatArray:
    """The match weight of each pair, log m - log u over all comparisons, in nats; shape (pairs,)."""
    chance = expected_chance_matches(candidates, counts, neighbours, pairs)
    weight: FloatArray = np.log(m_probabilities(candidates, pairs)) - np.log(chance)
    return weight + further_weights(candidates, counts, pairs)


def compare(candidates: CandidateInvoices) -> tuple[Pairs, NeighbourCounts]:
    """List the pairs, and count the near numbers."""
    variants = DeletionVariants.of_candidates(candidates)
    return list_pairs(candidates, variants), NeighbourCounts.of_candidates(candidates, variants)


def m_probabilities(candidates: CandidateInvoices, pairs: Pairs) -> FloatArray:
    """Share of all copies that differ from their original as each pair does; shape (pairs,)."""
    share = np.array([M_PROBABILITIES[level] for level in ComparisonLevel])[pairs.level]
    length = np.maximum(candidates.numbers.length[candidates.number[pairs.later]], 4)
    one_position = (pairs.level >= ComparisonLevel.LAST) & (pairs.level <= ComparisonLevel.THIRD)
    share = np.where(one_position, share / length, share)
    share = np.where(pairs.level == ComparisonLevel.FARTHER, share * (length - 3) / length, share)
    same_night = candidates.night[pairs.later] == candidates.night[pairs.earlier]
    share = share * np.where(same_night, SAME_NIGHT, 1.0 - SAME_NIGHT)
    same_entity = candidates.own[pairs.later] == candidates.own[pairs.earlier]
    found: FloatArray = share * np.where(same_entity, 1.0, OTHER_ENTITY)
    return found


def population_counts(candidates: CandidateInvoices, counts: RunningCounts, pairs: Pairs) -> Iterator[PopulationCount]:
    """The counts over the population that the further comparisons rest on, for the fit to sum up."""
    distance = _distances(candidates, counts)
    for digits in range(FARTHEST + 1):
        yield _out_of_place(distance, digits)
    for series in _gap_series(candidates, pairs):
        for gap_class in range(len(DAYS) - 1):
            yield from series.population_counts(gap_class)
    yield from _date_counts(candidates)


def further_weights(candidates: CandidateInvoices, counts: RunningCounts, pairs: Pairs) -> FloatArray:
    """Match weights of the comparisons beside number and amount, in nats; shape (pairs,)."""
    found = _sequence(candidates, pairs) + _gap(candidates, counts, pairs) + _date(candidates, counts, pairs)
    edited = np.isin(pairs.level, EDITS)
    found[edited] -= np.log(out_of_place_share(candidates, counts, pairs.later[edited]))
    return found


def out_of_place_share(candidates: CandidateInvoices, counts: RunningCounts, at: Codes) -> FloatArray:
    """Share of the entity's invoices whose number is as far from those before as that of the rows `at`; shape (at,).

    The numbers of most entities run on: a number that comes from elsewhere and yet is near an old number was copied.
    """
    distance = _distances(candidates, counts)
    share = np.ones(len(at))
    for digits in np.unique(distance[at]).tolist():
        here = distance[at] == digits
        rows, beyond = at[here], _out_of_place(distance, digits)
        usual = (counts.population.sum_up_to(beyond, rows) + 1.0) / (counts.population_rows[rows] + 1.0)
        own = counts.entity.sum_up_to(beyond.values, rows)
        share[here] = (own + IN_PLACE * usual) / (counts.entity_rows[rows] + IN_PLACE)
    return share


def _distances(candidates: CandidateInvoices, counts: RunningCounts) -> FloatArray:
    """Distance of each number from the nearest of the few before it, in powers of ten; shape (rows,)."""
    order = counts.entity.order
    entity, number = candidates.entity[order], candidates.number[order]
    skeleton, value = candidates.numbers.skeleton[number], candidates.numbers.value[number]
    nearest = np.full(candidates.rows, np.inf)
    for lag in range(1, NUMBERS_BEFORE + 1):
        alike = (entity[lag:] == entity[:-lag]) & (skeleton[lag:] == skeleton[:-lag])
        distance = np.where(alike, np.abs(value[lag:] - value[:-lag]), np.inf)
        nearest[lag:] = np.minimum(nearest[lag:], distance)
    found = np.empty(candidates.rows)
    found[order] = np.ceil(np.minimum(np.log10(1.0 + nearest), FARTHEST))
    return found


def _out_of_place(distance: FloatArray, digits: float) -> PopulationCount:
    """Numbers that are so many powers of ten or more from those before; distance: shape (rows,)."""
    return PopulationCount(f"{digits:.0f} digits off", "all", distance >= digits)


def _sequence(candidates: CandidateInvoices, pairs: Pairs) -> FloatArray:
    """Match weight of the very next number, which a series has, and a copy by accident only; nats, shape (pairs,)."""
    later, earlier = candidates.number[pairs.later], candidates.number[pairs.earlier]
    follows = candidates.numbers.value[later] - candidates.numbers.value[earlier] == 1.0
    follows &= candidates.numbers.skeleton[later] == candidates.numbers.skeleton[earlier]
    return np.where(follows, NEXT_NUMBER, 0.0)


def _gap(candidates: CandidateInvoices, counts: RunningCounts, pairs: Pairs) -> FloatArray:
    """Match weight of the days between two invoices, against a series of equal amounts; nats, shape (pairs,)."""
    days = np.arange(DAYS[0], DAYS[-1])
    of_copy = np.bincount(_gap_class(days), np.exp(-days / COPY_DAYS))
    gap = _gap_class(candidates.day[pairs.later] - candidates.day[pairs.earlier])
    weight = np.zeros(len(gap))
    both = _gap_series(candidates, pairs)
    for series in both:
        for gap_class in np.unique(gap[series.of_pairs & (gap >= 0)]):
            chosen = series.of_pairs & (gap == gap_class)
            share = series.share(gap_class, counts, pairs.later[chosen])
            weight[chosen] = np.log(of_copy[gap_class] / of_copy.sum() / share)
    # A copy is made of the last of its amount, and not of an earlier one of a series that has gone on since.
    return np.clip(weight, -STRONGEST, STRONGEST) - np.where(both[1].of_pairs, STRONGEST, 0.0)


@dataclass(frozen=True)
class _GapSeries:
    """The days that invoices of a series have between them: from one to the next, or farther apart.

    of_pairs: the pairs that are compared with this series, shape (pairs,). rows: at which the gaps end, gaps: their
    classes, shape (gaps,). size: of the candidates.
    """

    name: str
    of_pairs: Mask
    rows: Codes
    gaps: Codes
    size: int

    def population_counts(self, gap_class: int) -> tuple[PopulationCount, PopulationCount]:
        """The gaps of a class, and all gaps, by the row at which they end."""
        name = f"{self.name} after {DAYS[gap_class]} days"
        seen, total = (
            np.bincount(self.rows[kept], minlength=self.size).astype(float)
            for kept in (self.gaps == gap_class, self.gaps >= 0)
        )
        return PopulationCount(name, "all", seen), PopulationCount(f"gaps, {name}", "all", total)

    def share(self, gap_class: int, counts: RunningCounts, at: Codes) -> FloatArray:
        """Share of the gaps that are of the class, up to the night of the rows; at, returns: shape (at,)."""
        width = np.bincount(_gap_class(np.arange(DAYS[0], DAYS[-1])))[gap_class] / (DAYS[-1] - DAYS[0])
        seen, total = self.population_counts(gap_class)
        usual = counts.population.sum_up_to(seen, at) + GAPS * width
        usual /= counts.population.sum_up_to(total, at) + GAPS
        own = counts.entity.sum_up_to(seen.values, at) + GAPS * usual
        share: FloatArray = own / (counts.entity.sum_up_to(total.values, at) + GAPS)
        return share


def _gap_series(candidates: CandidateInvoices, pairs: Pairs) -> tuple[_GapSeries, _GapSeries]:
    """The gaps from one equal amount to the next, and those of pairs with more of the series between them."""
    previous = GroupedRunningSums(group(candidates.entity, candidates.cents), candidates.night).previous()
    gap = _gap_class(candidates.day[pairs.later] - candidates.day[pairs.earlier])
    next_gap = np.where(previous >= 0, _gap_class(candidates.day - candidates.day[previous]), -1)
    between = candidates.day[previous[pairs.later]] > candidates.day[pairs.earlier]
    told = next_gap >= 0
    return (
        _GapSeries("next", ~between, np.flatnonzero(told), next_gap[told], candidates.rows),
        _GapSeries("farther", between, pairs.later[between], gap[between], candidates.rows),
    )


def _date(candidates: CandidateInvoices, counts: RunningCounts, pairs: Pairs) -> FloatArray:
    """Match weight of the dates on two invoices of different nights, against a series; nats, shape (pairs,).

    Nothing can be told of a later invoice that bears the date of its own night.
    """
    rows = pairs.later
    same, apart = _date_counts(candidates)
    usual = (counts.population.sum_up_to(same, rows) + 0.5) / (counts.population.sum_up_to(apart, rows) + 1.0)
    own = counts.entity.sum_up_to(same.values, rows) + GAPS * usual
    share = own / (counts.entity.sum_up_to(apart.values, rows) + GAPS)
    equal = candidates.dated[rows] == candidates.dated[pairs.earlier]
    weight = np.where(equal, np.log(SAME_DATE / share), np.log((1.0 - SAME_DATE) / (1.0 - share)))
    telling = (candidates.dated != candidates.day)[rows] & (candidates.night[rows] != candidates.night[pairs.earlier])
    found: FloatArray = np.where(telling, np.clip(weight, -STRONGEST, STRONGEST), 0.0)
    return found


def _date_counts(candidates: CandidateInvoices) -> tuple[PopulationCount, PopulationCount]:
    """Invoices with the date of the one before of an equal amount, and all that could have it."""
    previous = GroupedRunningSums(group(candidates.entity, candidates.cents), candidates.night).previous()
    apart = (candidates.dated != candidates.day) & (previous >= 0)
    apart &= candidates.night[previous] != candidates.night
    same = apart & (candidates.dated == candidates.dated[previous])
    return PopulationCount("same date", "all", same), PopulationCount("dates", "all", apart)


def _gap_class(days: Codes) -> Codes:
    """The class of so many days in DAYS, -1 beyond them; shape (rows,) both."""
    classes = np.searchsorted(DAYS, days, side="right") - 1
    return np.where(classes < len(DAYS) - 1, classes, -1)
