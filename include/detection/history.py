"""What an entity's own past says about each aspect, shrunk to the whole book where that past is thin.

For a numeric aspect that is a location and a scale, by empirical Bayes (Gelman et al., Bayesian Data Analysis, ch. 5):
with no past they are those of the whole book, and the more invoices an entity has the more they are its own. For a
categorical aspect it is a distribution over the levels by Pitman-Yor smoothing (Teh 2006, ACL 44:985): the more
different levels an entity has had, the more likely is another new one. An invoice's past ends before its own night,
in training as in scoring: numbers run on, habits change, and the invoices of one night come in batches that are alike.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.detection.aspects import Column, FloatArray

CLIP = 4.0  # an entity's own past counts up to this many robust deviations from its median: one slip must not widen it
SMALLEST_SCALE = 0.01  # about 1 % of an amount: below that, differences are rounding
LOADED_AT_ONCE = 0.2  # share of all invoices from which a night is a history rather than a night
FOLDS = 4  # of a history loaded at once
SCALE_PRIOR = 1.5  # invoices that the book's spread is worth
LEVEL_PRIOR = 1.0  # invoices that the book's distribution over levels is worth
DISCOUNT = 0.5  # of an invoice, taken from each level seen and given to those not seen yet
TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution, to its standard deviation
HALF_LIFE = 30.0  # days after which an invoice counts half as recent
LONGEST_AGE = 20.0  # half-lives; older invoices are all as old as that, which keeps sums of weights exact
RECENT_PRIOR = 2.0  # recent invoices that the entity's whole past is worth
LASTING = 0.3  # weight of the whole past's shares of levels, beside the recent ones
FINEST_UNIT = 0.01  # of a column's median: what is smaller counts as nothing
LARGEST_NUMBER = float(np.finfo(float).max)

Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class NumericPrior:
    """The whole book's view of a numeric aspect on the model's scale: location, spread between entities and within one.

    The model's scale is asinh(value / unit): a logarithm that also takes zero and negative numbers.
    """

    location: float
    between: float
    within: float
    unit: float = 1.0

    @property
    def location_weight(self) -> float:
        """Invoices that the book's location is worth."""
        return float(np.clip((self.within / self.between) ** 2, 0.02, 5.0))

    def scaled(self, values: FloatArray) -> FloatArray:
        """Bring values to the model's scale."""
        # In units, a number may be more than a float can hold; a measured one must not become a missing one.
        with np.errstate(over="ignore"):
            scaled: FloatArray = np.arcsinh(np.clip(values / self.unit, -LARGEST_NUMBER, LARGEST_NUMBER))
        return scaled

    def value_of(self, scaled: FloatArray) -> FloatArray:
        """Bring values back from the model's scale."""
        values: FloatArray = self.unit * np.sinh(np.clip(scaled, -700.0, 700.0))
        return values


@dataclass(frozen=True)
class Past:
    """Where the past of each invoice in question lies, in the known invoices ordered by entity and night.

    Each past is a run of `order` from `begin` up to `end`, less the invoices of its own fold. known_folds, folds: of
    the known invoices and of those in question; -1 is no fold.
    """

    order: Codes
    begin: Codes
    end: Codes
    known_folds: Codes
    folds: Codes

    def total(self, values: FloatArray) -> FloatArray:
        """Sum a value of the known invoices over the past of each invoice in question, shape (invoices,)."""
        running: FloatArray = np.concatenate([[0.0], np.cumsum(values[self.order])])
        past: FloatArray = running[self.end] - running[self.begin]
        if (self.folds >= 0).any():
            past -= np.bincount(self.known_folds + 1, values, self.folds.max() + 2)[self.folds + 1] * (self.folds >= 0)
        return past


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
        ordered = places[order]
        begin = np.searchsorted(ordered, asked * nights)
        # Where the own night counts, the run ends after it.
        end = np.searchsorted(ordered, asked * nights + asked_nights + at_once)
        folds = np.full(len(known), -1)
        if at_once.any():
            # Round robin within an entity, so that every fold has its share of each.
            rank = np.empty(len(known), dtype=np.intp)
            rank[order] = np.arange(len(known)) - np.searchsorted(known[order], known[order])
            folds = np.where(at_once, pd.factorize(places * FOLDS + rank % FOLDS)[0], -1)
        own = folds if at_once.any() else np.full(len(asked), -1)
        return cls(known, known_nights, asked, asked_nights, at_once, age, Past(order, begin, end, folds, own))

    def total(self, values: FloatArray) -> FloatArray:
        """Sum a value of the known invoices over the past of each invoice in question, shape (asked,)."""
        return self.past.total(values)

    def recent(self, values: FloatArray) -> FloatArray:
        """The same sum with each past invoice weighed by how recent it was, shape (asked,)."""
        known, asked = self.age
        # Weights relative to the last night, so that one running sum serves all nights.
        return self.past.total(values * np.exp2(-known)) * np.exp2(asked)

    def rows(self) -> FloatArray:
        """Past invoices behind each invoice in question, shape (asked,)."""
        return self.total(np.ones(len(self.known)))

    def counts(self, known: Codes, levels: int) -> FloatArray:
        """Count each level in the past of each invoice in question, shape (asked, levels)."""
        return np.column_stack([self.total((known == level).astype(float)) for level in range(levels)])

    def with_values(self, known: Codes, asked: Codes, values: int) -> "Entities":
        """Entity and value together as entities, with the same nights. known, asked: codes below `values`."""
        pairs = np.unique(
            np.concatenate([self.known * values + known, self.asked * values + asked]), return_inverse=True
        )[1]
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
        places = self.asked * (self.asked_nights.max(initial=0) + 1) + self.asked_nights
        group = np.unique(places, return_inverse=True)[1]
        others: FloatArray = np.bincount(group, values)[group] - values
        return np.where(self.at_once, 0.0, others)


@dataclass(frozen=True)
class NumericPast:
    """Location and predictive scale for each invoice in question, shape (asked,) each."""

    location: FloatArray
    scale: FloatArray


def fit_numeric_prior(values: FloatArray, entities: Codes, unit: float = 1.0) -> NumericPrior:
    """Estimate location and spreads robustly; NaN is ignored; an empty column gives a wide prior."""
    frame = pd.DataFrame({"value": values, "entity": entities}).dropna()
    if frame.empty:
        return NumericPrior(0.0, 1.0, 1.0)
    frame["value"] = NumericPrior(0.0, 1.0, 1.0, unit).scaled(frame["value"].to_numpy())
    location = float(frame["value"].median())
    medians = frame.groupby("entity")["value"].transform("median")
    sizes = frame.groupby("entity")["value"].transform("size")
    within = _spread(frame["value"] - medians, sizes >= 3)
    between = _spread(medians - location, sizes >= 1)
    return NumericPrior(location, max(between, within), within, unit)


def _spread(deviations: "pd.Series[float]", chosen: "pd.Series[bool]") -> float:
    """Median absolute deviation as sigma; where most are zero, the mean absolute deviation speaks for the others."""
    sizes = deviations[chosen].abs()
    if sizes.empty:
        return 1.0
    return max(
        TO_SIGMA * float(sizes.median()),
        0.5 * float(sizes.clip(upper=float(sizes.quantile(0.95))).mean()),
        SMALLEST_SCALE,
    )


def unit_of(values: FloatArray) -> float:
    """A power of ten well below what is usual, so that the model's scale is logarithmic there; at most 1."""
    known = np.abs(values[np.isfinite(values)])
    usual = float(np.median(known)) if len(known) else 0.0
    return 1.0 if usual == 0.0 else float(min(1.0, 10.0 ** np.floor(np.log10(usual * FINEST_UNIT))))


def numeric_past(prior: NumericPrior, entities: Entities, known: FloatArray) -> NumericPast:
    """Give location and scale of a numeric aspect for each invoice in question.

    known: the known invoices' values on the model's scale, shape (known,), NaN where not measured.
    """
    measured = np.isfinite(known)
    clipped = np.zeros(len(known))
    clipped[measured] = _clip_to_own_spread(known[measured], entities.known[measured], prior)
    count, total, squares = (entities.total(values) for values in (measured.astype(float), clipped, clipped**2))
    weight = prior.location_weight
    location = (weight * prior.location + total) / (weight + count)
    recently = entities.recent(measured.astype(float))
    location = (RECENT_PRIOR * location + entities.recent(clipped)) / (RECENT_PRIOR + recently)
    mean = total / np.maximum(count, 1.0)
    inside = np.maximum(squares - count * mean**2, 0.0)
    variance = (SCALE_PRIOR * prior.within**2 + inside) / (SCALE_PRIOR + np.maximum(count - 1.0, 0.0))
    # The location itself is uncertain: with no past, by the spread between entities (predictive variance).
    predictive = variance * (1.0 + 1.0 / (weight + count))
    return NumericPast(location, np.sqrt(np.maximum(predictive, SMALLEST_SCALE**2)))


def _clip_to_own_spread(values: FloatArray, codes: Codes, prior: NumericPrior) -> FloatArray:
    groups = pd.factorize(codes)[0]
    median = pd.Series(values).groupby(groups).median().to_numpy()[groups]
    deviation = pd.Series(np.abs(values - median)).groupby(groups).median().to_numpy()[groups]
    reach = CLIP * np.maximum(TO_SIGMA * deviation, prior.within)
    clipped: FloatArray = np.clip(values, median - reach, median + reach)
    return clipped


def level_past(book: FloatArray, entities: Entities, known: Codes) -> FloatArray:
    """Give the distribution over levels that an entity's past and the book suggest.

    book: the book's distribution, shape (levels,); known: level codes. Returns shape (asked, levels).
    """
    seen = entities.counts(known, len(book))
    different = (seen > 0).sum(axis=1, keepdims=True)
    own = np.maximum(seen - DISCOUNT, 0.0)
    shares: FloatArray = (own + (LEVEL_PRIOR + DISCOUNT * different) * book) / (
        seen.sum(axis=1, keepdims=True) + LEVEL_PRIOR
    )
    recent = np.column_stack([entities.recent((known == level).astype(float)) for level in range(len(book))])
    recent = np.maximum(recent, 0.0)
    blended = (recent + RECENT_PRIOR * shares) / (recent.sum(axis=1, keepdims=True) + RECENT_PRIOR)
    # A habit that has not come up lately is a habit still.
    either: FloatArray = LASTING * shares + (1.0 - LASTING) * blended
    return either


def _nights(nights: Column) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Number the nights in order, and tell which invoices are a history that was loaded at once."""
    night = np.unique(nights, return_inverse=True)[1]
    return night, (np.bincount(night) > LOADED_AT_ONCE * len(night))[night]


def _ages(nights: Column) -> FloatArray:
    """Half-lives before the last night, shape (rows,)."""
    if not len(nights):
        return np.zeros(0)
    days = (nights.max() - nights) / (np.timedelta64(1, "D") if nights.dtype.kind == "M" else 1)
    ages: FloatArray = np.minimum(days.astype(float) / HALF_LIFE, LONGEST_AGE)
    return ages


def value_past(book: FloatArray, entities: Entities, known: Codes, asked: Codes) -> FloatArray:
    """Give the share that an entity's past and the book suggest for an exact value; shape (asked,).

    Tells the values apart that share the level `other`, however many there are: time and memory are linear in rows.
    known, asked: codes of exact values; book: of each asked value, the share of the book's invoices whose value is at
    least as rare, so that where most values are new (stock numbers) a new one is no surprise.
    """
    values = int(max(known.max(initial=0), asked.max(initial=0))) + 1
    pairs = entities.with_values(known, asked, values)
    seen = pairs.rows()
    first = np.zeros(len(known))
    ordered = pairs.known[pairs.past.order]
    first[pairs.past.order[np.flatnonzero(np.diff(ordered, prepend=-1))]] = 1.0
    different = entities.total(first)
    own = np.maximum(seen - DISCOUNT, 0.0)
    share: FloatArray = (own + (LEVEL_PRIOR + DISCOUNT * different) * book) / (entities.rows() + LEVEL_PRIOR)
    return share
