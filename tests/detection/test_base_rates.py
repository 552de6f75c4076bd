"""What is rare among all may be an entity's habit: its own record raises or lowers its errors."""

import numpy as np
import pytest

from invoice_anomalies.detection.profiles.history_index import HistoryIndex
from invoice_anomalies.detection.scoring.base_rates import (
    EXCEEDANCE_LEVELS,
    BaseRates,
    Exceedances,
    history_exceedances,
    same_night_exceedances,
    shrink_to_vendor_rate,
)

HOSTILE = [
    "", " ", "V1", "V1 ", "a\nb", "a\r\nb", "tab\there", "nul\x00inside", "\x00", "Müller & Söhne", "株式会社", "🧾",
    "\u202egnp.exe", "e\u0301", "é", "'; DROP TABLE scores; --", "x" * 5000, "=1+1", "|", "a,b", '"', "\\n",
]  # fmt: skip


def named(*names: str) -> np.ndarray:
    return np.array(names, dtype=object)


def nights(*days: int) -> np.ndarray:
    return np.datetime64("2026-01-01") + np.array(days, dtype="timedelta64[D]")


def of_one_field(*errors: float) -> np.ndarray:
    return np.array(errors)[:, None]


def shrunk(error: float, rows: int, odd: int) -> float:
    return float(
        shrink_to_vendor_rate(of_one_field(error), Exceedances(np.array([float(rows)]), of_one_field(odd)))[0, 0]
    )


def test_an_entity_without_record_keeps_its_error() -> None:
    for error in (0.0, 0.4, 1.0, 2.7, 6.0):
        assert shrunk(error, rows=0, odd=0) == pytest.approx(error)


def test_a_habit_is_no_surprise() -> None:
    assert shrunk(3.0, rows=100, odd=50) < 1.2
    assert shrunk(3.0, rows=10_000, odd=5_000) == pytest.approx(np.log10(2), abs=0.05)


def test_a_break_with_a_long_habit_is_more_of_a_surprise() -> None:
    assert shrunk(2.0, rows=1000, odd=0) > 2.9
    assert shrunk(2.0, rows=1000, odd=0) > shrunk(2.0, rows=100, odd=0) > shrunk(2.0, rows=10, odd=0) > 2.0


def test_a_few_invoices_are_no_record_against_a_very_rare_error() -> None:
    assert shrunk(5.0, rows=5, odd=0) == pytest.approx(5.0, abs=0.01)


def test_each_further_odd_invoice_makes_the_next_one_less_odd() -> None:
    errors = [shrunk(4.0, rows=50, odd=odd) for odd in range(10)]
    assert (np.diff(errors) < 0).all()
    assert errors[0] - errors[1] > 0.3


def test_small_errors_are_left_alone_and_none_falls_below_nothing() -> None:
    assert shrunk(0.99, rows=1000, odd=0) == 0.99
    assert shrunk(1.0, rows=10, odd=10_000) == 0.0


def test_the_past_counts_what_was_at_least_as_far_off_on_earlier_nights() -> None:
    errors = of_one_field(3.2, 2.9, 1.2, 3.3, 3.0, 0.2)
    index = HistoryIndex.for_training(named("v", "v", "v", "v", "v", "w"), nights(0, 1, 2, 3, 4, 5))
    rows, odd = history_exceedances(errors, index)
    np.testing.assert_array_equal(rows, [0, 1, 2, 3, 4, 0])
    # Counted from the half error below: for 3.3 and for 3.0 all from 3.0 on, for 2.9 all from 2.5 on.
    np.testing.assert_array_equal(odd[:, 0], [0, 1, 2, 1, 2, 0])


def test_siblings_count_the_others_of_the_entity_and_night() -> None:
    errors = np.array([[3.0, 0.0], [3.0, 2.0], [1.0, 2.0], [3.0, 2.0]])
    index = HistoryIndex.for_scoring(named("v"), named("v", "v", "v", "w"), nights(0), nights(1, 1, 1, 1))
    rows, odd = same_night_exceedances(errors, index)
    np.testing.assert_array_equal(rows, [2, 2, 2, 0])
    np.testing.assert_array_equal(odd, [[1, 0], [1, 1], [2, 1], [0, 0]])


def test_of_the_invoices_in_question_those_of_earlier_nights_count() -> None:
    errors = of_one_field(4.0, 4.0, 4.0, 4.0)
    asked = named("v", "v", "v", "w")
    rows, odd = history_exceedances(
        errors, HistoryIndex.for_scoring(named("v", "v"), asked, nights(0, 0), nights(1, 2, 3, 3))
    )
    np.testing.assert_array_equal(rows, [0, 1, 2, 0])
    np.testing.assert_array_equal(odd[:, 0], [0, 1, 2, 0])


def test_base_rates_tell_how_often_an_entity_was_at_least_as_odd_in_training() -> None:
    rates = BaseRates.fit(named("w", "v", "v", "v"), np.array([[0.0, 6.0], [1.0, 0.0], [2.2, 0.0], [9.0, 0.0]]))
    asked = np.array([[0.5, 0.5], [1.0, 1.0], [2.0, 5.0], [4.0, 7.0]])
    rows, odd = rates.look_up(named("v", "v", "v", "w"), asked)
    np.testing.assert_array_equal(rows, [3, 3, 3, 1])
    np.testing.assert_array_equal(odd, [[0, 0], [3, 0], [2, 0], [0, 1]])


def test_base_rates_count_as_the_history_does() -> None:
    random = np.random.default_rng(0)
    who, errors = random.choice(named("a", "b", "c"), 200), random.exponential(1.5, (200, 3))
    asked = random.exponential(2.0, (50, 3))
    later = random.choice(named("a", "b", "c"), 50)
    rows, odd = BaseRates.fit(who, errors).look_up(later, asked)
    for row in range(50):
        own, floor = errors[who == later[row]], np.floor(asked[row] * 2) / 2
        assert rows[row] == len(own)
        expected = np.where(
            asked[row] >= EXCEEDANCE_LEVELS[0], (own >= np.minimum(floor, EXCEEDANCE_LEVELS[-1])).sum(axis=0), 0
        )
        np.testing.assert_array_equal(odd[row], expected)


def test_an_unknown_entity_has_no_base_rate() -> None:
    rates = BaseRates.fit(named("v"), of_one_field(5.0))
    rows, odd = rates.look_up(named("w", ""), of_one_field(5.0, 5.0))
    assert not rows.any()
    assert not odd.any()


def test_arrays_bring_records_back_whatever_the_entities_are_called() -> None:
    random = np.random.default_rng(0)
    who = random.permutation(named(*HOSTILE * 3))
    rates = BaseRates.fit(who, random.exponential(2.0, (len(who), 2)))

    arrays = rates.to_arrays()
    again = BaseRates.from_arrays(arrays)

    assert all(array.dtype.kind in "fiu" for array in arrays.values())
    assert sorted(again.entities) == sorted(HOSTILE)
    asked = np.full((len(HOSTILE), 2), 2.0)
    for expected, found in zip(
        rates.look_up(named(*HOSTILE), asked), again.look_up(named(*HOSTILE), asked), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("names", [[], [""]])
def test_arrays_bring_back_records_without_a_name(names: list[str]) -> None:
    rates = BaseRates.fit(named(*names), np.full((len(names), 2), 3.0))
    rows, odd = BaseRates.from_arrays(rates.to_arrays()).look_up(named(""), np.full((1, 2), 3.0))
    assert rows[0] == len(names)
    np.testing.assert_array_equal(odd, [[len(names)] * 2])
