import math

import pytest

from invoice_anomalies.reporting.wording import moneys, odds, one_line, usual_range, web_address, wrapped


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
