"""How values are written for people: tidy, short, and harmless whatever an invoice holds."""

import math
import re
import textwrap
import unicodedata
from collections.abc import Mapping
from datetime import date

from invoice_anomalies.rarity import RAREST, is_capped, rarity_in_words

LONGEST = 500  # no single value needs more room than this in a message
JOINERS = "\u200c\u200d"  # Persian and Indic scripts need them; other format characters only hide or reorder text


def one_line(value: object, length: int = LONGEST) -> str:
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


def known(number: float | None) -> bool:
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
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    return f"{day.day} {months[day.month - 1]} {day.year}"


def web_address(url: str | None) -> str | None:
    """The address if a click on it opens a web page, else None (`javascript:` and the like)."""
    return url if url and re.fullmatch(r"https?://[^\s<>\"']+", url) else None
