"""How rare a thing is, in one wording for sentences and tables."""

import math

import pytest

from invoice_anomalies.rarity import is_capped, rarest_told, rarity_in_words


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
