"""What an entity's own past says about each aspect, shrunk to the whole book where that past is thin.

For a numeric aspect that is a location and a scale, by empirical Bayes (Gelman et al., Bayesian Data Analysis, ch. 5):
with no past they are those of the whole book, and the more invoices an entity has the more they are its own. For a
categorical aspect it is a distribution over the levels, with the book's as Dirichlet prior. In training an invoice
is left out of its own history, so that what the model sees of the past is as good as it will be when it scores.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.detection.aspects import Column, FloatArray

CLIP = 4.0  # an entity's own past counts up to this many robust deviations from its median: one slip must not widen it
SMALLEST_SCALE = 0.01  # about 1 % of an amount: below that, differences are rounding
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
class Entities:
    """Entity codes of the reference invoices (the past) and of the invoices in question, over the same list.

    Where both are the same invoices, `leave_one_out` takes each out of its own past.
    """

    reference: Codes
    query: Codes
    count: int
    leave_one_out: bool

    @classmethod
    def match(cls, reference: Column, query: Column, leave_one_out: bool = False) -> "Entities":
        codes, names = pd.factorize(np.concatenate([reference, query]))
        return cls(codes[: len(reference)], codes[len(reference) :], len(names), leave_one_out)

    def rows(self) -> FloatArray:
        """Past invoices behind each invoice in question, shape (query rows,)."""
        own: FloatArray = np.bincount(self.reference, minlength=self.count)[self.query] - float(self.leave_one_out)
        return own


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
    clipped = _clip_to_own_spread(reference[known], codes, entities.count, prior)
    count: FloatArray = np.bincount(codes, minlength=entities.count).astype(float)[entities.query]
    total: FloatArray = np.bincount(codes, clipped, entities.count).astype(float)[entities.query]
    squares: FloatArray = np.bincount(codes, clipped**2, entities.count).astype(float)[entities.query]
    if entities.leave_one_out:
        own = np.zeros(len(reference))
        own[known] = clipped
        count, total, squares = count - known, total - own, squares - own**2
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


def level_past(prior: FloatArray, entities: Entities, reference: Codes, query: Codes) -> FloatArray:
    """Give the distribution over levels that an entity's past and the book suggest.

    prior: the book's distribution, shape (levels,); reference, query: level codes. Returns (query rows, levels).
    """
    levels = len(prior)
    counts = np.bincount(entities.reference * levels + reference, minlength=entities.count * levels)
    seen = counts.reshape(entities.count, levels)[entities.query].astype(float)
    if entities.leave_one_out:
        seen[np.arange(len(query)), query] -= 1.0
    shares: FloatArray = (seen + LEVEL_PRIOR * prior) / (seen.sum(axis=1, keepdims=True) + LEVEL_PRIOR)
    return shares


def rare_value_share(entities: Entities, reference: Codes, query: Codes, values: int) -> FloatArray:
    """Share of an exact value among the entity's past, with the book's as prior; shape (query rows,).

    Tells the values apart that share the level `other`, however many there are: time and memory are linear in rows.
    reference, query: codes of exact values, below `values`.
    """
    pairs, inverse = np.unique(
        np.concatenate([entities.reference * values + reference, entities.query * values + query]), return_inverse=True
    )
    seen = np.bincount(inverse[: len(reference)], minlength=len(pairs))[inverse[len(reference) :]].astype(float)
    book = np.bincount(reference, minlength=values)[query].astype(float)
    if entities.leave_one_out:
        seen, book = seen - 1.0, book - 1.0
    prior = (book + 1.0) / (len(reference) + values)
    share: FloatArray = (seen + LEVEL_PRIOR * prior) / (entities.rows() + LEVEL_PRIOR)
    return share
