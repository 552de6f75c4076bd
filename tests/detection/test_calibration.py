"""A calibrated error of 3 means one in a thousand, whatever the field."""

import numpy as np
import pytest

from include.detection.calibration import LARGEST_ERROR, TIERS, Calibration, Tail, combine, history_tier


@pytest.fixture(scope="module")
def exponential() -> np.ndarray:
    return np.random.default_rng(0).exponential(1.0, 50_000)


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


def test_inverse_undoes_the_tail(exponential: np.ndarray) -> None:
    tail = Tail.fit(exponential, smallest_rate=0.1)
    for error in (0.5, 1.3, 5.0):
        assert tail(np.array([tail.inverse(error)]))[0] == pytest.approx(error, abs=0.02)


def test_the_same_distance_means_less_in_an_erratic_tier() -> None:
    random = np.random.default_rng(0)
    tier = np.repeat([0, 3], 3000)
    raw = np.concatenate([random.exponential(5.0, 3000), random.exponential(0.5, 3000)])
    calibration = Calibration.fit(raw, tier, np.zeros(6000), smallest_rate=0.1)
    erratic, steady = calibration(np.array([4.0, 4.0]), np.array([0, 3]), np.zeros(2))
    assert steady > erratic + 2


def test_what_was_not_measured_is_not_odd() -> None:
    calibration = Calibration.fit(np.array([1.0, np.nan] * 200), np.zeros(400, int), np.zeros(400), 0.1)
    assert calibration(np.array([np.nan]), np.zeros(1, int), np.zeros(1))[0] == 0.0


def test_arrays_bring_a_calibration_back(exponential: np.ndarray) -> None:
    tier = np.arange(len(exponential)) % len(TIERS)
    spread = np.linspace(0, 1, len(exponential))
    calibration = Calibration.fit(exponential, tier, spread, 0.1)
    again = Calibration.from_arrays(calibration.to_arrays())
    np.testing.assert_array_equal(calibration(exponential, tier, spread), again(exponential, tier, spread))


def test_one_very_wrong_field_is_enough() -> None:
    one_field = np.array([[6.0] + [0.0] * 19])
    all_a_bit = np.full((1, 20), 1.0)
    assert combine(one_field)[0] > 4 > combine(all_a_bit)[0]


def test_tiers_follow_the_length_of_history() -> None:
    assert [TIERS[tier] for tier in history_tier(np.array([0.0, 1, 4, 5, 19, 20, 1e6]))] == [
        "new", "thin", "thin", "short", "short", "long", "long",
    ]  # fmt: skip


def test_to_exceed_what_nearly_all_share_is_rare() -> None:
    tail = Tail.fit(np.array([0.7] * 4999 + [3.0]), smallest_rate=1.0)
    assert tail(np.array([0.7]))[0] == 0.0
    assert tail(np.array([0.8]))[0] > 3.0
