"""How surprising a count is: minus the logarithm of the chance of so many or more, in nats.

Tails are summed up term by term from the logarithm of their first term. scipy's own are computed as probabilities:
nbinom.logsf is infinite from some 630 nats on, betabinom.logsf is not a number where 1 minus a sum falls below zero.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import gammaln

from invoice_anomalies.detection.checks.timeline import Mask
from invoice_anomalies.detection.features.features import FloatArray

TERMS = 400
"""Of a tail that are summed up; beyond its mean a count's chances fall off quickly."""
LARGEST = 700.0  # nats: the smallest positive float


def negative_binomial_surprise(count: FloatArray, mean: FloatArray, dispersion: FloatArray) -> FloatArray:
    """Surprise at counts that are Poisson around a rate that itself varies as a gamma variable, in nats.

    count, mean, dispersion: shape (rows,), in invoices; the variance is mean + mean^2 / dispersion. Returns shape
    (rows,); 0.0 for counts up to the mean.
    """
    chance = mean / (mean + dispersion)
    first = (
        gammaln(count + dispersion)
        - gammaln(dispersion)
        - gammaln(count + 1.0)
        + count * np.log(np.maximum(chance, 1e-300))
        + dispersion * np.log1p(-chance)
    )
    return _summed(first, lambda term: chance * (count + term + dispersion) / (count + term + 1.0), count > mean)


def beta_binomial_surprise(count: FloatArray, trials: FloatArray, yes: FloatArray, no: FloatArray) -> FloatArray:
    """Surprise at a count of so many trials, whose share varies as a beta variable of these two parameters, in nats.

    count, trials, yes, no: shape (rows,), in invoices. Returns shape (rows,); 0.0 for counts up to the mean.
    """
    first = (
        gammaln(trials + 1.0)
        - gammaln(count + 1.0)
        - gammaln(trials - count + 1.0)
        + _log_beta(count + yes, trials - count + no)
        - _log_beta(yes, no)
    )

    def ratio(term: int) -> FloatArray:
        so_far = count + term
        left = np.maximum(trials - so_far, 0.0)
        return left * (so_far + yes) / ((so_far + 1.0) * np.maximum(left - 1.0 + no, 1e-9))

    return _summed(first, ratio, count > trials * yes / (yes + no))


def _log_beta(yes: FloatArray, no: FloatArray) -> FloatArray:
    found: FloatArray = gammaln(yes) + gammaln(no) - gammaln(yes + no)
    return found


def _summed(first: FloatArray, ratio: Callable[[int], FloatArray], beyond_mean: Mask) -> FloatArray:
    """Minus the logarithm of a sum of terms, shape (rows,), in nats.

    first: logarithm of the first term, shape (rows,); ratio: of each term to the next by its number, shape (rows,).
    """
    total, term = np.ones(len(first)), np.ones(len(first))
    for number in range(TERMS):
        term = term * ratio(number)
        total += term
        if not (term > 1e-9 * total).any():
            break
    surprise = np.clip(-(first + np.log(total)), 0.0, LARGEST)
    return np.where(beyond_mean, surprise, 0.0)
