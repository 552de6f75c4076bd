"""Which invoices are the past of which: those of the same entity in earlier nights.

An invoice's past ends before its own night, in training as in scoring: numbers run on, habits change, and the invoices
of one night come in batches that are alike.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.detection.features.features import Codes, Column, FloatArray

LOADED_AT_ONCE = 0.2  # share of all invoices from which a night is a history rather than a night
FOLDS = 4  # of a history loaded at once
HALF_LIFE = 30.0  # days after which an invoice counts half as recent
LONGEST_AGE = 20.0  # half-lives; older invoices are all as old as that, which keeps sums of weights exact


@dataclass(frozen=True)
class Past:
    """Where the past of each invoice in question lies, in the known invoices ordered by entity and night.

    Invoices of one entity and night share a past, and there are few pasts: sums are taken once a past. `of` is the
    past of each invoice in question. Each past is a run of `order` from `begin` up to `end`, less the invoices of its
    own fold. known_folds, folds: of the known invoices and of the pasts; -1 is no fold.
    """

    of: Codes
    order: Codes
    begin: Codes
    end: Codes
    known_folds: Codes
    folds: Codes

    def total(self, values: FloatArray) -> FloatArray:
        """Sum a value of the known invoices over each past, shape (pasts,)."""
        running: FloatArray = np.concatenate([[0.0], np.cumsum(values[self.order])])
        past: FloatArray = running[self.end] - running[self.begin]
        if (self.folds >= 0).any():
            past -= np.bincount(self.known_folds + 1, values, self.folds.max() + 2)[self.folds + 1] * (self.folds >= 0)
        return past

    def by_level(self, codes: Codes, levels: int, weights: FloatArray | None = None) -> FloatArray:
        """Count the known invoices of each level, or sum their weights, over each past; shape (pasts, levels)."""
        sections, section = self._sections
        in_order = None if weights is None else weights[self.order]
        running = np.zeros((len(sections) + 1, levels))
        cells = np.bincount(section * levels + codes[self.order], in_order, len(sections) * levels)
        np.cumsum(cells.reshape(len(sections), levels), axis=0, out=running[1:])
        past: FloatArray = running[np.searchsorted(sections, self.end)] - running[np.searchsorted(sections, self.begin)]
        if (self.folds >= 0).any():
            size = int(self.folds.max()) + 2
            own = np.bincount((self.known_folds + 1) * levels + codes, weights, size * levels).reshape(size, levels)
            past -= own[self.folds + 1] * (self.folds >= 0)[:, None]
        return past

    @cached_property
    def _sections(self) -> tuple[Codes, Codes]:
        """Where the order is cut so that each past is a run of whole sections, and the section of each place in it."""
        cuts = np.unique(np.concatenate([[0], self.begin, self.end]))
        starts = np.zeros(len(self.order) + 1, dtype=np.intp)
        starts[cuts] = 1
        return cuts, np.cumsum(starts[:-1]) - 1


@dataclass(frozen=True)
class Entities:
    """Entity and night codes of the known invoices and of the invoices in question, and what is the past of which.

    at_once: for each invoice in question, whether its own night counts as its past too, less its own fold. age:
    half-lives before the last night, of the known invoices and of those in question.
    """

    known: Codes
    known_nights: Codes
    asked: Codes
    asked_nights: Codes
    at_once: npt.NDArray[np.bool_]
    age: tuple[FloatArray, FloatArray]
    past: Past

    @classmethod
    def match(cls, history: Column, asked: Column, history_nights: Column, nights: Column) -> "Entities":
        """Entities of earlier invoices and of those in question.

        All of the history is past. Of the invoices in question, those of earlier nights are past to later ones.
        """
        names = pd.factorize(np.concatenate([history, asked]))[0]
        night = np.unique(nights, return_inverse=True)[1]
        known = names if len(asked) and night.max() else names[: len(history)]
        known_nights = np.concatenate([np.zeros(len(history), dtype=np.intp), night + 1])[: len(known)]
        age = _ages(np.concatenate([history_nights, nights]))
        return cls._of(
            known,
            known_nights,
            names[len(history) :],
            night + 1,
            np.zeros(len(asked), dtype=bool),
            (age[: len(known)], age[len(history) :]),
        )

    @classmethod
    def in_training(cls, names: Column, nights: Column) -> "Entities":
        """Entities of invoices that are known and in question at once.

        A night with a large share of all invoices is a history that was loaded at once. There, the past is the
        invoices of the other folds: with all but the invoice itself, what is left of an entity's total would give the
        invoice away.
        """
        codes = pd.factorize(names)[0]
        night, at_once = _nights(nights)
        age = _ages(nights)
        return cls._of(codes, night, codes, night, at_once, (age, age))

    @classmethod
    def one_by_one(cls, names: Column, nights: Column) -> "Entities":
        """The same, but the invoices of a history loaded at once follow one another in the order given."""
        codes = pd.factorize(names)[0]
        night, at_once = _nights(nights)
        places = night * len(night) + np.where(at_once, np.arange(len(night)), 0)
        night, age = np.unique(places, return_inverse=True)[1], _ages(nights)
        return cls._of(codes, night, codes, night, np.zeros(len(codes), dtype=bool), (age, age))

    @classmethod
    def _of(
        cls,
        known: Codes,
        known_nights: Codes,
        asked: Codes,
        asked_nights: Codes,
        at_once: npt.NDArray[np.bool_],
        age: tuple[FloatArray, FloatArray],
    ) -> "Entities":
        nights = int(max(known_nights.max(initial=0), asked_nights.max(initial=0))) + 1
        places = known * nights + known_nights
        order = np.argsort(places, kind="stable")
        ordered, own = places[order], asked * nights + asked_nights
        folds = np.full(len(known), -1)
        if at_once.any():
            # Round robin within an entity, so that every fold has its share of each.
            rank = np.empty(len(known), dtype=np.intp)
            rank[order] = np.arange(len(known)) - np.searchsorted(known[order], known[order])
            folds = np.where(at_once, pd.factorize(places * FOLDS + rank % FOLDS)[0], -1)
            own = own * FOLDS + rank % FOLDS
        past, distinct = pd.factorize(own)
        one = np.empty(len(distinct), dtype=np.intp)  # an invoice in question of each past
        one[past] = np.arange(len(asked))
        begin = np.searchsorted(ordered, asked[one] * nights)
        # Where the own night counts, the run ends after it.
        end = np.searchsorted(ordered, asked[one] * nights + asked_nights[one] + at_once[one])
        own_folds = folds[one] if at_once.any() else np.full(len(one), -1)
        return cls(
            known, known_nights, asked, asked_nights, at_once, age, Past(past, order, begin, end, folds, own_folds)
        )

    def total(self, values: FloatArray) -> FloatArray:
        """Sum a value of the known invoices over the past of each invoice in question, shape (asked,)."""
        return self.past.total(values)[self.past.of]

    def rows(self) -> FloatArray:
        """Past invoices behind each invoice in question, shape (asked,)."""
        return self.total(np.ones(len(self.known)))

    @cached_property
    def recency(self) -> tuple[FloatArray, FloatArray]:
        """Weight of each known invoice by its age, and what to multiply a sum of such weights with, by past.

        Weights are relative to the last night, so that one running sum serves all nights.
        """
        known, asked = self.age
        factor = np.empty(len(self.past.begin))
        factor[self.past.of] = np.exp2(asked)
        return np.exp2(-known), factor

    def with_values(self, known: Codes, asked: Codes, values: int) -> "Entities":
        """Entity and value together as entities, with the same nights. known, asked: codes below `values`."""
        pairs = pd.factorize(np.concatenate([self.known * values + known, self.asked * values + asked]))[0]
        known, asked = pairs[: len(known)], pairs[len(known) :]
        return self._of(known, self.known_nights, asked, self.asked_nights, self.at_once, self.age)

    def without_past(self) -> "Entities":
        """The invoices in question with nothing known: what is left is the book as it was in training."""
        nothing = np.zeros(0, dtype=np.intp)
        now = np.zeros(len(self.asked), dtype=bool)
        return self._of(nothing, nothing, self.asked, self.asked_nights, now, (np.zeros(0), self.age[1]))

    def siblings(self, values: FloatArray) -> FloatArray:
        """Sum a value of the invoices in question over the others of the same entity and night, shape (asked,).

        Nothing where the own night counts as past already.
        """
        group = self.batch
        others: FloatArray = np.bincount(group, values)[group] - values
        return np.where(self.at_once, 0.0, others)

    @cached_property
    def batch(self) -> Codes:
        """Number the entities' nights: which invoices in question came together; shape (asked,)."""
        codes: Codes = pd.factorize(self.asked * (self.asked_nights.max(initial=0) + 1) + self.asked_nights)[0]
        return codes


def loaded_at_once(night: Codes) -> npt.NDArray[np.bool_]:
    """Tell which invoices are of a history that came as one night; night: codes of their nights, shape (rows,)."""
    at_once: npt.NDArray[np.bool_] = (np.bincount(night) > LOADED_AT_ONCE * len(night))[night]
    return at_once


def _nights(nights: Column) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Number the nights in order, and tell which invoices are a history that was loaded at once."""
    night = np.unique(nights, return_inverse=True)[1]
    return night, loaded_at_once(night)


def _ages(nights: Column) -> FloatArray:
    """Half-lives before the last night, shape (rows,)."""
    if not len(nights):
        return np.zeros(0)
    days = (nights.max() - nights) / (np.timedelta64(1, "D") if nights.dtype.kind == "M" else 1)
    ages: FloatArray = np.minimum(days.astype(float) / HALF_LIFE, LONGEST_AGE)
    return ages
