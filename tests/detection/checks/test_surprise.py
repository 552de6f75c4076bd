"""Tails of counts equal the exact sums that whole parameters allow."""

from collections.abc import Callable
from fractions import Fraction
from math import comb, factorial, log

import numpy as np
import numpy.typing as npt
import pytest

from invoice_anomalies.detection.checks.surprise import beta_binomial_surprise, negative_binomial_surprise


def surprise(function: Callable[..., npt.NDArray[np.floating]], *parameters: float) -> float:
    return float(function(*(np.array([float(value)]) for value in parameters))[0])


@pytest.mark.parametrize(("count", "mean", "dispersion"), [(5, 2, 3), (40, 3, 1), (12, 11, 9), (300, 20, 2)])
def test_a_negative_binomial_tail_is_exact(count: int, mean: int, dispersion: int) -> None:
    chance = Fraction(mean, mean + dispersion)
    below = sum(comb(k + dispersion - 1, k) * chance**k * (1 - chance) ** dispersion for k in range(count))
    assert surprise(negative_binomial_surprise, count, mean, dispersion) == pytest.approx(-log(1 - below), rel=1e-6)


@pytest.mark.parametrize(("count", "trials", "yes", "no"), [(3, 3, 1, 50), (4, 20, 2, 30), (9, 10, 1, 1)])
def test_a_beta_binomial_tail_is_exact(count: int, trials: int, yes: int, no: int) -> None:
    def beta(one: int, other: int) -> Fraction:
        return Fraction(factorial(one - 1) * factorial(other - 1), factorial(one + other - 1))

    tail = sum(comb(trials, k) * beta(k + yes, trials - k + no) / beta(yes, no) for k in range(count, trials + 1))
    assert surprise(beta_binomial_surprise, count, trials, yes, no) == pytest.approx(-log(tail), rel=1e-6)


def test_counts_up_to_the_mean_do_not_surprise() -> None:
    assert surprise(negative_binomial_surprise, 4, 5, 2) == 0.0
    assert surprise(beta_binomial_surprise, 2, 10, 1, 1) == 0.0
