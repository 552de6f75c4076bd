"""What an entity's own past says about each aspect, shrunk to the whole book where that past is thin.

For a numeric aspect that is a location and a scale, by empirical Bayes (Gelman et al., Bayesian Data Analysis, ch. 5):
with no past they are those of the whole book, and the more invoices an entity has the more they are its own. For a
categorical aspect it is a distribution over the levels by Pitman-Yor smoothing (Teh 2006, ACL 44:985): the more
different levels an entity has had, the more likely is another new one. An invoice's past ends before its own night,
in training as in scoring: numbers run on, habits change, and the invoices of one night come in batches that are alike.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from invoice_anomalies.detection.features.features import Codes, FloatArray
from invoice_anomalies.detection.profiles.history_index import Entities

CLIP = 4.0  # an entity's own past counts up to this many robust deviations from its median: one slip must not widen it
SMALLEST_SCALE = 0.01  # about 1 % of an amount: below that, differences are rounding
SCALE_PRIOR = 1.5  # invoices that the book's spread is worth
LEVEL_PRIOR = 1.0  # invoices that the book's distribution over levels is worth
DISCOUNT = 0.5  # of an invoice, taken from each level seen and given to those not seen yet
TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution, to its standard deviation
RECENT_PRIOR = 2.0  # recent invoices that the entity's whole past is worth
LASTING = 0.3  # weight of the whole past's shares of levels, beside the recent ones
FINEST_UNIT = 0.01  # of a column's median: what is smaller counts as nothing
LARGEST_NUMBER = float(np.finfo(float).max)


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
    measured, past = np.isfinite(known), entities.past
    clipped = np.zeros(len(known))
    clipped[measured] = _clip_to_own_spread(known[measured], entities.known[measured], prior)
    count, total, squares = (past.total(values) for values in (measured.astype(float), clipped, clipped**2))
    weight = prior.location_weight
    location = (weight * prior.location + total) / (weight + count)
    recent, factor = entities.recency
    recently, lately = (past.total(recent * values) * factor for values in (measured, clipped))
    location = (RECENT_PRIOR * location + lately) / (RECENT_PRIOR + recently)
    mean = total / np.maximum(count, 1.0)
    inside = np.maximum(squares - count * mean**2, 0.0)
    variance = (SCALE_PRIOR * prior.within**2 + inside) / (SCALE_PRIOR + np.maximum(count - 1.0, 0.0))
    # The location itself is uncertain: with no past, by the spread between entities (predictive variance).
    predictive = variance * (1.0 + 1.0 / (weight + count))
    scale = np.sqrt(np.maximum(predictive, SMALLEST_SCALE**2))
    return NumericPast(location[past.of], scale[past.of])


def _clip_to_own_spread(values: FloatArray, codes: Codes, prior: NumericPrior) -> FloatArray:
    groups = pd.factorize(codes)[0]
    median = pd.Series(values).groupby(groups).median().to_numpy()[groups]
    deviation = pd.Series(np.abs(values - median)).groupby(groups).median().to_numpy()[groups]
    reach = CLIP * np.maximum(TO_SIGMA * deviation, prior.within)
    clipped: FloatArray = np.clip(values, median - reach, median + reach)
    return clipped


def level_past(book: FloatArray, entities: Entities, known: Codes) -> FloatArray:
    """Give the distribution over levels that each past and the book suggest.

    book: the book's distribution, shape (levels,); known: level codes. Returns shape (pasts, levels); which past an
    invoice has is `entities.past.of`.
    """
    seen = entities.past.by_level(known, len(book))
    different = (seen > 0).sum(axis=1, keepdims=True)
    own = np.maximum(seen - DISCOUNT, 0.0)
    shares: FloatArray = (own + (LEVEL_PRIOR + DISCOUNT * different) * book) / (
        seen.sum(axis=1, keepdims=True) + LEVEL_PRIOR
    )
    weights, factor = entities.recency
    recent = np.maximum(entities.past.by_level(known, len(book), weights) * factor[:, None], 0.0)
    blended = (recent + RECENT_PRIOR * shares) / (recent.sum(axis=1, keepdims=True) + RECENT_PRIOR)
    # A habit that has not come up lately is a habit still.
    either: FloatArray = LASTING * shares + (1.0 - LASTING) * blended
    return either


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
