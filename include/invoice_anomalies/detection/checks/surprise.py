"""How surprising a count is: minus the logarithm of the chance of so many or more, in nats."""

import math
from collections.abc import Callable

import numpy as np

from invoice_anomalies.detection.checks.timeline import Mask
from invoice_anomalies.detection.features.features import FloatArray

TERMS = 400
"""Of a tail that are summed up; beyond its mean a count's chances fall off quickly."""
LARGEST = 700.0  # nats: the smallest positive float

_log_gamma: Callable[[FloatArray], FloatArray] = np.vectorize(math.lgamma, otypes=[float])


def negative_binomial_surprise(count: FloatArray, mean: FloatArray, shape: FloatArray) -> FloatArray:
    """Surprise at a count where counts are Poisson around a rate that itself varies as a gamma variable.

    count, mean, shape: shape (rows,); the variance is mean + mean^2 / shape. 0.0 for counts up to the mean.
    """
    chance = mean / (mean + shape)
    first = (
        _log_gamma(count + shape)
        - _log_gamma(shape)
        - _log_gamma(count + 1.0)
        + count * np.log(np.maximum(chance, 1e-300))
        + shape * np.log1p(-chance)
    )
    return _summed(first, lambda term: chance * (count + term + shape) / (count + term + 1.0), count > mean)


def beta_binomial_surprise(count: FloatArray, trials: FloatArray, yes: FloatArray, no: FloatArray) -> FloatArray:
    """Surprise at a count of so many trials, whose share varies as a beta variable of these two parameters.

    count, trials, yes, no: shape (rows,). 0.0 for counts up to the mean.
    """
    first = (
        _log_gamma(trials + 1.0)
        - _log_gamma(count + 1.0)
        - _log_gamma(trials - count + 1.0)
        + _log_beta(count + yes, trials - count + no)
        - _log_beta(yes, no)
    )

    def ratio(term: int) -> FloatArray:
        at = count + term
        left = np.maximum(trials - at, 0.0)
        return left * (at + yes) / ((at + 1.0) * np.maximum(left - 1.0 + no, 1e-9))

    return _summed(first, ratio, count > trials * yes / (yes + no))


def _log_beta(one: FloatArray, other: FloatArray) -> FloatArray:
    found: FloatArray = _log_gamma(one) + _log_gamma(other) - _log_gamma(one + other)
    return found


def _summed(first: FloatArray, ratio: Callable[[int], FloatArray], beyond_mean: Mask) -> FloatArray:
    """Minus the logarithm of a sum of terms, given the logarithm of the first and the ratio of each to the next."""
    total, term = np.ones(len(first)), np.ones(len(first))
    for number in range(TERMS):
        term = term * ratio(number)
        total += term
        if not (term > 1e-9 * total).any():
            break
    surprise = np.clip(-(first + np.log(total)), 0.0, LARGEST)
    return np.where(beyond_mean, surprise, 0.0)
