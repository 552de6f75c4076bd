"""How values are written in a sentence: as an auditor writes them, and harmless whatever an invoice holds."""

import re
from typing import Any

import numpy as np
import pandas as pd

LONGEST = 80  # letters of a value that a sentence has room for
HARMLESS = re.compile(r"\w(?:[\w .,:;/+&()#%|-]{0,78}[\w.)%])?")
ALL_BUT = 0.995
LARGEST = 1e15  # beyond it a number has no meaning, only digits


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
    digits = 2 - int(np.floor(np.log10(abs(value))))
    return f"{round(value, digits):,.{min(max(0, digits), 6)}f}"


def quoted(value: Any) -> str:
    """A text as it came, in quotes and with its invisible characters spelled out, or 'empty'."""
    if pd.isna(value):
        return "empty"
    text = str(value)
    return repr(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def shown(value: Any) -> str:
    """A name or a level: as it is where it is plain, else quoted."""
    text = str(value)
    return text if HARMLESS.fullmatch(text) else quoted(value)


def share(part: int, whole: int) -> str:
    """A share in per cent; what is not all is never called 100%."""
    if part < whole and part / whole >= ALL_BUT:
        return ">99%"
    return f"{part / whole:.0%}"


def counted(number: int, thing: str) -> str:
    """`1 invoice`, `2,000 invoices`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
