"""Slips that leave a pattern: what an auditor would recognise in a wrong value, in a few words."""

import math
from collections.abc import Iterator
from datetime import date

SHIFT_TOLERANCE = 0.12  # how far, in powers of ten, a ratio may be from an exact shift: about 30 %
SMALLEST_AMOUNT = 0.5  # a ratio to (nearly) nothing says nothing
YEAR_TOLERANCE = 10  # days that a date may be from the expected one after putting the year right


def amount_pattern(observed: float, expected: float) -> str:
    """Recognise a wrong sign or a shifted decimal point; otherwise give the ratio where there is one."""
    if abs(observed) < SMALLEST_AMOUNT or abs(expected) < SMALLEST_AMOUNT:
        return ""
    if observed * expected < 0:
        return "the sign is the opposite of the usual one"
    ratio = observed / expected
    shift = math.log10(ratio)
    if round(shift) and abs(shift - round(shift)) < SHIFT_TOLERANCE and abs(round(shift)) <= 4:
        return f"×{ratio:,.3g}, looks like a shifted decimal point"
    if ratio >= 1.5 or ratio <= 0.67:
        return f"×{ratio:,.3g} of the expected"
    return ""


def date_pattern(observed: date, low: date, high: date) -> str:
    """Recognise day and month swapped, or a wrong year; otherwise nothing."""
    if observed.day <= 12 and observed.day != observed.month:
        swapped = observed.replace(month=observed.day, day=observed.month)
        if low <= swapped <= high:
            return f"day and month look swapped: {swapped.isoformat()} would fit"
    for fitting in _same_day_of_years(observed, low, high):
        return f"the year looks wrong: {fitting.isoformat()} would fit"
    return ""


def _same_day_of_years(observed: date, low: date, high: date) -> Iterator[date]:
    for year in range(low.year, min(high.year, low.year + 2) + 1):
        if year == observed.year:
            continue
        other = observed.replace(year=year, day=min(observed.day, 28))
        outside = max((low - other).days, (other - high).days)
        if outside <= YEAR_TOLERANCE:
            yield observed.replace(year=year) if observed.day <= 28 else other
