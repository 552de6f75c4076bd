"""An entity's past: its own where there is much of it, the book's where there is little, never the invoice itself."""

import numpy as np
import pytest

from invoice_anomalies.detection.profiles.history_index import FOLDS, HistoryIndex
from invoice_anomalies.detection.profiles.vendor_profiles import (
    NumericPrior,
    category_shares,
    fit_numeric_prior,
    numeric_profile,
    unit_of,
    value_shares,
)

PRIOR = NumericPrior(location=5.0, between=2.0, within=0.5)
HALVES = np.array([0.5, 0.5])


def names(*given: str) -> np.ndarray:
    return np.array(given, dtype=object)


def nights(*days: int) -> np.ndarray:
    return np.datetime64("2026-01-01") + np.array(days, dtype="timedelta64[D]")


def one_night(history: np.ndarray, asked: np.ndarray) -> HistoryIndex:
    """The invoices in question came the night after a history of one night."""
    return HistoryIndex.for_scoring(history, asked, nights(*[0] * len(history)), nights(*[1] * len(asked)))


def test_an_entity_without_past_gets_the_book_and_a_wide_scale() -> None:
    past = numeric_profile(PRIOR, one_night(names(), names("new")), np.array([]))
    assert past.location[0] == pytest.approx(5.0)
    assert past.scale[0] >= 1.9


def test_a_long_past_outweighs_the_book() -> None:
    values = np.random.default_rng(0).normal(8.0, 0.1, 200)
    past = numeric_profile(PRIOR, one_night(names(*["steady"] * 200), names("steady")), values)
    assert past.location[0] == pytest.approx(8.0, abs=0.03)
    assert past.scale[0] == pytest.approx(0.1, abs=0.05)


def test_one_slip_in_the_past_hardly_moves_it() -> None:
    values = np.array([8.0, 8.1, 7.9, 8.0, 8.1, 7.9, 8.0, 15.0])
    past = numeric_profile(PRIOR, one_night(names(*["v"] * 8), names("v")), values)
    assert past.location[0] == pytest.approx(8.2, abs=0.3)


def test_missing_values_are_no_past() -> None:
    past = numeric_profile(PRIOR, one_night(names("v", "v"), names("v")), np.array([np.nan, np.nan]))
    assert past.location[0] == pytest.approx(5.0)


def test_recent_invoices_tell_more_than_old_ones() -> None:
    index = HistoryIndex.for_scoring(names(*["v"] * 40), names("v"), nights(*[0] * 20, *[300] * 20), nights(310))
    values, codes = np.repeat([5.0, 8.0], 20), np.repeat([0, 1], 20)
    assert 7.0 < numeric_profile(PRIOR, index, values).location[0] < 8.0
    assert category_shares(HALVES, index, codes)[0, 1] > 0.8


def test_training_gives_the_past_that_was_known_before_the_night() -> None:
    random = np.random.default_rng(1)
    who, when = random.choice(names("a", "b", "c"), 60), nights(*random.integers(10, size=60))
    values = random.normal(5.0, 0.3, 60)
    trained = numeric_profile(PRIOR, HistoryIndex.for_training(who, when), values)
    for row in range(0, 60, 7):
        known = when < when[row]
        fresh = numeric_profile(
            PRIOR, HistoryIndex.for_scoring(who[known], who[[row]], when[known], when[[row]]), values[known]
        )
        assert trained.location[row] == pytest.approx(fresh.location[0], abs=0.03)
        assert trained.scale[row] == pytest.approx(fresh.scale[0], rel=0.15)


def test_the_past_ends_before_the_night() -> None:
    index = HistoryIndex.for_training(names(*["v"] * 12), nights(*np.repeat(np.arange(6), 2)))
    np.testing.assert_array_equal(index.history_rows(), [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10])


def test_of_the_invoices_in_question_those_of_earlier_nights_are_past_to_later_ones() -> None:
    asked = names("v", "v", "w", "v", "v")
    index = HistoryIndex.for_scoring(names("v", "v"), asked, nights(0, 1), nights(2, 2, 2, 4, 5))
    np.testing.assert_array_equal(index.history_rows(), [2, 2, 0, 4, 5])
    np.testing.assert_array_equal(index.total(np.array([1.0, 10.0, 100.0, 0.0, 7.0, 0.0, 0.0])), [11, 11, 0, 111, 111])


def test_a_single_night_is_not_its_own_past() -> None:
    index = one_night(names("v", "v", "v"), names("v", "v", "w"))
    assert len(index.reference) == 3
    np.testing.assert_array_equal(index.history_rows(), [3, 3, 0])


def test_a_history_that_has_the_date_of_the_night_is_past_all_the_same() -> None:
    index = HistoryIndex.for_scoring(names("v", "v"), names("v"), nights(1, 1), nights(1))
    np.testing.assert_array_equal(index.history_rows(), [2])
    weight, factor = index.recency
    np.testing.assert_allclose(index.ranges.total(weight * np.array([1.0, 3.0])) * factor, [4.0])


def test_a_history_loaded_at_once_has_the_other_folds_as_its_past() -> None:
    index = HistoryIndex.for_training(names(*["v"] * 16, "w"), nights(*[3] * 17))
    np.testing.assert_array_equal(index.history_rows(), [16 - 16 / FOLDS] * 16 + [0])


def test_the_past_of_a_history_loaded_at_once_does_not_give_the_invoice_away() -> None:
    index = HistoryIndex.for_training(names(*["v"] * 16), nights(*[3] * 16))
    values = np.random.default_rng(0).normal(5.0, 1.0, 16)
    totals = index.total(values)
    # Were it all but the invoice itself, there would be as many totals as invoices, and each would tell its own.
    assert len(np.unique(totals.round(9))) == FOLDS
    for row in range(16):
        changed = values.copy()
        changed[row] += 100.0
        assert index.total(changed)[row] == pytest.approx(totals[row])


@pytest.mark.parametrize("loads", [2, 3, 4])
def test_a_history_loaded_in_a_few_nights_has_no_past_of_less_than_nothing(loads: int) -> None:
    own = 48 // loads  # invoices of an entity in each load
    load = np.repeat(np.arange(loads), 2 * own)
    index, codes = HistoryIndex.for_training(names(*["v", "w"] * 48), nights(*load)), np.arange(96) // 2 % 2
    # The earlier loads, and of its own one the other folds.
    np.testing.assert_array_equal(index.history_rows(), load * own + own - own / FOLDS)
    assert (category_shares(HALVES, index, codes) > 0).all()
    assert (value_shares(np.full(96, 0.1), index, codes, codes) > 0).all()


def test_one_by_one_lets_a_history_loaded_at_once_begin_from_nothing() -> None:
    index = HistoryIndex.for_cold_start(names("v", "w", "v", "v", "w"), nights(3, 3, 3, 3, 3))
    np.testing.assert_array_equal(index.history_rows(), [0, 0, 1, 2, 1])


def test_one_by_one_keeps_the_nights_of_a_history_that_grew() -> None:
    index = HistoryIndex.for_cold_start(names(*["v"] * 12), nights(*np.repeat(np.arange(6), 2)))
    np.testing.assert_array_equal(index.history_rows(), [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10])


def test_without_past_every_entity_is_judged_by_the_book() -> None:
    index = one_night(names("v", "v"), names("v", "w")).without_history()
    np.testing.assert_array_equal(index.history_rows(), [0, 0])
    np.testing.assert_allclose(category_shares(HALVES, index, np.array([], dtype=int)), [HALVES, HALVES])


def test_siblings_are_the_other_invoices_of_the_entity_that_night() -> None:
    index = HistoryIndex.for_scoring(names("v"), names("v", "v", "w", "v"), nights(0), nights(1, 1, 1, 2))
    np.testing.assert_array_equal(index.same_night(np.array([1.0, 10.0, 100.0, 1000.0])), [10, 1, 0, 0])


def test_a_history_loaded_at_once_has_no_siblings_beside_its_past() -> None:
    index = HistoryIndex.for_training(names("v", "v", "v"), nights(1, 1, 1))
    np.testing.assert_array_equal(index.same_night(np.ones(3)), [0, 0, 0])


def test_levels_follow_the_entity() -> None:
    shares = category_shares(HALVES, one_night(names("v", "v", "v", "v"), names("v", "new")), np.array([0, 0, 0, 0]))
    assert shares[0, 0] > 0.85
    np.testing.assert_allclose(shares[1], HALVES)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_an_entity_with_ever_new_levels_finds_another_one_less_odd() -> None:
    book = np.full(13, 1 / 13)
    history = names(*["steady"] * 6, *["changing"] * 6)
    shares = category_shares(book, one_night(history, names("steady", "changing")), np.array([0] * 6 + [*range(6)]))
    new = shares[:, 12]
    assert new[1] > 2 * new[0] > 0


def test_an_exact_value_used_before_is_less_rare_than_one_never_seen() -> None:
    share = value_shares(
        np.full(2, 0.01), one_night(names("v", "v"), names("v", "v")), np.array([0, 0]), np.array([0, 1])
    )
    assert share[0] > 10 * share[1] > 0


def test_where_most_values_of_the_book_are_new_another_one_is_no_surprise() -> None:
    index, known, asked = one_night(names("v"), names("v", "v")), np.array([0]), np.array([1, 2])
    share = value_shares(np.array([0.9, 0.01]), index, known, asked)
    assert share[0] > 0.5
    assert share[1] < 0.05


def test_an_entity_with_ever_new_values_finds_another_one_less_rare() -> None:
    history = names(*["steady"] * 6, *["changing"] * 6)
    known = np.array([0] * 6 + [*range(1, 7)])
    share = value_shares(np.full(2, 0.3), one_night(history, names("steady", "changing")), known, np.array([8, 9]))
    assert share[1] > 2 * share[0]


def test_a_value_that_only_its_own_night_has_is_as_rare_as_a_new_one() -> None:
    when, values = nights(*np.repeat(np.arange(6), 2)), np.array([0] * 10 + [1, 1])
    share = value_shares(np.full(12, 0.1), HistoryIndex.for_training(names(*["v"] * 12), when), values, values)
    assert share[8] > 5 * share[11] > 0


def test_the_models_scale_takes_any_number_and_gives_it_back() -> None:
    prior = NumericPrior(0.0, 1.0, 1.0, unit=0.01)
    values = np.array([-1e9, -3.5, 0.0, 0.004, 12.34, 1e9])
    np.testing.assert_allclose(prior.value_of(prior.scaled(values)), values, rtol=1e-9, atol=1e-12)
    assert np.isnan(prior.scaled(np.array([np.nan]))[0])


@pytest.mark.filterwarnings("error")
def test_a_number_too_large_for_its_unit_is_still_a_number() -> None:
    prior = NumericPrior(0.0, 1.0, 1.0, unit=0.01)
    low, high = prior.scaled(np.array([-1e308, 1e308]))
    assert -800 < low < -700 < 700 < high < 800
    assert np.isfinite(fit_numeric_prior(np.array([1e308] * 9 + [1.0]), np.zeros(10, dtype=int), 0.01).within)


def test_an_empty_column_gives_a_finite_prior() -> None:
    prior = fit_numeric_prior(np.array([np.nan, np.nan]), np.array([0, 1]))
    assert np.isfinite([prior.location, prior.between, prior.within]).all()


@pytest.mark.parametrize(
    ("values", "unit"), [([], 1.0), ([0.0, 0.0], 1.0), ([np.nan], 1.0), ([5000.0], 1.0), ([3.0], 0.01), ([-0.2], 0.001)]
)
def test_the_unit_lies_well_below_what_is_usual(values: list[float], unit: float) -> None:
    assert unit_of(np.array(values)) == pytest.approx(unit)
