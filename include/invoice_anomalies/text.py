"""The words for values: the one module that writes numbers, dates, names and rarities for people.

Sentences of explanations, mails and tables use it, so that a value reads the same everywhere; nothing reads a number
back from a text. Texts are short, and harmless whatever an invoice holds.
"""

import math
import re
import textwrap
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
LONGEST_LINE = 500  # characters: no single value needs more room than this in a message
LONGEST_QUOTED = 80  # characters of a value that a sentence has room for
JOINERS = "\u200c\u200d"  # Persian and Indic scripts need them; other format characters only hide or reorder text
HARMLESS = re.compile(r"\w(?:[\w .,:;/+&()#%|-]{0,78}[\w.)%])?")
ALL_BUT = 0.995
LARGEST = 1e15  # beyond it a number has no meaning, only digits
RAREST = 1_000_000
"""Beyond what years of invoices can show, a rarity would be made up."""


Style = Literal["amount", "number", "ratio", "count"]
"""How a number is written: money with two decimals, up to ten digits, the four that tell ratios apart, or whole."""
Value = float | date | str | None
"""A value of a field: a number in the unit of the field, a day, a text, or None where there is nothing."""


def amount(value: float) -> str:
    """Money: 14,200.00."""
    return f"{value:,.2f}"


def number(value: float) -> str:
    """A number with as many digits as it has, at most ten."""
    return f"{value:,.10g}"


def significant(value: float) -> str:
    """A ratio with the four digits that tell it from others; a large one as money."""
    return f"{value:,.2f}" if 100.0 <= abs(value) < LARGEST else f"{value:.4g}"


def rounded(value: float) -> str:
    """An expected number: three digits are all that an expectation knows."""
    if value == 0:
        return "0"
    if not abs(value) < LARGEST:
        return "any amount"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):,.{min(max(0, digits), 6)}f}"


def whole(value: float) -> str:
    """A count, which is never below zero: 1,240."""
    return f"{max(value, 0.0):,.0f}"


FORMATTERS: dict[Style, Callable[[float], str]] = {
    "amount": amount,
    "number": number,
    "ratio": significant,
    "count": whole,
}
"""How a number of each style is written where it is known exactly."""


def written(value: Value, style: Style = "number") -> str:
    """A value that an invoice has: a number in its style, a day as 2026-03-05, a text in quotes, or 'empty'."""
    if isinstance(value, date):
        return value.isoformat()
    return FORMATTERS[style](value) if isinstance(value, float) else quoted(value)


def estimated(value: Value, style: Style = "number") -> str:
    """An end of a range, or a value that a model expects: a number with no more digits than a model knows."""
    if not isinstance(value, float) or style == "count":
        return written(value, style)
    return rounded(_to_the_cent(value) if style == "amount" else value)


def about(value: float, style: Style = "number") -> str:
    """A number that a model expects: `about 1,420`; zero is just zero."""
    is_zero = (_to_the_cent(value) if style == "amount" else value) == 0
    return estimated(value, style) if is_zero else f"about {estimated(value, style)}"


def _to_the_cent(value: float) -> float:
    return round(value, 2) + 0.0


def quoted(value: Any) -> str:
    """A text as it came, in quotes and with its invisible characters spelled out, or 'empty'."""
    import pandas as pd  # not where a DAG file is read, which knows this module by the mails

    if pd.isna(value):
        return "empty"
    text = str(value)
    return repr(text if len(text) <= LONGEST_QUOTED else text[: LONGEST_QUOTED - 1] + "…")


def shown(value: Any) -> str:
    """A name or a category: as it is where it is plain, else quoted."""
    text = str(value)
    return text if HARMLESS.fullmatch(text) else quoted(value)


def share(part: int, whole: int) -> str:
    """A share in per cent; what is not all is never called 100%."""
    if part < whole and part / whole >= ALL_BUT:
        return ">99%"
    return f"{part / whole:.0%}"


def one_line(value: object, length: int = LONGEST_LINE) -> str:
    """Give the value as one short line without control, bidirectional or otherwise invisible characters."""
    visible = (
        " " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter
        for letter in str(value)[: 4 * length]
        if letter in JOINERS or unicodedata.category(letter) not in ("Cf", "Cs", "Co", "Cn")
    )
    text = re.sub(r"\s+", " ", "".join(visible)).strip()
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


class Line(str):
    """A line of plain text that is laid out: its values are tidy, and its spaces are meant."""

    __slots__ = ()


def wrapped(value: object, first: str = "", rest: str = "", width: int = 78) -> list[Line]:
    """Break one value into lines of plain text, the first and the others each with their own indent."""
    # Not within words: a path, however long and with a date in it, must stay whole, so that it can be copied.
    lines = textwrap.wrap(
        one_line(value),
        width=width,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [Line(line) for line in lines]


def columns(layout: str, *values: object) -> Line:
    """Lay values out in columns, as `%` does: `columns("%-12s %8s", name, number)`."""
    return Line((layout % tuple(one_line(value) for value in values)).rstrip())


def is_finite(number: float | None) -> bool:
    return number is not None and math.isfinite(number)


def money(amount: float, currency: str | None, cents: bool = True) -> str:
    """Write an amount: `EUR 42,310.00`, or `EUR 42,310` where cents do not matter."""
    return one_line(f"{currency or ''} {amount:,.{2 if cents else 0}f}", 60)


def moneys(at_risk: Mapping[str, float], most: int = 3) -> str:
    """Write sums of several currencies, the largest first: `EUR 42,310 + USD 1,200`; empty where there are none."""
    largest = sorted(at_risk.items(), key=lambda item: (-item[1], item[0]))
    more = [f"{len(largest) - most} more currencies"] if len(largest) > most else []
    return " + ".join([money(amount, currency, cents=False) for currency, amount in largest[:most]] + more)


def odds(rarity: float | None, error: float | None = None) -> str:
    """Write how rare a value is, as its sentence does: `1 in 25,000`; error: that of the field, which has no cap."""
    if rarity is None or math.isnan(rarity):
        return "–"
    return rarity_in_words(min(rarity, RAREST), is_capped(rarity, error))


def usual_range(low: str | None, high: str | None) -> str:
    """Write the range of usual values; open where one end is not known."""
    if low and high:
        return one_line(low, 60) if low == high else f"{one_line(low, 60)} to {one_line(high, 60)}"
    if low or high:
        return f"from {one_line(low, 60)}" if low else f"up to {one_line(high, 60)}"
    return "–"


def count(number: int, thing: str, things: str | None = None) -> str:
    """`1 invoice`, `2,000 invoices`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def long_date(day: date) -> str:
    """`20 November 2026`, without asking the system's locale."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def web_address(url: str | None) -> str | None:
    """The address if a click on it opens a web page, else None (`javascript:` and the like)."""
    return url if url and re.fullmatch(r"https?://[^\s<>\"']+", url) else None


def judged_on(rows: int, entity: str) -> str:
    """`Judged on 438 earlier invoices of V10235`; entity: its name in words, empty where nobody is named."""
    return f"Judged on {count(rows, 'earlier invoice')}{f' of {entity}' if entity else ''}"


def month_and_year(day: date) -> str:
    """`March 2026`."""
    return f"{MONTHS[day.month - 1]} {day.year}"


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
