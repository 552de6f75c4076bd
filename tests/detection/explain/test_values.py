"""Values are written as people write them, and claim no more than is known."""

import pytest

from invoice_anomalies.detection.explain.values import (
    counted,
    number,
    quoted,
    rounded,
    share,
    shown,
    significant,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1313.2, "1,310"), (0.0, "0"), (0.123456, "0.123"), (-25.41, "-25.4"), (5e303, "any amount"),
        (float("inf"), "any amount"), (float("nan"), "any amount"),
    ],
)  # fmt: skip
def test_expected_numbers_have_three_digits(value: float, text: str) -> None:
    assert rounded(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.19, "0.19"), (0.0287109, "0.02871"), (11.917, "11.92"), (1200.0, "1,200.00")]
)
def test_ratios_have_the_digits_that_tell_them_apart(value: float, text: str) -> None:
    assert significant(value) == text


def test_what_is_not_all_is_never_called_all() -> None:
    assert (share(5, 5), share(999, 1000), share(994, 1000), share(1, 3)) == ("100%", ">99%", "99%", "33%")


def test_things_are_counted_as_people_count() -> None:
    assert (counted(1, "day"), counted(0, "day"), counted(2_000, "day")) == ("1 day", "0 days", "2,000 days")


def test_numbers_keep_their_digits() -> None:
    assert (number(1234567.25), number(3.0)) == ("1,234,567.25", "3")


@pytest.mark.parametrize("name", ["V10018", "V00042|INV-2026/7", "Müller & Söhne (Nord)", "20%"])
def test_a_plain_name_is_shown_as_it_is(name: str) -> None:
    assert shown(name) == name


@pytest.mark.parametrize(
    "name", ["\x1b[31mred", "a\nb", "\u202etxt", "<b>", "=1+1", " V1", "V1 ", "", "x" * 90, "'; --"]
)
def test_any_other_name_is_quoted_and_spelled_out(name: str) -> None:
    assert shown(name) == quoted(name)
    assert shown(name)[0] in "'\""
    assert shown(name).isprintable()
    assert len(shown(name)) <= 90


def test_a_missing_value_is_empty() -> None:
    assert quoted(None) == quoted(float("nan")) == "empty"
