"""Slips that leave a pattern: what an auditor would recognise in a wrong value, in a few words.

Each function looks at plain values and says nothing (an empty text) rather than something that might well be chance:
a corrected value must be one that the entity had before, or lie close to what is expected.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from invoice_anomalies.text import month_and_year

SHIFT_TOLERANCE = 0.12  # how far, in powers of ten, a ratio may be from an exact shift: about 30 %
MOST_SHIFTS = 4  # places by which a decimal point may be off
SMALLEST_AMOUNT = 0.5  # a ratio to (nearly) nothing says nothing
TIGHT = 1.03  # a range whose ends differ by no more than this factor makes a corrected value credible by itself
HALF_A_CENT = 0.005  # amounts nearer to each other are one amount
ROUND = 100.0  # a multiple of this is a round amount ...
SELDOM = 0.05  # ... and worth a word where no more than this share of the earlier ones, ...
FEWEST_EARLIER = 10  # ... and of no fewer than these, was one
CERTAIN_DAYS = 92  # a usual range longer than this takes any date that is put right, so that its fit says nothing
YEAR_TOLERANCE = 10  # days that a date may be from the expected one after putting the year right
PERIOD = 31  # days beyond the usual range from which a date belongs to another period
FEWEST_OTHERS = 8  # invoices of others on a usual day, from which a day without any is a quiet one
QUIET = 0.1  # share of a usual day's invoices below which a day is quiet


@dataclass(frozen=True)
class ExpectedRange:
    """What is usual of a number: the value expected, its range, and the entity's own earlier values, oldest first."""

    expected: float
    low: float
    high: float
    earlier: Sequence[float] = ()

    def count(self, value: float) -> int:
        """How often exactly this value came before."""
        return self._times[round(value, 2)]

    @cached_property
    def _times(self) -> Counter[float]:
        return Counter(round(value, 2) for value in self.earlier)

    def contains(self, value: float) -> bool:
        return self.low - HALF_A_CENT <= value <= self.high + HALF_A_CENT

    @property
    def is_tight(self) -> bool:
        if self.low * self.high <= 0:
            return False
        return max(self.low / self.high, self.high / self.low) <= TIGHT


Formatter = Callable[[float], str]


def number_note(
    observed: float, usual: ExpectedRange, written: Formatter, smallest: float = SMALLEST_AMOUNT, *, typed: bool = True
) -> str:
    """The first slip that explains a number, else how many times the expected it is.

    written: how such a number is written. smallest: below it, numbers are as good as nothing. typed: False for a number
    that was computed, whose digits no hand exchanged.
    """
    slip = number_slip(observed, usual, written, smallest, typed=typed)
    return slip or ("" if _says_nothing(observed, usual, smallest) else times_expected(observed, usual))


def number_slip(
    observed: float, usual: ExpectedRange, written: Formatter, smallest: float = SMALLEST_AMOUNT, *, typed: bool = True
) -> str:
    """The first slip of a hand that explains a number; see number_note."""
    if _says_nothing(observed, usual, smallest):
        return ""
    return (
        opposite_sign(observed, usual, written)
        or (transposed_digits(observed, usual, written) if typed else "")
        or shifted_decimal_point(observed, usual, written)
    )


def _says_nothing(observed: float, usual: ExpectedRange, smallest: float) -> bool:
    return min(abs(observed), abs(usual.expected)) < smallest or usual.expected == 0 or observed == 0


def opposite_sign(observed: float, usual: ExpectedRange, written: Formatter) -> str:
    """Recognise a number of the sign that its kind does not have; it may be the reversal of an earlier one."""
    if observed * usual.expected >= 0:
        return ""
    words = "the sign is the opposite of the usual one"
    if usual.count(-observed):
        return f"{words}: it may reverse an earlier {written(-observed)}"
    return f"{words}: {written(-observed)} would fit" if usual.contains(-observed) else words


def shifted_decimal_point(observed: float, usual: ExpectedRange, written: Formatter) -> str:
    """Recognise a decimal point some places off; what it would be without must be usual."""
    ratio = observed / usual.expected
    if ratio <= 0:
        return ""
    places = round(math.log10(ratio))
    near = places and abs(places) <= MOST_SHIFTS and abs(math.log10(ratio) - places) < SHIFT_TOLERANCE
    if near and usual.contains(observed / 10.0**places):
        return f"{_times(ratio)}, looks like a shifted decimal point: {written(observed / 10.0**places)} would fit"
    for places in (1, 2, 3, -1, -2, -3):
        corrected = observed / 10.0**places
        if usual.contains(corrected) and usual.count(corrected) and not usual.contains(observed):
            return f"looks like a shifted decimal point: {written(corrected)} was there before"
    return ""


def transposed_digits(observed: float, usual: ExpectedRange, written: Formatter) -> str:
    """Recognise two neighbouring digits that changed places: 1,254.00 for a usual 1,524.00."""
    if usual.contains(observed) or usual.count(observed):
        return ""
    candidates = [value for value in _transpositions(observed, written) if usual.contains(value)]
    known = [value for value in candidates if usual.count(value)]
    if known:
        return f"two digits look transposed: {written(known[0])} was there before"
    if len(candidates) == 1 and usual.is_tight:
        return f"two digits look transposed: {written(candidates[0])} would fit"
    return ""


def times_expected(observed: float, usual: ExpectedRange) -> str:
    """Say how many times the expected a number is, where that is plainly more or less."""
    ratio = observed / usual.expected
    return f"{_times(ratio)} of the expected" if ratio >= 1.5 or 0 < ratio <= 0.67 else ""


def round_amount(observed: float, earlier: Sequence[float]) -> str:
    """Recognise a round amount of someone whose amounts hardly ever are: an estimate, or made up."""
    if observed == 0 or observed % ROUND or len(earlier) < FEWEST_EARLIER:
        return ""
    rounds = sum(value != 0 and not value % ROUND for value in earlier)
    if rounds > SELDOM * len(earlier):
        return ""
    return f"a round amount, as {rounds or 'none'} of {len(earlier):,} earlier ones {'was' if rounds < 2 else 'were'}"


def repeated_amount(observed: float, usual: ExpectedRange) -> str:
    """Say how often exactly this amount came before, where it is odd all the same."""
    times = usual.count(observed)
    return f"exactly this came {'once' if times == 1 else f'{times} times'} before" if times else ""


def swapped_day_andmonth_and_year(observed: date, low: date, high: date) -> str:
    """Recognise a date whose day and month changed places."""
    if observed.day > 12 or observed.day == observed.month or (high - low).days > CERTAIN_DAYS:
        return ""
    swapped = observed.replace(month=observed.day, day=observed.month)
    return f"day and month look swapped: {swapped.isoformat()} would fit" if low <= swapped <= high else ""


def wrong_year(observed: date, low: date, high: date) -> str:
    """Recognise a date that is right but for its year."""
    if (high - low).days > CERTAIN_DAYS:
        return ""
    fitting = next(_same_day_of_years(observed, low, high), None)
    return f"the year looks wrong: {fitting.isoformat()} would fit" if fitting else ""


def after_its_night(observed: date, high: date, night: date) -> str:
    """Recognise a date that had not come yet when the invoice arrived, of a kind that is usually past by then."""
    if not high <= night < observed:
        return ""
    return f"that day was still to come when its extract of {night.isoformat()} was made"


def out_of_period(observed: date, low: date, high: date, night: date) -> str:
    """Recognise a date of another accounting period than the usual ones: more than a month off, or of another year.

    Only of a kind of date that is past when the invoice arrives: it decides in which period the invoice is booked.
    """
    gap = max((low - observed).days, (observed - high).days)
    if gap <= 0 or high > night or (observed.year, observed.month) in ((low.year, low.month), (high.year, high.month)):
        return ""
    if gap <= PERIOD and low.year <= observed.year <= high.year:
        return ""
    usual = low if observed < low else high
    return f"out of period: {month_and_year(observed)}, where {month_and_year(usual)} is usual"


def date_note(observed: date, low: date, high: date, night: date) -> str:
    """The first slip that explains a date, else what is odd about its day."""
    return (
        date_slip(observed, low, high)
        or after_its_night(observed, high, night)
        or out_of_period(observed, low, high, night)
    )


def date_slip(observed: date, low: date, high: date) -> str:
    """The first slip of a hand that explains a date."""
    return swapped_day_andmonth_and_year(observed, low, high) or wrong_year(observed, low, high)


def quiet_day(here: int, elsewhere: Sequence[int]) -> str:
    """Recognise a day on which nobody else invoices, a holiday for instance, from the invoices at hand.

    here: invoices of others dated on this day; elsewhere: the same of the same weekday in the weeks around it.
    No calendar of holidays is needed, which would have to know the country of every vendor.
    """
    usual = sorted(elsewhere)[len(elsewhere) // 2] if elsewhere else 0
    if usual < FEWEST_OTHERS or here > QUIET * usual:
        return ""
    return f"{'hardly any' if here else 'no'} other invoice has this date, where about {usual:,} are usual"


def usual_weekdays(counts: Sequence[int]) -> list[int]:
    """The weekdays that more than a few invoices have; counts: invoices by weekday."""
    return [day for day, count in enumerate(counts) if count > SELDOM * sum(counts)]


def weekday_span(days: Sequence[int], names: Sequence[str]) -> str:
    """Name weekdays, at least one: 'Monday to Friday', 'Monday, Tuesday or Thursday'."""
    if len(days) > 2 and list(days) == list(range(days[0], days[-1] + 1)):
        return f"{names[days[0]]} to {names[days[-1]]}"
    *others, last = (names[day] for day in days)
    return f"{', '.join(others)} or {last}" if others else last


def format_slip(text: str, shape: str, usual: str) -> str:
    """Recognise what makes a number differ from the way in which such numbers are usually written.

    text: the number; shape, usual: how it and how the usual ones are written (`identifiers.format_of`).
    """
    if shape == usual:
        return ""
    if shape.strip() == usual.strip():
        return "there is a blank too many"
    if shape.upper() == usual.upper():
        return "capital and small letters differ"
    if len(shape) == len(usual):
        differing = [position for position, pair in enumerate(zip(shape, usual, strict=True)) if pair[0] != pair[1]]
        kinds = _kind(shape[differing[0]]), _kind(usual[differing[0]])
        if len(differing) == 1 and set(kinds) == {"letter", "digit"}:
            return f"a {kinds[0]} ({text[differing[0]]!r}) where there is usually a {kinds[1]}"
    return _one_more_or_fewer(shape, usual) or _other_length(shape, usual) or _other_separators(shape, usual)


def _one_more_or_fewer(shape: str, usual: str) -> str:
    longer, shorter = (shape, usual) if len(shape) > len(usual) else (usual, shape)
    if len(longer) - len(shorter) != 1:
        return ""
    for position, letter in enumerate(longer):
        if longer[:position] + longer[position + 1 :] == shorter:
            what = _kind(letter) if letter.isalnum() else repr(letter)
            return f"one {what} {'more' if longer is shape else 'fewer'} than usual"
    return ""


def _other_length(shape: str, usual: str) -> str:
    if set(shape) != {"9"} or set(usual) != {"9"}:
        return ""
    return f"{len(shape)} digit{'' if len(shape) == 1 else 's'} where there are usually {len(usual)}"


def _other_separators(shape: str, usual: str) -> str:
    bare = ["".join(letter for letter in one if letter.isalnum()) for one in (shape, usual)]
    return "only what stands between its parts differs" if bare[0] == bare[1] != "" else ""


def _kind(letter: str) -> str:
    return "digit" if letter == "9" else "letter" if letter.isalpha() else "sign"


def _times(ratio: float) -> str:
    if ratio >= 100.0:
        scale = 10 ** (int(math.log10(ratio)) - 2)
        return f"×{round(ratio / scale) * scale:,}"
    return f"×{ratio:.3g}" if ratio >= 0.0001 else "less than ×0.0001"


def _transpositions(value: float, written: Formatter) -> Iterator[float]:
    """The values that differ by two neighbouring digits having changed places."""
    text = written(abs(value)).replace(",", "")
    places = [] if "e" in text else [position for position, letter in enumerate(text) if letter.isdigit()]
    for first, second in itertools.pairwise(places):
        if text[first] != text[second] and (first or text[second] != "0"):
            letters = list(text)
            letters[first], letters[second] = letters[second], letters[first]
            yield math.copysign(float("".join(letters)), value)


def _same_day_of_years(observed: date, low: date, high: date) -> Iterator[date]:
    for year in range(low.year, min(high.year, low.year + 2) + 1):
        is_leap_day = (observed.month, observed.day) == (2, 29)
        other = observed.replace(year=year, day=28 if is_leap_day else observed.day)
        if year != observed.year and max((low - other).days, (other - high).days) <= YEAR_TOLERANCE:
            yield other
