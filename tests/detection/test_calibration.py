"""A calibrated error of 3 means one in a thousand, whatever the field."""

from typing import Any

import numpy as np
import pytest

from invoice_anomalies.detection.scoring.calibration import (
    LARGEST_ERROR,
    TIERS,
    Calibration,
    Tail,
    combine,
    history_tier,
)

NOTHING = np.zeros(1)
FIRST_TIER = np.zeros(1, dtype=int)


@pytest.fixture(scope="module")
def exponential() -> np.ndarray:
    return np.random.default_rng(0).exponential(1.0, 50_000)


def of_one_cell(raw: np.ndarray, smallest_rate: float = 0.1, **options: Any) -> Calibration:
    """Calibrated on errors of one tier and one dispersion."""
    return Calibration.fit(raw, np.zeros(len(raw), dtype=int), np.zeros(len(raw)), smallest_rate, **options)


def error_of(calibration: Calibration, raw: float) -> float:
    return float(calibration(np.array([raw]), FIRST_TIER, NOTHING)[0])


def test_an_error_is_the_share_of_the_reference_that_is_at_least_as_large(exponential: np.ndarray) -> None:
    tail = Tail.fit(exponential, smallest_rate=0.1)
    assert tail(np.array([np.log(10.0)]))[0] == pytest.approx(1.0, abs=0.02)
    assert tail(np.array([np.log(100.0)]))[0] == pytest.approx(2.0, abs=0.05)


def test_the_tail_goes_on_beyond_the_reference(exponential: np.ndarray) -> None:
    tail = Tail.fit(exponential, smallest_rate=0.1)
    assert tail(np.array([np.log(1e6)]))[0] == pytest.approx(6.0, abs=0.5)
    assert tail(np.array([1e9]))[0] == LARGEST_ERROR


def test_a_larger_raw_error_never_gives_a_smaller_one(exponential: np.ndarray) -> None:
    errors = Tail.fit(exponential, smallest_rate=0.1)(np.linspace(0, 60, 5000))
    assert (np.diff(errors) >= 0).all()


def test_equal_errors_are_not_rare() -> None:
    tail = Tail.fit(np.array([0.0] * 300 + [2.0] * 700), smallest_rate=1.0)
    assert tail(np.array([2.0]))[0] == pytest.approx(-np.log10(0.7), abs=0.02)
    assert tail(np.array([0.0]))[0] == 0.0


def test_to_exceed_what_nearly_all_share_is_rare() -> None:
    tail = Tail.fit(np.array([0.7] * 4999 + [3.0]), smallest_rate=1.0)
    assert tail(np.array([0.7]))[0] == 0.0
    assert tail(np.array([0.8]))[0] > 3.0


@pytest.mark.parametrize("noise", [-1e-7, 1e-7, 1e-6])
def test_a_tie_of_many_is_one_however_the_last_digits_were_rounded(noise: float) -> None:
    rounded = np.repeat([0.7, 2.0], [1000, 4000]) + np.random.default_rng(1).uniform(0.0, 1e-6, 5000)
    tail = Tail.fit(rounded, smallest_rate=1.0)
    assert tail(np.array([2.0 + noise]))[0] == pytest.approx(-np.log10(0.8), abs=0.02)


def test_a_reference_of_nothing_gives_finite_errors() -> None:
    errors = Tail.fit(np.array([]), smallest_rate=0.1)(np.array([0.0, 1.0, 1e9]))
    assert errors[0] == 0.0
    assert np.isfinite(errors).all()


def test_inverse_undoes_the_tail(exponential: np.ndarray) -> None:
    tail = Tail.fit(exponential, smallest_rate=0.1)
    for error in (0.5, 1.3, 5.0):
        assert tail(np.array([tail.inverse(error)]))[0] == pytest.approx(error, abs=0.02)


def test_a_tail_of_few_goes_on_like_that_of_all_where_its_own_errors_end(exponential: np.ndarray) -> None:
    few = np.random.default_rng(1).exponential(1.0, 200)
    everything = Tail.fit(exponential, smallest_rate=0.1)
    alone = Tail.fit(few, smallest_rate=0.1)
    longer = alone.extended_by(everything)

    inside = np.linspace(0.0, alone.values[-1], 50)
    np.testing.assert_allclose(longer(inside), alone(inside))
    beyond = np.linspace(alone.values[-1], 20.0, 500)
    assert (np.diff(longer(beyond)) >= 0).all()
    # Parallel to the one of all from there on, up to the end of that one.
    outside = np.linspace(everything.values[everything.values > alone.values[-1]][0], everything.values[-1], 50)
    assert np.ptp(longer(outside) - everything(outside)) < 1e-9


def test_a_tail_that_reaches_farther_than_that_of_all_keeps_its_own_errors_and_takes_its_rate() -> None:
    wide, narrow = (np.random.default_rng(0).exponential(mean, 500) for mean in (9.0, 1.0))
    longer = Tail.fit(wide, 0.1).extended_by(Tail.fit(narrow, 0.1))
    np.testing.assert_array_equal(longer.values, Tail.fit(wide, 0.1).values)
    assert longer.rate == Tail.fit(narrow, 0.1).rate


def test_the_same_distance_means_less_in_an_erratic_tier() -> None:
    random = np.random.default_rng(0)
    tier = np.repeat([0, 3], 3000)
    raw = np.concatenate([random.exponential(5.0, 3000), random.exponential(0.5, 3000)])
    calibration = Calibration.fit(raw, tier, np.zeros(6000), smallest_rate=0.1)
    erratic, steady = calibration(np.array([4.0, 4.0]), np.array([0, 3]), np.zeros(2))
    assert steady > erratic + 2


def test_the_same_distance_means_less_where_the_past_is_spread() -> None:
    random = np.random.default_rng(0)
    dispersion = np.repeat([0.1, 0.9], 3000)
    raw = np.concatenate([random.exponential(0.5, 3000), random.exponential(5.0, 3000)])
    calibration = Calibration.fit(raw, np.zeros(6000, dtype=int), dispersion, smallest_rate=0.1)
    steady, erratic = calibration(np.array([4.0, 4.0]), np.zeros(2, dtype=int), np.array([0.1, 0.9]))
    assert steady > erratic + 2


def test_a_tier_with_too_few_invoices_is_judged_like_all(exponential: np.ndarray) -> None:
    tier = np.zeros(len(exponential), dtype=int)
    tier[:20] = 2
    calibration = Calibration.fit(exponential, tier, np.zeros(len(tier)), 0.1)
    few, all_others = calibration(np.array([3.0, 3.0]), np.array([2, 0]), np.zeros(2))
    assert few == pytest.approx(all_others, abs=0.02)


def test_what_is_far_above_is_judged_by_what_lies_above_and_below_by_below() -> None:
    random = np.random.default_rng(0)
    above, below = random.exponential(0.2, 10_000), random.exponential(3.0, 10_000)
    signed = of_one_cell(np.concatenate([above, -below]), signed=True)
    assert error_of(signed, 4.0) > error_of(signed, -4.0) + 3


def test_the_error_of_a_side_counts_both_sides() -> None:
    symmetric = of_one_cell(np.random.default_rng(0).laplace(0.0, 1.0, 100_000), signed=True)
    one_in_a_hundred = np.log(100.0)  # of a Laplace distribution, by size
    for raw in (one_in_a_hundred, -one_in_a_hundred):
        assert error_of(symmetric, raw) == pytest.approx(2.0, abs=0.06)
    assert error_of(symmetric, 0.0) == pytest.approx(0.0, abs=0.01)


def test_no_error_is_larger_than_what_the_rows_can_show(exponential: np.ndarray) -> None:
    bounded = of_one_cell(exponential, largest=2.5)
    assert error_of(bounded, 1e9) == 2.5
    assert error_of(bounded, np.log(10.0)) == pytest.approx(1.0, abs=0.02)
    assert error_of(of_one_cell(exponential), 1e9) == LARGEST_ERROR


def test_reach_is_where_an_invoice_has_that_error(exponential: np.ndarray) -> None:
    signs = np.resize([1.0, -3.0], len(exponential))
    signed = of_one_cell(exponential * signs, signed=True)
    below, above = signed.prediction_interval(0, 0.0, 1.3)
    assert below > 2 * above > 0
    assert error_of(signed, above) == pytest.approx(1.3, abs=0.02)
    assert error_of(signed, -below) == pytest.approx(1.3, abs=0.02)


def test_reach_of_errors_without_a_sign_is_the_same_on_both_sides(exponential: np.ndarray) -> None:
    below, above = of_one_cell(exponential).prediction_interval(0, 0.0, 2.0)
    assert below == above == pytest.approx(np.log(100.0), abs=0.1)


@pytest.mark.parametrize("signed", [False, True])
def test_what_was_not_measured_is_not_odd(signed: bool) -> None:
    calibration = of_one_cell(np.array([1.0, np.nan] * 200), signed=signed)
    assert error_of(calibration, np.nan) == 0.0


@pytest.mark.parametrize("raw", [np.full(400, np.nan), np.zeros(0), np.zeros(400)])
def test_a_field_that_was_never_measured_or_never_off_gives_finite_errors(raw: np.ndarray) -> None:
    for signed in (False, True):
        errors = of_one_cell(raw, signed=signed)(np.array([0.0, 1.0, -1e9, 1e9, np.nan]), np.arange(5) % 4, np.zeros(5))
        assert np.isfinite(errors).all()
        assert errors[0] == errors[4] == 0.0


@pytest.mark.parametrize("signed", [False, True])
def test_arrays_bring_a_calibration_back(exponential: np.ndarray, signed: bool) -> None:
    raw = exponential * np.resize([1.0, -0.3], len(exponential))
    tier = np.arange(len(raw)) % len(TIERS)
    dispersion = np.linspace(0, 1, len(raw))
    calibration = Calibration.fit(raw, tier, dispersion, 0.1, signed=signed, largest=3.5)

    again = Calibration.from_arrays(calibration.to_arrays())

    asked = np.concatenate([raw, [1e9, -1e9]])
    tier, dispersion = np.append(tier, [0, 3]), np.append(dispersion, [0.0, 1.0])
    np.testing.assert_array_equal(calibration(asked, tier, dispersion), again(asked, tier, dispersion))
    assert again.prediction_interval(2, 0.4, 1.3) == calibration.prediction_interval(2, 0.4, 1.3)
    assert again(asked, tier, dispersion).max() == 3.5


def test_one_very_wrong_field_is_enough() -> None:
    one_field = np.array([[6.0] + [0.0] * 19])
    all_a_bit = np.full((1, 20), 1.0)
    assert combine(one_field)[0] > 4 > combine(all_a_bit)[0]


def test_tiers_follow_the_length_of_history() -> None:
    assert [TIERS[tier] for tier in history_tier(np.array([0.0, 1, 4, 5, 19, 20, 1e6]))] == [
        "new", "thin", "thin", "short", "short", "long", "long",
    ]  # fmt: skip
