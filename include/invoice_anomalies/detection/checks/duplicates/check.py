"""Invoices that came twice: with the same number, or one that was keyed in again or written otherwise.

The surprise of a pair is the logarithm of a likelihood ratio: how often a copy looks like this, over how often an
invoice of this entity meets one like it by chance.
"""

from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.base import NOTHING, Findings, Learned
from invoice_anomalies.detection.checks.duplicates.candidates import Kind, Ledger, Pairs, Shortened, concerned, pairs_of
from invoice_anomalies.detection.checks.duplicates.chance import Known, coincidences
from invoice_anomalies.detection.checks.duplicates.invoice_numbers import Numbers
from invoice_anomalies.detection.checks.duplicates.match_weights import evidence_of
from invoice_anomalies.detection.checks.duplicates.nearness import Nearness
from invoice_anomalies.detection.checks.duplicates.vendor_names import families
from invoice_anomalies.detection.checks.timeline import Mask, Timeline, days_of, gathered_over_days, nights_of
from invoice_anomalies.detection.features.features import Codes, FloatArray
from invoice_anomalies.detection.profiles.history_index import loaded_at_once

LARGEST_AMOUNT = 1e12  # beyond it, a hundredth is lost in a float
MOST_TWINS = 5
COPIES = np.array([0.20, 0.10, 0.05, 0.30, 0.30, 0.30, 0.30, 0.10, 0.10, 0.05])
"""By kind, how copies come about: a third each the same or written otherwise, one sign changed, another slip."""
SAME_NIGHT = 0.15
"""Share of copies that come in the night of the original; most come later, with a reminder."""
HISTORIES = "histories"
"""Among what was learned: the nights that were histories loaded at once, in days since 1970."""
OTHER_ENTITY = 0.2
"""How much rarer a copy for another entity of a similar name is, against one for the same entity."""


@dataclass(frozen=True)
class Duplicates:
    """Find copies of earlier invoices, of up to `days` nights before.

    learned: the rates of a whole book; without them, rates are those of the book at hand.
    """

    contract: Contract
    field: str
    name: str = "duplicate"
    of_nights: bool = False
    learned: Learned = dataclass_field(default_factory=dict)

    def learn(self, book: pd.DataFrame) -> "Duplicates":
        """The same check, with the rates of this book for all nights to come, and which of its nights are histories."""
        loaded = self._loaded(book)
        _, ledger = ledger_of(book, self.contract, self.field, loaded)
        known = Known.of(ledger, {})
        _surprises(ledger, known)
        return self.knowing(known.book.sums | {HISTORIES: np.unique(nights_of(book)[loaded]).astype(float)})

    def knowing(self, learned: Learned) -> "Duplicates":
        """The same check, with rates learned before."""
        return replace(self, learned=learned)

    def find(self, book: pd.DataFrame, asked: npt.NDArray[np.intp]) -> Findings:
        """Judge the asked invoices by the most telling of their pairs; twins are the likely originals, best first."""
        position, ledger = ledger_of(book, self.contract, self.field, self._loaded(book))
        if self.learned:
            rows = concerned(ledger, np.isin(position, asked))
            position, ledger = position[rows], ledger.take(rows)
        if ledger.rows < 2:
            return Findings.none(len(asked))
        pairs, surprise = _surprises(ledger, Known.of(ledger, self.learned))
        days = ledger.day[pairs.later] - ledger.day[pairs.earlier]
        chosen = (surprise > 0.0) & (days <= self.contract.detection.duplicate_days)
        later, earlier = position[pairs.later[chosen]], position[pairs.earlier[chosen]]
        return _by_invoice(later, earlier, surprise[chosen], asked, len(book))

    def _loaded(self, book: pd.DataFrame) -> Mask:
        """Which invoices are of a history loaded at once: as it was learned, so that nothing depends on the others.

        Without that, those of a night that has a large share of the book. In either case those of a month's file.
        """
        nights, months = nights_of(book), gathered_over_days(book, self.contract)
        if HISTORIES in self.learned:
            return months | np.isin(nights, self.learned[HISTORIES].astype(np.int64))
        return months | loaded_at_once(np.unique(nights, return_inverse=True)[1])


def ledger_of(book: pd.DataFrame, contract: Contract, field: str, loaded: Mask) -> tuple[Codes, Ledger]:
    """Take the invoices that have entity, number and amount; returns their positions in the book, in order of time.

    loaded: shape (rows,), which of them are of a history loaded at once: their dates stand for its nights.
    """
    assert contract.entity is not None and contract.amount is not None
    timeline = Timeline.of_documents(book, contract, loaded)
    entity, _ = pd.factorize(book[contract.entity])
    family = families(book, contract, entity)
    numbers = Numbers.read(book[field])
    amount = book[contract.amount].to_numpy(float, na_value=np.nan)
    cents = np.rint(np.where(np.abs(amount) < LARGEST_AMOUNT, amount, 0.0) * 100.0).astype(np.int64)
    usable = (entity >= 0) & (numbers.codes >= 0) & (cents != 0)
    kept = usable[timeline.order]
    position = timeline.order[kept]
    dates = contract.of_type("date")
    night, day = timeline.night[kept], timeline.day[kept]
    dated = days_of(book[dates[0]])[position] if dates else day
    ledger = Ledger(
        entity=family[position],
        own=entity[position],
        number=numbers.codes[position],
        cents=cents[position],
        night=night,
        day=day,
        dated=dated,
        numbers=numbers,
    )
    return position, ledger


def _surprises(ledger: Ledger, known: Known) -> tuple[Pairs, FloatArray]:
    """The pairs of a ledger with their log-likelihood ratios, in nats; shape (pairs,)."""
    shortened = Shortened.of(ledger)
    pairs = pairs_of(ledger, shortened)
    chance = coincidences(ledger, known, Nearness.of(ledger, shortened), pairs)
    ratio: FloatArray = np.log(_copy_share(ledger, pairs)) - np.log(chance)
    return pairs, ratio + evidence_of(ledger, known, pairs)


def _copy_share(ledger: Ledger, pairs: Pairs) -> FloatArray:
    """Share of all copies that differ from their original in this way; shape (pairs,)."""
    share = COPIES[pairs.kind]
    length = np.maximum(ledger.numbers.length[ledger.number[pairs.later]], 4)
    one_place = (pairs.kind >= Kind.LAST) & (pairs.kind <= Kind.THIRD)
    share = np.where(one_place, share / length, share)
    share = np.where(pairs.kind == Kind.FARTHER, share * (length - 3) / length, share)
    same_night = ledger.night[pairs.later] == ledger.night[pairs.earlier]
    share = share * np.where(same_night, SAME_NIGHT, 1.0 - SAME_NIGHT)
    same_entity = ledger.own[pairs.later] == ledger.own[pairs.earlier]
    found: FloatArray = share * np.where(same_entity, 1.0, OTHER_ENTITY)
    return found


def _by_invoice(later: Codes, earlier: Codes, surprise: FloatArray, asked: Codes, rows: int) -> Findings:
    """Gather pairs, given by their positions in the book, by the asked invoice that is the later one."""
    place = np.full(rows, -1, dtype=np.intp)
    place[asked] = np.arange(len(asked))
    chosen = place[later] >= 0
    row, earlier, surprise = place[later[chosen]], earlier[chosen], surprise[chosen]
    order = np.lexsort([-surprise, row])
    row, earlier, surprise = row[order], earlier[order], surprise[order]
    raw, twins = np.zeros(len(asked)), [NOTHING] * len(asked)
    found, first = np.unique(row, return_index=True)
    raw[found] = surprise[first]
    for place_of, begin, end in zip(found, first, np.searchsorted(row, found, side="right"), strict=True):
        twins[place_of] = earlier[begin : min(end, begin + MOST_TWINS)]
    return Findings(raw, twins)
