"""History profiles: what an entity's history says of each feature, shrunk to the population where it is thin.

The profile of a numeric feature is a location and a scale, by empirical Bayes (Gelman et al., Bayesian Data Analysis,
ch. 5): without a history they are those of the population, and the more invoices an entity has the more they are its
own. The profile of a categorical feature is a distribution over the categories by Pitman-Yor smoothing (Teh 2006, ACL
44:985): the more different categories an entity has had, the more likely is another new one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from invoice_anomalies.detection.features.features import Codes, FloatArray
from invoice_anomalies.detection.profiles.history_index import HistoryIndex

CLIP = 4.0  # robust deviations from an entity's median at which its history is cut: one slip must not widen it
SMALLEST_SCALE = 0.01  # about 1 % of an amount: below that, differences are rounding
SCALE_PRIOR = 1.5  # invoices that the population's spread is worth
CATEGORY_PRIOR = 1.0  # invoices that the population's distribution over categories is worth
DISCOUNT = 0.5  # of an invoice, taken from each category seen and given to those not seen yet
TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution, to its standard deviation
RECENT_PRIOR = 2.0  # recent invoices that the entity's whole history is worth
LASTING = 0.3  # weight of the whole history's shares of categories, beside the recent ones
FINEST_UNIT = 0.01  # of a column's median: what is smaller counts as nothing
LARGEST_NUMBER = float(np.finfo(float).max)


@dataclass(frozen=True)
class NumericPrior:
    """Location of a numeric feature in the population, and its spread between entities and within one.

    All three are on the model's scale, asinh(value / unit): a logarithm that also takes zero and negative numbers.
    """

    location: float
    between: float
    within: float
    unit: float = 1.0

    @property
    def location_weight(self) -> float:
        """Number of invoices that the population's location is worth."""
        return float(np.clip((self.within / self.between) ** 2, 0.02, 5.0))

    def scaled(self, values: FloatArray) -> FloatArray:
        """Values on the model's scale, same shape. values: in the feature's own unit."""
        # In units, a number may be more than a float can hold; a measured one must not become a missing one.
        with np.errstate(over="ignore"):
            scaled: FloatArray = np.arcsinh(np.clip(values / self.unit, -LARGEST_NUMBER, LARGEST_NUMBER))
        return scaled

    def value_of(self, scaled: FloatArray) -> FloatArray:
        """Values in the feature's own unit, same shape. scaled: on the model's scale."""
        values: FloatArray = self.unit * np.sinh(np.clip(scaled, -700.0, 700.0))
        return values


@dataclass(frozen=True)
class NumericProfile:
    """Location and predictive scale of each query row on the model's scale, shape (query,) each."""

    location: FloatArray
    scale: FloatArray


def fit_numeric_prior(values: FloatArray, entities: Codes, unit: float = 1.0) -> NumericPrior:
    """Robust location and spreads; an empty column gives a wide prior.

    values: shape (rows,), in the feature's own unit, NaN where not measured; entities: codes, shape (rows,).
    """
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
    """A power of ten well below what is usual, so that the model's scale is logarithmic there; at most 1.

    values: shape (rows,), in the feature's own unit, NaN where not measured.
    """
    sizes = np.abs(values[np.isfinite(values)])
    usual = float(np.median(sizes)) if len(sizes) else 0.0
    return 1.0 if usual == 0.0 else float(min(1.0, 10.0 ** np.floor(np.log10(usual * FINEST_UNIT))))


def numeric_profile(prior: NumericPrior, index: HistoryIndex, reference: FloatArray) -> NumericProfile:
    """Location and scale of a numeric feature for each query row.

    reference: values of the reference rows on the model's scale, shape (reference,), NaN where not measured.
    """
    measured, histories = np.isfinite(reference), index.ranges
    clipped = np.zeros(len(reference))
    clipped[measured] = _clip_to_own_spread(reference[measured], index.reference[measured], prior)
    count, total, squares = (histories.total(values) for values in (measured.astype(float), clipped, clipped**2))
    weight = prior.location_weight
    location = (weight * prior.location + total) / (weight + count)
    recent, factor = index.recency
    recently, lately = (histories.total(recent * values) * factor for values in (measured, clipped))
    location = (RECENT_PRIOR * location + lately) / (RECENT_PRIOR + recently)
    mean = total / np.maximum(count, 1.0)
    inside = np.maximum(squares - count * mean**2, 0.0)
    variance = (SCALE_PRIOR * prior.within**2 + inside) / (SCALE_PRIOR + np.maximum(count - 1.0, 0.0))
    # The location itself is uncertain: without a history, by the spread between entities (predictive variance).
    predictive = variance * (1.0 + 1.0 / (weight + count))
    scale = np.sqrt(np.maximum(predictive, SMALLEST_SCALE**2))
    return NumericProfile(location[histories.history_of], scale[histories.history_of])


def _clip_to_own_spread(values: FloatArray, codes: Codes, prior: NumericPrior) -> FloatArray:
    groups = pd.factorize(codes)[0]
    median = pd.Series(values).groupby(groups).median().to_numpy()[groups]
    deviation = pd.Series(np.abs(values - median)).groupby(groups).median().to_numpy()[groups]
    farthest = CLIP * np.maximum(TO_SIGMA * deviation, prior.within)
    clipped: FloatArray = np.clip(values, median - farthest, median + farthest)
    return clipped


def category_shares(population: FloatArray, index: HistoryIndex, reference: Codes) -> FloatArray:
    """Expected share of each category by a history and the population, shape (histories, categories).

    population: shares in the population, shape (categories,); reference: codes of the reference rows, shape
    (reference,). `index.ranges.history_of` maps a query row to its history.
    """
    seen = index.ranges.by_category(reference, len(population))
    different = (seen > 0).sum(axis=1, keepdims=True)
    own = np.maximum(seen - DISCOUNT, 0.0)
    shares: FloatArray = (own + (CATEGORY_PRIOR + DISCOUNT * different) * population) / (
        seen.sum(axis=1, keepdims=True) + CATEGORY_PRIOR
    )
    weights, factor = index.recency
    recent = np.maximum(index.ranges.by_category(reference, len(population), weights) * factor[:, None], 0.0)
    blended = (recent + RECENT_PRIOR * shares) / (recent.sum(axis=1, keepdims=True) + RECENT_PRIOR)
    # A habit that has not come up lately is a habit still.
    either: FloatArray = LASTING * shares + (1.0 - LASTING) * blended
    return either


def value_shares(population: FloatArray, index: HistoryIndex, reference: Codes, query: Codes) -> FloatArray:
    """Expected share of the exact value of each query row by its history and the population, shape (query,).

    Tells the values apart that share the category `other`, however many there are: time and memory are linear in rows.
    reference, query: codes of exact values, shapes (reference,) and (query,). population: shape (query,), the share of
    training invoices whose value is at least as rare, so that where most values are new (stock numbers) a new value is
    no surprise.
    """
    values = int(max(reference.max(initial=0), query.max(initial=0))) + 1
    pairs = index.with_values(reference, query, values)
    seen = pairs.history_rows()
    first = np.zeros(len(reference))
    ordered = pairs.reference[pairs.ranges.order]
    first[pairs.ranges.order[np.flatnonzero(np.diff(ordered, prepend=-1))]] = 1.0
    different = index.total(first)
    own = np.maximum(seen - DISCOUNT, 0.0)
    expected = own + (CATEGORY_PRIOR + DISCOUNT * different) * population
    shares: FloatArray = expected / (index.history_rows() + CATEGORY_PRIOR)
    return shares
