"""Slips are recognised where a corrected value fits, and nothing is claimed where it might be chance."""

from datetime import date

import pytest

from invoice_anomalies.detection.explain.slips import (
    ExpectedRange,
    date_note,
    format_slip,
    number_note,
    quiet_day,
    repeated_amount,
    round_amount,
    usual_weekdays,
    weekday_span,
)
from invoice_anomalies.detection.features.features import WEEKDAYS
from invoice_anomalies.detection.features.identifiers import format_of
from invoice_anomalies.text import amount, number

LOW, HIGH, NIGHT = date(2026, 3, 1), date(2026, 3, 10), date(2026, 3, 12)
AROUND_1310 = ExpectedRange(1_310.0, 1_150.0, 1_480.0)


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        (14_200.0, "×10.8, looks like a shifted decimal point: 1,420.00 would fit"),
        (13.1, "×0.01, looks like a shifted decimal point: 1,310.00 would fit"),
        (-1_310.0, "the sign is the opposite of the usual one: 1,310.00 would fit"),
        (-9_000.0, "the sign is the opposite of the usual one"),
        (4_000.0, "×3.05 of the expected"),
        (6_838_123.0, "×5,220 of the expected"),
        (0.6, "×0.000458 of the expected"),
        (5_900.0, "×4.5 of the expected"),
        (1_400.0, ""),
        (0.0, ""),
    ],
)
def test_an_amount_is_corrected_where_that_makes_it_fit(observed: float, words: str) -> None:
    assert number_note(observed, AROUND_1310, amount) == words


def test_nothing_is_said_of_an_amount_beside_nothing() -> None:
    assert number_note(50.0, ExpectedRange(0.0, -1.0, 1.0), amount) == ""
    assert number_note(50.0, ExpectedRange(0.2, 0.1, 0.3), amount) == ""


def test_a_ratio_far_below_one_is_compared_where_it_is_told_to() -> None:
    assert number_note(0.019, ExpectedRange(0.19, 0.18, 0.2), number, smallest=0.0).endswith("0.19 would fit")


def test_a_shift_that_no_ratio_shows_is_recognised_by_an_earlier_amount() -> None:
    usual = ExpectedRange(85.0, 28.0, 244.0, earlier=[41.8, 90.0, 41.8])

    assert number_note(418.0, usual, amount) == "looks like a shifted decimal point: 41.80 was there before"
    assert number_note(428.0, usual, amount) == "×5.04 of the expected"


def test_a_reversal_names_the_amount_it_may_reverse() -> None:
    assert number_note(-1_200.5, ExpectedRange(1_310.0, 1_150.0, 1_480.0, [1_200.5]), amount) == (
        "the sign is the opposite of the usual one: it may reverse an earlier 1,200.50"
    )


def test_transposed_digits_are_claimed_for_an_amount_that_was_there_before() -> None:
    usual = ExpectedRange(1_500.0, 1_300.0, 1_700.0, earlier=[1_400.0, 1_524.0])

    assert number_note(1_254.0, usual, amount) == "two digits look transposed: 1,524.00 was there before"


def test_transposed_digits_are_claimed_where_the_range_is_tight_and_nowhere_else() -> None:
    assert number_note(1_254.0, ExpectedRange(1_524.0, 1_510.0, 1_530.0), amount) == (
        "two digits look transposed: 1,524.00 would fit"
    )
    assert number_note(1_254.0, ExpectedRange(1_524.0, 1_350.0, 1_700.0), amount) == ""
    assert number_note(1_512.0, ExpectedRange(1_524.0, 1_510.0, 1_530.0), amount) == ""


def test_an_amount_that_was_there_before_is_no_slip_of_the_keys() -> None:
    assert "transposed" not in number_note(
        2_154.0, ExpectedRange(1_254.0, 1_245.0, 1_260.0, [1_254.0, 2_154.0]), amount
    )


def test_digits_of_a_number_too_large_to_be_written_out_are_left_alone() -> None:
    assert number_note(1.2e30, ExpectedRange(2.1e30, 2.09e30, 2.11e30), number) == "×0.571 of the expected"


def test_a_round_amount_is_told_where_amounts_are_hardly_ever_round() -> None:
    odd = [17.35 + step for step in range(19)]

    assert round_amount(5_000.0, odd) == "a round amount, as none of 19 earlier ones was"
    assert round_amount(5_000.0, [*odd, 300.0]) == "a round amount, as 1 of 20 earlier ones was"
    assert round_amount(5_000.0, [*odd, 300.0, 400.0]) == ""
    assert round_amount(5_000.0, odd[:5]) == ""
    assert round_amount(5_010.0, odd) == ""


def test_an_amount_repeated_to_the_cent_is_told() -> None:
    usual = ExpectedRange(100.0, 90.0, 110.0, [412.07, 99.0, 412.07])

    assert repeated_amount(412.07, usual) == "exactly this came 2 times before"
    assert repeated_amount(99.0, usual) == "exactly this came once before"
    assert repeated_amount(412.08, usual) == ""


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        (date(2026, 7, 3), "day and month look swapped: 2026-03-07 would fit"),
        (date(2025, 3, 5), "the year looks wrong: 2026-03-05 would fit"),
        (date(2024, 2, 29), "the year looks wrong: 2026-02-28 would fit"),
        (date(2025, 3, 11), "the year looks wrong: 2026-03-11 would fit"),
        (date(2026, 3, 15), "that day was still to come when its extract of 2026-03-12 was made"),
        (date(2026, 1, 13), "out of period: January 2026, where March 2026 is usual"),
        (date(2025, 12, 31), "out of period: December 2025, where March 2026 is usual"),
        (date(2026, 2, 20), ""),
        (date(2026, 3, 12), ""),
    ],
)
def test_a_date_is_corrected_or_told_to_be_of_another_period(observed: date, words: str) -> None:
    assert date_note(observed, LOW, HIGH, NIGHT) == words


def test_nothing_is_put_right_where_any_date_would_fit() -> None:
    assert date_note(date(2025, 7, 3), date(2024, 1, 1), date(2026, 6, 1), NIGHT) == ""
    assert date_note(date(2022, 7, 3), date(2024, 1, 1), date(2026, 3, 1), NIGHT).startswith("out of period: July 2022")


def test_a_date_that_usually_lies_ahead_has_no_period() -> None:
    low, high = date(2026, 4, 20), date(2026, 4, 30)

    assert date_note(date(2026, 6, 20), low, high, NIGHT) == ""
    assert date_note(date(2026, 1, 20), low, high, NIGHT) == ""


def test_a_day_on_which_nobody_else_invoices_is_told_from_the_weeks_before() -> None:
    assert quiet_day(0, [40, 38, 41, 0, 45]) == "no other invoice has this date, where about 40 are usual"
    assert quiet_day(2, [40, 38, 41]) == "hardly any other invoice has this date, where about 40 are usual"
    assert quiet_day(9, [40, 38, 41]) == ""
    assert quiet_day(0, [3, 2, 4]) == ""
    assert quiet_day(0, []) == ""


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([50, 40, 60, 50, 45, 1, 0], "Monday to Friday"),
        ([50, 40, 0, 50, 0, 0, 0], "Monday, Tuesday or Thursday"),
        ([0, 0, 0, 0, 0, 0, 9], "Sunday"),
        ([5, 5, 0, 0, 0, 0, 0], "Monday or Tuesday"),
    ],
)
def test_usual_weekdays_are_named_as_people_name_them(counts: list[int], words: str) -> None:
    assert weekday_span(usual_weekdays(counts), WEEKDAYS) == words


@pytest.mark.parametrize(
    ("text", "usual", "words"),
    [
        ("106471731", "10646945", "one digit more than usual"),
        ("1064694", "10646945", "one digit fewer than usual"),
        ("4466", "10646945", "4 digits where there are usually 8"),
        ("RE-1047", "RE1047", "one '-' more than usual"),
        ("R1O47", "R1047", "a letter ('O') where there is usually a digit"),
        ("51047", "S1047", "a digit ('5') where there is usually a letter"),
        ("r1047", "R1047", "capital and small letters differ"),
        ("R1047 ", "R1047", "there is a blank too many"),
        ("2026-00-17", "2026/00/17", "only what stands between its parts differs"),
        ("INV-1", "10646945", ""),
        ("R1047", "R1048", ""),
    ],
)
def test_what_makes_a_number_differ_from_the_usual_ones_is_named(text: str, usual: str, words: str) -> None:
    assert format_slip(text, format_of(text), format_of(usual)) == words


def test_a_value_that_would_not_be_usual_either_is_not_said_to_fit() -> None:
    assert number_note(584.56, ExpectedRange(4_800.0, 4_180.0, 5_550.0), amount) == "×0.122 of the expected"


def test_a_computed_number_has_no_digits_that_a_hand_exchanged() -> None:
    usual = ExpectedRange(1_524.0, 1_510.0, 1_530.0)

    assert "transposed" in number_note(1_254.0, usual, amount)
    assert "transposed" not in number_note(1_254.0, usual, amount, typed=False)
