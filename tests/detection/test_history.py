"""An entity's past: its own where there is much of it, the book's where there is little, never the invoice itself."""

import numpy as np
import pytest

from include.detection.history import (
    Entities,
    NumericPrior,
    fit_numeric_prior,
    level_past,
    numeric_past,
    rare_value_share,
)

PRIOR = NumericPrior(location=5.0, between=2.0, within=0.5)


def entity_names(*names: str) -> np.ndarray:
    return np.array(names, dtype=object)


def test_an_entity_without_past_gets_the_book_and_a_wide_scale() -> None:
    entities = Entities.match(entity_names(), entity_names("new"))
    past = numeric_past(PRIOR, entities, np.array([]))
    assert past.location[0] == pytest.approx(5.0)
    assert past.scale[0] >= 1.9


def test_a_long_past_outweighs_the_book() -> None:
    random = np.random.default_rng(0)
    values = random.normal(8.0, 0.1, 200)
    entities = Entities.match(entity_names(*["steady"] * 200), entity_names("steady"))
    past = numeric_past(PRIOR, entities, values)
    assert past.location[0] == pytest.approx(8.0, abs=0.03)
    assert past.scale[0] == pytest.approx(0.1, abs=0.05)


def test_one_slip_in_the_past_hardly_moves_it() -> None:
    values = np.array([8.0, 8.1, 7.9, 8.0, 8.1, 7.9, 8.0, 15.0])
    entities = Entities.match(entity_names(*["v"] * 8), entity_names("v"))
    past = numeric_past(PRIOR, entities, values)
    assert past.location[0] == pytest.approx(8.2, abs=0.3)


def test_training_gives_the_past_that_was_known_before_the_night() -> None:
    random = np.random.default_rng(1)
    names, nights = entity_names(*random.choice(["a", "b", "c"], 60)), random.integers(10, size=60)
    values = random.normal(5.0, 0.3, 60)
    trained = numeric_past(PRIOR, Entities.in_training(names, nights), values)
    for row in range(0, 60, 7):
        rest = nights < nights[row]
        fresh = numeric_past(PRIOR, Entities.match(names[rest], names[[row]]), values[rest])
        assert trained.location[row] == pytest.approx(fresh.location[0], abs=0.03)
        assert trained.scale[row] == pytest.approx(fresh.scale[0], rel=0.15)


def test_a_history_loaded_at_once_leaves_each_invoice_out_alone() -> None:
    names, nights = entity_names("v", "v", "v", "v"), np.array([1, 1, 1, 1])
    np.testing.assert_array_equal(Entities.in_training(names, nights).rows(), [3, 3, 3, 3])


def test_the_past_ends_before_the_night() -> None:
    names, nights = entity_names(*["v"] * 12), np.repeat(np.arange(6), 2)
    np.testing.assert_array_equal(Entities.in_training(names, nights).rows(), [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10])


def test_missing_values_are_no_past() -> None:
    entities = Entities.match(entity_names("v", "v"), entity_names("v"))
    past = numeric_past(PRIOR, entities, np.array([np.nan, np.nan]))
    assert past.location[0] == pytest.approx(5.0)


def test_levels_follow_the_entity_and_leave_the_invoice_out() -> None:
    names, nights = entity_names("v", "v", "v", "new"), np.array([1, 1, 1, 1])
    codes = np.array([0, 0, 0, 1])
    shares = level_past(np.array([0.5, 0.5]), Entities.in_training(names, nights), codes)
    assert shares[0, 0] == pytest.approx((2 + 0.5) / 3)
    assert shares[3, 1] == pytest.approx(0.5)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_a_value_that_only_its_own_night_has_is_as_rare_as_a_new_one() -> None:
    names, nights = entity_names(*["v"] * 12), np.repeat(np.arange(6), 2)
    values = np.array([0] * 10 + [1, 1])
    share = rare_value_share(Entities.in_training(names, nights), values, values, values=2)
    assert share[8] > 5 * share[11] > 0


def test_a_rare_value_used_before_is_less_rare_than_one_never_seen() -> None:
    entities = Entities.match(entity_names("v", "v"), entity_names("v", "v"))
    share = rare_value_share(entities, np.array([0, 0]), np.array([0, 1]), values=2)
    assert share[0] > 2 * share[1] > 0


def test_an_empty_column_gives_a_finite_prior() -> None:
    prior = fit_numeric_prior(np.array([np.nan, np.nan]), np.array([0, 1]))
    assert np.isfinite([prior.location, prior.between, prior.within]).all()
