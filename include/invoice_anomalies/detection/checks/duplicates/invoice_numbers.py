"""Invoice numbers as they are compared: the characters of a number that are left when its writing does not count.

All numbers are read at once, as a matrix of characters. The deletion variants of a number, with one character left out,
are told by hashes that are computed from running sums: numbers within one edit share one without being compared (the
deletion neighbourhood of Mor and Fraenkel 1982, A hash code method for detecting and correcting spelling errors).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.detection.checks.timeline import Mask
from invoice_anomalies.detection.features.features import Codes
from invoice_anomalies.detection.features.identifiers import Texts

Hashes = npt.NDArray[np.uint64]
Characters = npt.NDArray[np.uint32]

WIDEST = 32
"""Characters that are compared, from the right: what comes before them rarely tells two invoices apart."""
SHORTEST_BARE = 3
"""Characters that must be left of a number when the letters at its ends are taken off."""
DIGITS_OF_VALUE = 15  # beyond them a float no longer tells neighbours apart
CONFUSED = {"O": "0", "I": "1", "L": "1"}

_BASE = 0x9E3779B97F4A7C15
_INVERSE = np.uint64(pow(_BASE, -1, 2**64))
_POWERS = np.array([pow(_BASE, position + 1, 2**64) for position in range(WIDEST)], dtype=np.uint64)
_ZERO, _NINE = ord("0"), ord("9")


@dataclass(frozen=True)
class Numbers:
    """The distinct numbers of a frame of invoices; properties are computed when first read, shape (numbers,) each.

    codes: shape (rows,), the number of each invoice, -1 for none. raw: shape (numbers, width), upper case letters and
    digits, from the right; 0 where there is none.
    """

    codes: Codes
    raw: Characters

    @classmethod
    def read(cls, texts: "pd.Series[str]") -> "Numbers":
        """Read a column of numbers; one without any letter or digit counts as none."""
        codes, distinct = pd.factorize(texts)
        raw = _letters_and_digits(distinct.to_numpy(object))
        return cls(np.where(np.append(raw.any(axis=1), False)[codes], codes, -1), raw)

    def take(self, codes: Codes) -> "Numbers":
        """The numbers of some rows that have one; codes: shape (some rows,)."""
        own, used = pd.factorize(codes)
        return Numbers(own, self.raw[used])

    @cached_property
    def characters(self) -> Characters:
        """The characters, with O as 0, and I and L as 1, which are taken for each other; shape (numbers, width)."""
        characters = self.raw.copy()
        for letter, digit in CONFUSED.items():
            characters[self.raw == ord(letter)] = ord(digit)
        return characters

    @cached_property
    def length(self) -> Codes:
        """Number of characters of each number, shape (numbers,)."""
        length: Codes = self._given.sum(axis=1)
        return length

    @cached_property
    def whole(self) -> Hashes:
        """Hash of all characters."""
        whole: Hashes = self._running[:, -1]
        return whole

    @cached_property
    def stripped(self) -> Hashes:
        """Hash without leading zeros."""
        return _hash(self._terms, self._given & ~self._leading)

    @cached_property
    def bare(self) -> Hashes:
        """Hash without leading zeros and letters at the ends; 0 where too little is left."""
        letters = (self.raw > _NINE) | (self.raw == 0)
        right = np.logical_and.accumulate(letters, axis=1)
        left = np.logical_and.accumulate(letters[:, ::-1], axis=1)[:, ::-1]
        kept = self._given & ~self._leading & ~right & ~left
        return np.where(kept.sum(axis=1) >= SHORTEST_BARE, _hash(self._terms, kept), np.uint64(0))

    @cached_property
    def without(self) -> Hashes:
        """Hash of the number without the character at each position, shape (numbers, width)."""
        right = np.concatenate([np.zeros((len(self.raw), 1), np.uint64), self._running[:, :-1]], axis=1)
        without: Hashes = right + _INVERSE * (self.whole[:, None] - self._running)
        return without

    @cached_property
    def is_canonical(self) -> Mask:
        """True unless the next character is the same, shape (numbers, width).

        Deleting either of two equal neighbours gives one variant, and only one of the two is kept.
        """
        canonical = self._given.copy()
        canonical[:, :-1] &= self.characters[:, :-1] != self.characters[:, 1:]
        return canonical

    @cached_property
    def value(self) -> npt.NDArray[np.float64]:
        """The digits of each number as one number, shape (numbers,); those beyond DIGITS_OF_VALUE are left out."""
        position: Codes = np.cumsum(self._digits, axis=1) - self._digits
        kept = self._digits & (position < DIGITS_OF_VALUE)
        values = np.where(
            kept, (self.characters.astype(np.int64) - _ZERO) * 10 ** np.minimum(position, DIGITS_OF_VALUE), 0
        )
        found: npt.NDArray[np.float64] = values.sum(axis=1).astype(float)
        return found

    @cached_property
    def skeleton(self) -> Hashes:
        """Hash of the letters around the digits."""
        ends = self._digits.copy()
        ends[:, 1:] &= ~self._digits[:, :-1]
        return _hash(np.where(ends, np.uint64(_ZERO), self._terms), self._given & (~self._digits | ends))

    @cached_property
    def _given(self) -> Mask:
        return np.asarray(self.raw > 0)

    @cached_property
    def _digits(self) -> Mask:
        return np.asarray((self.characters >= _ZERO) & (self.characters <= _NINE))

    @cached_property
    def _leading(self) -> Mask:
        """Zeros at the beginning of a run of digits, but for its last digit."""
        leading = np.zeros_like(self._digits)
        width = self.raw.shape[1]
        for position in range(width - 1, 0, -1):
            begins = ~self._digits[:, position + 1] | leading[:, position + 1] if position + 1 < width else True
            leading[:, position] = (self.characters[:, position] == _ZERO) & self._digits[:, position - 1] & begins
        return leading

    @cached_property
    def _terms(self) -> Hashes:
        terms = self.characters.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
        return np.where(self._given, (terms ^ (terms >> np.uint64(29))) | np.uint64(1), np.uint64(0))

    @cached_property
    def _running(self) -> Hashes:
        return np.cumsum(self._terms * _POWERS[: self.raw.shape[1]], axis=1, dtype=np.uint64)


def mixed(groups: Codes, hashes: Hashes) -> Hashes:
    """One key of a group and a hash, by the finaliser of splitmix64 (Steele et al. 2014); shape (keys,) each."""
    keys = (groups.astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9)) ^ hashes
    keys ^= keys >> np.uint64(31)
    keys *= np.uint64(0x94D049BB133111EB)
    keys ^= keys >> np.uint64(29)
    return keys


def shared(keys: Hashes) -> Mask:
    """Mask that leaves out most keys that occur once, without sorting: those alone in a slot of a table of counts.

    keys, mask: shape (keys,).
    """
    slots = keys & np.uint64((1 << max(int(2 * len(keys)).bit_length(), 1)) - 1)
    return np.asarray(np.bincount(slots.view(np.int64))[slots] > 1)


def _letters_and_digits(texts: Texts) -> Characters:
    """Code points of the letters and digits of each text in upper case, from the right; shape (texts, width)."""
    upper = [text[-2 * WIDEST :] for text in "\0".join(texts).upper().split("\0")]
    if len(upper) != len(texts):  # there are such characters in the texts
        upper = [text.upper()[-2 * WIDEST :] for text in texts]
    points = np.frombuffer("".join(upper).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    kept = ((points >= _ZERO) & (points <= _NINE)) | ((points >= ord("A")) & (points <= ord("Z")))
    # Of other scripts nearly everything is a letter, but for the general punctuation.
    kept |= (points >= 0xC0) & ~((points >= 0x2000) & (points <= 0x206F))
    lengths = np.fromiter(map(len, upper), dtype=np.int64, count=len(upper))
    row, so_far = np.repeat(np.arange(len(upper)), lengths)[kept], np.cumsum(kept)
    until = np.concatenate([[0], so_far])[np.cumsum(lengths)]  # characters kept by the end of each text
    position = until[row] - so_far[kept]
    near = position < WIDEST
    characters = np.zeros((len(upper), max(int(position[near].max(initial=0)) + 1, 1)), dtype=np.uint32)
    characters[row[near], position[near]] = points[kept][near]
    return characters


def _hash(terms: Hashes, kept: Mask) -> Hashes:
    """Hash of the characters that are kept, 0 for none; terms, kept: (numbers, width), returns (numbers,)."""
    position: Codes = np.cumsum(kept, axis=1) - kept
    found: Hashes = np.where(kept, terms * _POWERS[position], np.uint64(0)).sum(axis=1, dtype=np.uint64)
    return found
