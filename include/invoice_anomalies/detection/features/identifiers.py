"""Identifiers: their format, and the running number in them; many are read at once, since most differ.

The running number depends on the format alone, but for the year: so the positions of the digits are looked for once a
format, and the digits of all texts of that format are read as one matrix.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

RUN, YEAR = re.compile(r"[0-9]+"), re.compile(r"(?<!\w)(?:19|20)?[0-9]{2}(?!\w)")
LONE_RUN = re.compile(r"(?<!\w)9{2}(?:9{2})?(?!\w)")
LETTERS_AND_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
FORMAT_CHARACTERS = str.maketrans(LETTERS_AND_DIGITS, "9" * 10 + "A" * 26 + "a" * 26)
LONGEST_FORMAT = 60  # characters of a text that its format tells
LONGEST_SEQUENCE = 15  # digits; beyond it a float no longer tells neighbours apart
FEWEST_ALIKE = 16  # texts of a format from which reading them at once pays
CENTURIES = (19, 20)  # in which a year of four digits may begin

Texts = npt.NDArray[Any]


def format_of(text: str) -> str:
    """Describe how an identifier is written: letters as A or a, digits as 9; 'INV-2026/7' is 'AAA-9999/9'."""
    if text.isascii():
        return text[:LONGEST_FORMAT].translate(FORMAT_CHARACTERS)
    characters = text[:LONGEST_FORMAT]
    return "".join("9" if c.isdigit() else ("A" if c.isupper() else "a") if c.isalpha() else c for c in characters)


def number_in(text: str) -> float:
    """The longest run of digits of an identifier as a number, its place in a sequence; NaN where there is none.

    Where a year stands beside it (2027-00055, 00055/27), numbers begin anew each year, and the year leads.
    """
    runs = RUN.findall(text)
    if len(runs) < 2:
        return float(runs[0][-LONGEST_SEQUENCE:]) if runs else float("nan")
    longest = max(runs, key=len)
    years = [year for year in YEAR.findall(text) if year != longest]
    return float(((years[0] if years else "") + longest)[-LONGEST_SEQUENCE:])


def translated(texts: Texts, table: Mapping[int, int | str]) -> Texts:
    """Translate texts, shape (texts,); all at once, ten times as fast, where no line break is in the way."""
    result = "\n".join(texts).translate(table).split("\n") if len(texts) else []
    if len(result) != len(texts):
        result = [text.translate(table) for text in texts]
    found: Texts = np.array(result, dtype=object)
    return found


def formats_of(texts: Texts) -> tuple[npt.NDArray[np.intp], Texts]:
    """Codes of the formats of texts, shape (texts,), and the distinct formats, shape (formats,)."""
    code, rough = pd.factorize(translated(texts, FORMAT_CHARACTERS))
    # Long texts and texts that are not ASCII are left to the few formats that have them.
    same, formats = pd.factorize(np.array([format_of(one) for one in rough], dtype=object))
    return same[code], formats


def numbers_in(texts: Texts) -> npt.NDArray[np.float64]:
    """`number_in` of each text, shape (texts,)."""
    numbers = np.full(len(texts), np.nan)
    code, shapes = pd.factorize(translated(texts, FORMAT_CHARACTERS))
    order = np.argsort(code, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(code, minlength=len(shapes)))])
    for shape, begin, end in zip(shapes, bounds[:-1], bounds[1:], strict=True):
        rows = order[begin:end]
        if len(rows) < FEWEST_ALIKE or not shape.isascii():
            numbers[rows] = [number_in(text) for text in texts[rows]]
        elif "9" in shape:
            numbers[rows] = _Alike.of(texts[rows], len(shape)).numbers(shape)
    return numbers


@dataclass(frozen=True)
class _Alike:
    """ASCII texts of one format as digits, shape (texts, characters); other characters are never read."""

    digits: npt.NDArray[np.int64]

    @classmethod
    def of(cls, texts: Texts, length: int) -> "_Alike":
        characters = np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8).reshape(len(texts), length)
        return cls(characters.astype(np.int64) - ord("0"))

    def numbers(self, shape: str) -> npt.NDArray[np.float64]:
        runs = [match.span() for match in re.finditer("9+", shape)]
        begin, end = max(runs, key=lambda run: run[1] - run[0])
        number = self._read(max(begin, end - LONGEST_SEQUENCE), end)
        if len(runs) > 1 and end - begin < LONGEST_SEQUENCE:
            years = self._years([match.span() for match in LONE_RUN.finditer(shape)], (begin, end))
            number = (years * 10 ** (end - begin) + number) % 10**LONGEST_SEQUENCE
        return number.astype(float)

    def _years(self, lone: list[tuple[int, int]], longest: tuple[int, int]) -> npt.NDArray[np.int64]:
        """The first of the lone runs that reads like a year and not like the longest run; 0 where none does."""
        years, told = np.zeros(len(self.digits), dtype=np.int64), np.zeros(len(self.digits), dtype=bool)
        for begin, end in lone:
            year = self._read(begin, end)
            fits = ~told if end - begin == 2 else ~told & np.isin(year // 100, CENTURIES)
            if end - begin == longest[1] - longest[0]:
                fits &= year != self._read(*longest)
            years[fits], told = year[fits], told | fits
        return years

    def _read(self, begin: int, end: int) -> npt.NDArray[np.int64]:
        found: npt.NDArray[np.int64] = self.digits[:, begin:end] @ (10 ** np.arange(end - begin - 1, -1, -1))
        return found
