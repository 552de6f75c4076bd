"""Values are written as people write them, claim no more than is known, and are harmless."""

import math

import pytest

from invoice_anomalies.text import (
    count,
    is_capped,
    moneys,
    number,
    odds,
    one_line,
    quoted,
    rarest_told,
    rarity_in_words,
    rounded,
    share,
    shown,
    significant,
    usual_range,
    web_address,
    wrapped,
)


@pytest.mark.parametrize(
    ("rarity", "capped", "words"),
    [
        (0.4, False, "1 in 1"),
        (7.4, False, "1 in 7"),
        (25_432.0, False, "1 in 25,000"),
        (99_600.0, False, "1 in 100,000"),
        (61_000.0, True, "fewer than 1 in 61,000"),
    ],
)
def test_rarity_is_told_with_two_digits(rarity: float, capped: bool, words: str) -> None:
    assert rarity_in_words(rarity, capped) == words


@pytest.mark.parametrize("rarest", [1.0, 9.9, 500.0, 61_710.0, 130_940.0, 999_999.0, 1_000_000.0])
def test_no_more_is_claimed_than_the_data_can_tell(rarest: float) -> None:
    told = rarest_told(rarest)
    assert 0.9 * rarest <= told <= rarest
    assert rarity_in_words(told) == f"1 in {told:,.0f}"


def test_a_stored_rarity_is_capped_where_its_error_says_more() -> None:
    assert is_capped(130_000.0, 5.2)
    assert not is_capped(38_412.7, math.log10(38_412.7))
    assert not is_capped(38_412.7, None)
    assert is_capped(1_000_000.0, None)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("a\r\n\tb\u2028c", "a b c"),
        ("inv\u202eoice\u200b\ufeff\x00", "inv oice".replace(" ", "")),
        ("نمی\u200cخواهم", "نمی\u200cخواهم"),
        ("\ud800broken", "broken"),
        ("x" * 30, "xxxxxxxxx…"),
        (42, "42"),
    ],
)
def test_a_value_becomes_one_short_visible_line(value: object, line: str):
    assert one_line(value, 10) == line


def test_money_of_many_currencies_is_told_by_the_largest():
    sums = {"EUR": 5.0, "USD": 70.0, "CHF": 6.0, "SEK": 1.0, "PLN": 2.0}

    assert moneys(sums) == "USD 70 + CHF 6 + EUR 5 + 2 more currencies"
    assert moneys({}) == ""


@pytest.mark.parametrize(
    ("rarity", "error", "words"),
    [
        (25_000.4, None, "1 in 25,000"),
        (38_412.0, math.log10(38_412.0), "1 in 38,000"),
        (130_000.0, 8.2, "fewer than 1 in 130,000"),
        (130_940.0, 8.2, "fewer than 1 in 130,000"),  # as it was stored before it was rounded
        (float("inf"), 12.0, "fewer than 1 in 1,000,000"),
        (float("nan"), None, "–"),
        (None, None, "–"),
    ],
)
def test_odds_are_told_in_the_words_of_the_sentence(rarity: float | None, error: float | None, words: str):
    assert odds(rarity, error) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [("1", "2", "1 to 2"), ("1", "1", "1"), ("1", None, "from 1"), (None, "2", "up to 2"), (None, None, "–")],
)
def test_a_range_may_be_open(low: str | None, high: str | None, words: str):
    assert usual_range(low, high) == words


@pytest.mark.parametrize("url", ["javascript:alert(1)", 'https://x" onclick="', "https://a b", "ftp://x", "", None])
def test_only_web_pages_are_linked(url: str | None):
    assert web_address(url) is None
    assert web_address("https://x.example/a?b=1&c=2") == "https://x.example/a?b=1&c=2"


def test_a_long_path_stays_whole_in_a_text() -> None:
    path = "/srv/invoices/" + "a-rather-long-folder/" * 6 + "2026-11-05/index.html"
    assert path in "\n".join(wrapped(f"Data Docs: {path}"))


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
    assert (count(1, "day"), count(0, "day"), count(2_000, "day")) == ("1 day", "0 days", "2,000 days")


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
