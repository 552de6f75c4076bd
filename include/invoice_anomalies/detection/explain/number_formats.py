"""Formats of numbers, and their writers: a number in another entity's format is one that was booked wrongly."""

import string
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.detection.features.features import Codes, Column
from invoice_anomalies.detection.features.identifiers import Texts, format_of, formats_of, translated

Mask = npt.NDArray[np.bool_]

FEWEST_OF_A_SCHEME = 3  # numbers that make a scheme ...
USUAL_SCHEME = 0.5  # ... of an entity that writes at least this share of its numbers so
SELDOM = 0.05  # share of its numbers up to which an entity does not write so itself: one slip may follow another
DIGITS = str.maketrans(dict.fromkeys(string.digits, "9"))
"""To the skeleton of a number, which keeps its letters: 'INV-2026/7' is 'INV-9999/9'."""


class _Formats:
    """One way of describing formats: the format code of each number, -1 without a number, and the code of each format.

    The writers of a format are looked up once a format, since few formats serve many explanations.
    """

    def __init__(self, codes: Codes, formats: Iterable[str], owner: Codes, numbers: Codes) -> None:
        self._codes = {name: code for code, name in enumerate(formats)}
        self._owner, self._numbers = owner, numbers
        self._order = np.argsort(codes, kind="stable")
        self._begins = np.searchsorted(codes[self._order], np.arange(len(self._codes) + 1))
        self._writers: dict[str, tuple[Codes, Codes, Mask]] = {}

    def writers(self, name: str) -> tuple[Codes, Codes, Mask]:
        """Positions of the numbers in this format, shape (rows,); by owner counts and whether usual, (owners,)."""
        if name not in self._writers:
            code = self._codes.get(name, -1)
            rows = self._order[slice(*self._begins[code : code + 2])] if code >= 0 else self._order[:0]
            written: Codes = np.bincount(self._owner[rows], minlength=len(self._numbers))
            usual = written >= np.maximum(FEWEST_OF_A_SCHEME, USUAL_SCHEME * self._numbers)
            self._writers[name] = rows[usual[self._owner[rows]]], written, usual
        return self._writers[name]


class FormatIndex:
    """The formats of numbers, by skeleton and in full. texts, owners: shape (rows,); None where there is no number."""

    def __init__(self, texts: Column, owners: Column) -> None:
        present = pd.notna(texts)
        owner, names = pd.factorize(owners)
        self._owners = {name: code for code, name in enumerate(names)}
        self._numbers: Codes = np.bincount(owner[present], minlength=len(names))
        self.shape, shapes = _everywhere(present, *formats_of(texts[present]))
        skeleton, skeletons = _everywhere(present, *pd.factorize(translated(texts[present], DIGITS)))
        self.shapes = shapes
        self._ways = (
            (_Formats(skeleton, skeletons, owner, self._numbers), lambda text: text.translate(DIGITS)),
            (_Formats(self.shape, shapes, owner, self._numbers), format_of),
        )

    def like(self, text: str, entity: Any) -> tuple[Codes, int]:
        """Rows of those who usually write so, and how many they are; the same letters count for more than the shape."""
        own = self._owners.get(entity, -1)
        for ways, way_of in self._ways:
            rows, written, usual = ways.writers(way_of(text))
            if own >= 0 and written[own] > SELDOM * self._numbers[own]:
                break
            if len(rows):
                return rows, int(usual.sum())
        return np.zeros(0, dtype=np.intp), 0


def _everywhere(present: Mask, codes: Codes, names: Texts) -> tuple[Codes, Texts]:
    """The same codes for all rows, -1 where nothing is present."""
    everywhere = np.full(len(present), -1)
    everywhere[present] = codes
    return everywhere, names
