"""How rare something is, in the same words wherever it is told: in the sentence of an explanation and in a table."""

import math

RAREST = 1_000_000
"""Beyond what years of invoices can show, a number would be made up."""


def rarest_told(rarest: float) -> float:
    """The largest N of "1 in N" that is told where the data can tell up to `rarest`: two digits of it, rounded down."""
    scale = _scale(rarest)
    return float(max(1, int(rarest / scale) * scale))


def rarity_in_words(rarity: float, capped: bool = False) -> str:
    """`1 in 38,000`, with two digits of N; capped: `fewer than 1 in 130,000`, where no finer can be told."""
    return f"{'fewer than ' if capped else ''}1 in {max(1, _two_digits(max(rarity, 1.0))):,}"


def is_capped(rarity: float, error: float | None) -> bool:
    """Whether a stored rarity is only the largest that can be told; error: -log10 of the share, which has no cap."""
    return rarity >= RAREST or (error is not None and error > math.log10(max(rarity, 1.0)) + 1e-6)


def _two_digits(value: float) -> int:
    scale = _scale(value)
    return int(round(value / scale) * scale)


def _scale(value: float) -> int:
    return int(10 ** max(0, int(math.log10(value)) - 1))
