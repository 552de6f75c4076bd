"""What else tells a copy from a series: a number out of place or next in line, the days between, the same date.

Each is a log-likelihood ratio in nats, positive where it speaks for a copy; how a series looks is learned from what was
known by the end of the invoice's own night.
"""

from dataclasses import dataclass

import numpy as np

from invoice_anomalies.detection.checks.duplicates.candidates import EDITS, Ledger, Pairs
from invoice_anomalies.detection.checks.duplicates.chance import Known
from invoice_anomalies.detection.checks.timeline import Past, group
from invoice_anomalies.detection.features.features import Codes, FloatArray

NUMBERS_BEFORE = 24  # of an entity, the latest: where its numbers are now
FARTHEST = 16  # powers of ten to which a number may be from those before; beyond, another skeleton
IN_PLACE = 2.0  # invoices that the book's share of numbers out of place is worth, against an entity's own
NEXT_NUMBER = -2.2  # of the eighteen numbers that a slip in the last digit may give, one follows the original
DAYS = np.array([1, 2, 4, 7, 8, 14, 15, 21, 22, 27, 33, 46, 58, 64, 89, 94, 121])
"""Days apart that are told apart: weeks and months stand alone, for they are what series have between them."""
COPY_DAYS = 20.0  # mean days after which an invoice comes again: a reminder's time
GAPS = 5.0  # gaps between equal amounts that the book's distribution is worth, against an entity's own
SAME_DATE = 0.5  # share of later copies that bear the date of the original: keyed in again, and not written again
STRONGEST = 3.0  # days and dates support a finding, and are none


def evidence_of(ledger: Ledger, known: Known, pairs: Pairs) -> FloatArray:
    """All evidence beside near number and equal amount, in nats; shape (pairs,)."""
    found = _sequence(ledger, pairs) + _gap(ledger, known, pairs) + _date(ledger, known, pairs)
    edited = np.isin(pairs.kind, EDITS)
    found[edited] -= np.log(out_of_place_share(ledger, known, pairs.later[edited]))
    return found


def out_of_place_share(ledger: Ledger, known: Known, at: Codes) -> FloatArray:
    """Share of the entity's invoices whose number is as far from those before as that of these; shape (at,).

    The numbers of most entities run on: one that comes from elsewhere and yet is near an old one was copied.
    """
    order = known.entity.order
    entity, number = ledger.entity[order], ledger.number[order]
    skeleton, value = ledger.numbers.skeleton[number], ledger.numbers.value[number]
    nearest = np.full(ledger.rows, np.inf)
    for lag in range(1, NUMBERS_BEFORE + 1):
        alike = (entity[lag:] == entity[:-lag]) & (skeleton[lag:] == skeleton[:-lag])
        distance = np.where(alike, np.abs(value[lag:] - value[:-lag]), np.inf)
        nearest[lag:] = np.minimum(nearest[lag:], distance)
    far = np.empty(ledger.rows)
    far[order] = np.ceil(np.minimum(np.log10(1.0 + nearest), FARTHEST))
    share = np.ones(len(at))
    distances = range(FARTHEST + 1) if known.book.at_hand else np.unique(far[at]).tolist()
    for digits in distances:
        here = far[at] == digits
        rows, beyond = at[here], far >= digits
        usual = (known.book.known(f"{digits:.0f} digits off", beyond, rows) + 1.0) / (known.total[rows] + 1.0)
        share[here] = (known.entity.known(beyond, rows) + IN_PLACE * usual) / (known.rows[rows] + IN_PLACE)
    return share


def _sequence(ledger: Ledger, pairs: Pairs) -> FloatArray:
    """The very next number is what a series has, and a copy by accident only; nats, shape (pairs,)."""
    one, other = ledger.number[pairs.later], ledger.number[pairs.earlier]
    follows = ledger.numbers.value[one] - ledger.numbers.value[other] == 1.0
    follows &= ledger.numbers.skeleton[one] == ledger.numbers.skeleton[other]
    return np.where(follows, NEXT_NUMBER, 0.0)


def _gap(ledger: Ledger, known: Known, pairs: Pairs) -> FloatArray:
    """How much better the days between two invoices fit a copy than a series of equal amounts; nats, shape (pairs,).

    A series has its own days between one equal amount and the next, and others between those with near numbers that
    have more of it between them.
    """
    previous = Past(group(ledger.entity, ledger.cents), ledger.night).previous()
    follows = previous >= 0
    gap = _gap_class(ledger.day[pairs.later] - ledger.day[pairs.earlier])
    next_gap = np.where(follows, _gap_class(ledger.day - ledger.day[previous]), -1)
    between = ledger.day[previous[pairs.later]] > ledger.day[pairs.earlier]
    days = np.arange(DAYS[0], DAYS[-1])
    of_copy = np.bincount(_gap_class(days), np.exp(-days / COPY_DAYS))
    width = np.bincount(_gap_class(days)) / len(days)
    evidence = np.zeros(len(gap))
    told = next_gap >= 0
    next_to, farther = (np.flatnonzero(told), next_gap[told]), (pairs.later[between], gap[between])
    for name, series, (rows, gaps) in (("next", ~between, next_to), ("farther", between, farther)):
        for kind in range(len(width)) if known.book.at_hand else np.unique(gap[series & (gap >= 0)]):
            chosen = series & (gap == kind)
            gaps_of = _Gaps(f"{name} after {DAYS[kind]} days", rows[gaps >= 0], rows[gaps == kind], float(width[kind]))
            share = gaps_of.share(known, pairs.later[chosen])
            evidence[chosen] = np.log(of_copy[kind] / of_copy.sum() / share)
    # Who books an invoice again has the last one before him, and not one of a series that has gone on since.
    return np.clip(evidence, -STRONGEST, STRONGEST) - np.where(between, STRONGEST, 0.0)


@dataclass(frozen=True)
class _Gaps:
    """The rows at which gaps end: all, and those of one class, with the share of days that are in it."""

    name: str
    rows: Codes
    same: Codes
    width: float

    def share(self, known: Known, at: Codes) -> FloatArray:
        """Share of the gaps that are of the class; shape (at,)."""
        size, name = len(known.rows), self.name
        total, seen = (np.bincount(ending, minlength=size).astype(float) for ending in (self.rows, self.same))
        in_book = known.book.known(name, seen, at) + GAPS * self.width
        in_book /= known.book.known(f"gaps, {name}", total, at) + GAPS
        share: FloatArray = (known.entity.known(seen, at) + GAPS * in_book) / (known.entity.known(total, at) + GAPS)
        return share


def _date(ledger: Ledger, known: Known, pairs: Pairs) -> FloatArray:
    """How much better the dates on two invoices of different nights fit a copy than a series; nats, shape (pairs,).

    Nothing can be told where the later one bears the date of its own night.
    """
    previous = Past(group(ledger.entity, ledger.cents), ledger.night).previous()
    told = ledger.dated != ledger.day
    apart = told & (previous >= 0) & (ledger.night[previous] != ledger.night)
    same = apart & (ledger.dated == ledger.dated[previous])
    rows = pairs.later
    in_book = (known.book.known("same date", same, rows) + 0.5) / (known.book.known("dates", apart, rows) + 1.0)
    share = (known.entity.known(same, rows) + GAPS * in_book) / (known.entity.known(apart, rows) + GAPS)
    equal = ledger.dated[rows] == ledger.dated[pairs.earlier]
    evidence = np.where(equal, np.log(SAME_DATE / share), np.log((1.0 - SAME_DATE) / (1.0 - share)))
    telling = told[rows] & (ledger.night[rows] != ledger.night[pairs.earlier])
    found: FloatArray = np.where(telling, np.clip(evidence, -STRONGEST, STRONGEST), 0.0)
    return found


def _gap_class(days: Codes) -> Codes:
    classes = np.searchsorted(DAYS, days, side="right") - 1
    return np.where(classes < len(DAYS) - 1, classes, -1)
