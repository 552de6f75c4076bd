"""What an entity's own past says about each aspect, shrunk to the whole book where that past is thin.

For a numeric aspect that is a location and a scale, by empirical Bayes (Gelman et al., Bayesian Data Analysis, ch. 5):
with no past they are those of the whole book, and the more invoices an entity has the more they are its own. For a
categorical aspect it is a distribution over the levels, with the book's as Dirichlet prior. In training an
invoice's past ends before its own night, so that what the model sees there is as good as it will be when it scores:
numbers run on, habits change, and the invoices of one night come in batches that are alike.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.detection.aspects import Column, FloatArray

CLIP = 4.0  # an entity's own past counts up to this many robust deviations from its median: one slip must not widen it
SMALLEST_SCALE = 0.01  # about 1 % of an amount: below that, differences are rounding
LOADED_AT_ONCE = 0.2  # share of all invoices from which a night is a history rather than a night
SCALE_PRIOR = 1.5  # invoices that the book's spread is worth
LEVEL_PRIOR = 1.0  # invoices that the book's distribution over levels is worth
TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution, to its standard deviation

Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class NumericPrior:
    """The whole book's view of a numeric aspect: location, spread between entities, spread within one."""

    location: float
    between: float
    within: float

    @property
    def location_weight(self) -> float:
        """Invoices that the book's location is worth."""
        return float(np.clip((self.within / self.between) ** 2, 0.02, 5.0))


@dataclass(frozen=True)
class Before:
    """Where the past of each training invoice lies, in the invoices ordered by entity and night.

    Each past is a run: from `begin` up to `end`, less the invoice itself where it is `inside` that run.
    """

    nights: Column
    order: Codes
    begin: Codes
    end: Codes
    inside: npt.NDArray[np.bool_]

    @classmethod
    def each_night(cls, entities: Codes, nights: Column) -> "Before":
        """The past ends before the invoice's own night, as it will when scoring.

        A night with a large share of all invoices is a history that was loaded at once: there, it is all but the
        invoice itself.
        """
        names, night = np.unique(nights, return_inverse=True)
        groups = entities * len(names) + night
        order = np.argsort(groups, kind="stable")
        first, last = (np.searchsorted(groups[order], groups, side=side) for side in ("left", "right"))
        inside = (np.bincount(night) > LOADED_AT_ONCE * len(night))[night]
        begin = np.searchsorted(entities[order], entities)
        return cls(nights, order, begin, np.where(inside, last, first), inside)

    def total(self, values: FloatArray) -> FloatArray:
        """Sum a value of the training invoices over the past of each."""
        running: FloatArray = np.concatenate([[0.0], np.cumsum(values[self.order])])
        past: FloatArray = running[self.end] - running[self.begin] - np.where(self.inside, values, 0.0)
        return past

    def within(self, entities: Codes) -> "Before":
        """The same nights for other entities of the same invoices."""
        return Before.each_night(entities, self.nights)


@dataclass(frozen=True)
class Entities:
    """Entity codes of the reference invoices (the past) and of the invoices in question, over the same list.

    In training both are the same invoices, and `before` tells which of them are the past of which.
    """

    reference: Codes
    query: Codes
    count: int
    before: Before | None = None

    @classmethod
    def match(cls, reference: Column, query: Column) -> "Entities":
        """Entities of invoices in question, and of the ones known before."""
        codes, names = pd.factorize(np.concatenate([reference, query]))
        return cls(codes[: len(reference)], codes[len(reference) :], len(names))

    @classmethod
    def in_training(cls, names: Column, nights: Column) -> "Entities":
        """Entities of training invoices, each with what was known before its night."""
        codes, distinct = pd.factorize(names)
        return cls(codes, codes, len(distinct), Before.each_night(codes, nights))

    def total(self, values: FloatArray) -> FloatArray:
        """Sum a value of the reference invoices over the past of each invoice in question, shape (query rows,)."""
        if self.before is not None:
            return self.before.total(values)
        total: FloatArray = np.bincount(self.reference, values, self.count).astype(float)[self.query]
        return total

    def rows(self) -> FloatArray:
        """Past invoices behind each invoice in question, shape (query rows,)."""
        return self.total(np.ones(len(self.reference)))

    def with_values(self, reference: Codes, query: Codes, values: int) -> "Entities":
        """Entity and value together as entities; in training, with the same nights."""
        pairs = np.unique(
            np.concatenate([self.reference * values + reference, self.query * values + query]), return_inverse=True
        )[1]
        codes, asked = pairs[: len(reference)], pairs[len(reference) :]
        return Entities(codes, asked, int(pairs.max(initial=-1)) + 1, self.before and self.before.within(codes))


@dataclass(frozen=True)
class NumericPast:
    """Location and predictive scale for each invoice in question, shape (query rows,) each."""

    location: FloatArray
    scale: FloatArray


def fit_numeric_prior(values: FloatArray, entities: Codes) -> NumericPrior:
    """Estimate the book's location and spreads robustly; NaN is ignored; an empty column gives a wide prior."""
    frame = pd.DataFrame({"value": values, "entity": entities}).dropna()
    if frame.empty:
        return NumericPrior(0.0, 1.0, 1.0)
    location = float(frame["value"].median())
    medians = frame.groupby("entity")["value"].transform("median")
    sizes = frame.groupby("entity")["value"].transform("size")
    within = _spread(frame["value"] - medians, sizes >= 3)
    between = _spread(medians - location, sizes >= 1)
    return NumericPrior(location, max(between, within), within)


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


def numeric_past(prior: NumericPrior, entities: Entities, reference: FloatArray) -> NumericPast:
    """Give location and scale of a numeric aspect for each invoice in question.

    reference: shape (reference rows,), NaN where not measured.
    """
    known = np.isfinite(reference)
    codes = entities.reference[known]
    clipped = np.zeros(len(reference))
    clipped[known] = _clip_to_own_spread(reference[known], codes, entities.count, prior)
    count, total, squares = (entities.total(values) for values in (known.astype(float), clipped, clipped**2))
    weight = prior.location_weight
    location = (weight * prior.location + total) / (weight + count)
    mean = total / np.maximum(count, 1.0)
    inside = np.maximum(squares - count * mean**2, 0.0)
    variance = (SCALE_PRIOR * prior.within**2 + inside) / (SCALE_PRIOR + np.maximum(count - 1.0, 0.0))
    # The location itself is uncertain: with no past, by the spread between entities (predictive variance).
    predictive = variance * (1.0 + 1.0 / (weight + count))
    return NumericPast(location, np.sqrt(np.maximum(predictive, SMALLEST_SCALE**2)))


def _clip_to_own_spread(values: FloatArray, codes: Codes, count: int, prior: NumericPrior) -> FloatArray:
    groups = pd.Series(values).groupby(codes)
    median = groups.median().reindex(range(count)).to_numpy()[codes]
    deviation = pd.Series(np.abs(values - median)).groupby(codes).median().reindex(range(count)).to_numpy()[codes]
    reach = CLIP * np.maximum(TO_SIGMA * deviation, prior.within)
    clipped: FloatArray = np.clip(values, median - reach, median + reach)
    return clipped


def level_past(prior: FloatArray, entities: Entities, reference: Codes) -> FloatArray:
    """Give the distribution over levels that an entity's past and the book suggest.

    prior: the book's distribution, shape (levels,); reference: level codes. Returns shape (query rows, levels).
    """
    seen = np.column_stack([entities.total((reference == level).astype(float)) for level in range(len(prior))])
    shares: FloatArray = (seen + LEVEL_PRIOR * prior) / (seen.sum(axis=1, keepdims=True) + LEVEL_PRIOR)
    return shares


def rare_value_share(entities: Entities, reference: Codes, query: Codes, values: int) -> FloatArray:
    """Share of an exact value among the entity's past, with the book's as prior; shape (query rows,).

    Tells the values apart that share the level `other`, however many there are: time and memory are linear in rows.
    reference, query: codes of exact values, below `values`.
    """
    seen = entities.with_values(reference, query, values).rows()
    book = np.bincount(reference, minlength=values)[query].astype(float)
    if entities.before is not None:
        book -= 1.0
    prior = (book + 1.0) / (len(reference) + values)
    share: FloatArray = (seen + LEVEL_PRIOR * prior) / (entities.rows() + LEVEL_PRIOR)
    return share
