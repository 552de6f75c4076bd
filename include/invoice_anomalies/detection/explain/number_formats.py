"""How numbers are written, and by whom: a number in another entity's way of writing is one that was booked wrongly."""

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


class _Way:
    """Ways of writing numbers: the code of each known number's, -1 where there is no number, and the place of each way.

    Who writes in a way is looked up once a way, since few ways serve many explanations.
    """

    def __init__(self, codes: Codes, ways: Iterable[str], owner: Codes, numbers: Codes) -> None:
        self._places = {way: place for place, way in enumerate(ways)}
        self._owner, self._numbers = owner, numbers
        self._order = np.argsort(codes, kind="stable")
        self._begins = np.searchsorted(codes[self._order], np.arange(len(self._places) + 1))
        self._writers: dict[str, tuple[Codes, Codes, Mask]] = {}

    def writers(self, way: str) -> tuple[Codes, Codes, Mask]:
        """Positions of the numbers in this format, shape (rows,); by owner counts and whether usual, (owners,)."""
        if way not in self._writers:
            place = self._places.get(way, -1)
            rows = self._order[slice(*self._begins[place : place + 2])] if place >= 0 else self._order[:0]
            written: Codes = np.bincount(self._owner[rows], minlength=len(self._numbers))
            usual = written >= np.maximum(FEWEST_OF_A_SCHEME, USUAL_SCHEME * self._numbers)
            self._writers[way] = rows[usual[self._owner[rows]]], written, usual
        return self._writers[way]


class FormatIndex:
    """How each known number is written: its skeleton and its shape. texts: None where there is no number."""

    def __init__(self, texts: Column, owners: Column) -> None:
        known = pd.notna(texts)
        owner, names = pd.factorize(owners)
        self._owners = {name: place for place, name in enumerate(names)}
        self._numbers: Codes = np.bincount(owner[known], minlength=len(names))
        self.shape, shapes = _everywhere(known, *formats_of(texts[known]))
        skeleton, skeletons = _everywhere(known, *pd.factorize(translated(texts[known], DIGITS)))
        self.shapes = shapes
        self._ways = (
            (_Way(skeleton, skeletons, owner, self._numbers), lambda text: text.translate(DIGITS)),
            (_Way(self.shape, shapes, owner, self._numbers), format_of),
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


def _everywhere(known: Mask, codes: Codes, names: Texts) -> tuple[Codes, Texts]:
    """The same codes for all rows, -1 where nothing is known."""
    everywhere = np.full(len(known), -1)
    everywhere[known] = codes
    return everywhere, names
