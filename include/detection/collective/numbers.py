"""Invoice numbers as they are compared: what is left of a number when its writing does not count.

All numbers are read at once, as a matrix of signs; a number with one sign left out is told by a hash that is computed
from running sums, so that all neighbours within one edit meet in a bucket without any pair being compared (the
deletion neighbourhood of Mor and Fraenkel 1982, A hash code method for detecting and correcting spelling errors).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.detection.collective.past import Mask
from include.detection.entities import Codes

Hashes = npt.NDArray[np.uint64]
Signs = npt.NDArray[np.uint32]

WIDEST = 32
"""Signs that are compared, from the right: what comes before them rarely tells two invoices apart."""
SHORTEST_BARE = 3
"""Signs that must be left of a number when the letters at its ends are taken off."""
DIGITS_OF_VALUE = 15  # beyond them a float no longer tells neighbours apart
CONFUSED = {"O": "0", "I": "1", "L": "1"}

_BASE = 0x9E3779B97F4A7C15
_INVERSE = np.uint64(pow(_BASE, -1, 2**64))
_POWERS = np.array([pow(_BASE, place + 1, 2**64) for place in range(WIDEST)], dtype=np.uint64)
_ZERO, _NINE = ord("0"), ord("9")


@dataclass(frozen=True)
class Numbers:
    """The distinct numbers of a book. Signs are upper case letters and digits, from the right; 0 where there is none.

    codes: shape (rows,), which number an invoice has, -1 for none. All others by number: whole, stripped (without
    leading zeros) and bare (also without letters at its ends; 0 where too little is left) are hashes; `without`, shape
    (numbers, width), that of the number without the sign at this place, and `first` whether no equal neighbour stands
    for it; value is that of the digits, and skeleton a hash of the letters around them.
    """

    codes: Codes
    signs: Signs
    length: Codes
    whole: Hashes
    stripped: Hashes
    bare: Hashes
    without: Hashes
    first: Mask
    value: npt.NDArray[np.float64]
    skeleton: Hashes

    @classmethod
    def read(cls, texts: "pd.Series[str]") -> "Numbers":
        """Read a column of numbers; one without any letter or digit counts as none."""
        codes, distinct = pd.factorize(texts)
        raw = _letters_and_digits(distinct)
        signs = raw.copy()
        for letter, digit in CONFUSED.items():
            signs[raw == ord(letter)] = ord(digit)
        given, digits = signs > 0, (signs >= _ZERO) & (signs <= _NINE)
        terms = _terms(signs)
        leading = _leading_zeros(signs, digits)
        running = np.cumsum(terms * _POWERS[: signs.shape[1]], axis=1, dtype=np.uint64)
        whole = running[:, -1] if signs.shape[1] else np.zeros(len(signs), np.uint64)
        right = np.concatenate([np.zeros((len(signs), 1), np.uint64), running[:, :-1]], axis=1)
        first = given.copy()
        first[:, :-1] &= signs[:, :-1] != signs[:, 1:]
        return cls(
            codes=np.where(whole[codes] != 0, codes, -1) if len(whole) else codes,
            signs=signs,
            length=given.sum(axis=1),
            whole=whole,
            stripped=_hash(terms, given & ~leading),
            bare=_bare(raw, terms, given & ~leading),
            without=right + _INVERSE * (whole[:, None] - running),
            first=first,
            value=_value(signs, digits),
            skeleton=_skeleton(terms, given, digits),
        )


def mixed(groups: Codes, hashes: Hashes) -> Hashes:
    """One key of a group and a hash, by the finaliser of splitmix64 (Steele et al. 2014)."""
    keys = (groups.astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9)) ^ hashes
    keys ^= keys >> np.uint64(31)
    keys *= np.uint64(0x94D049BB133111EB)
    keys ^= keys >> np.uint64(29)
    return keys


def shared(keys: Hashes) -> Mask:
    """Leave out most keys that occur once, without sorting: those alone in a slot of a table of counts."""
    slots = keys & np.uint64((1 << max(int(2 * len(keys)).bit_length(), 1)) - 1)
    return np.asarray(np.bincount(slots.view(np.int64))[slots] > 1)


def _letters_and_digits(texts: "pd.Index[str]") -> Signs:
    """Code points of the letters and digits of each text in upper case, from the right; shape (texts, width)."""
    upper = pd.Series(texts, dtype="str").str.upper().str.slice(-2 * WIDEST)
    width = max(int(upper.str.len().max()), 1) if len(upper) else 1
    points = upper.to_numpy(f"U{width}").view(np.uint32).reshape(len(upper), width)
    kept = ((points >= _ZERO) & (points <= _NINE)) | ((points >= ord("A")) & (points <= ord("Z")))
    # Of other scripts nearly everything is a letter, but for the general punctuation.
    kept |= (points >= 0xC0) & ~((points >= 0x2000) & (points <= 0x206F))
    place = np.cumsum(kept[:, ::-1], axis=1)[:, ::-1] - 1
    kept &= place < WIDEST
    signs = np.zeros((len(upper), max(int(place.max(initial=0)) + 1, 1)), dtype=np.uint32)[:, :WIDEST]
    row, column = np.nonzero(kept)
    signs[row, place[row, column]] = points[row, column]
    return signs


def _terms(signs: Signs) -> Hashes:
    terms = signs.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
    return np.where(signs > 0, (terms ^ (terms >> np.uint64(29))) | np.uint64(1), np.uint64(0))


def _hash(terms: Hashes, kept: Mask) -> Hashes:
    """Hash of the signs that are kept; 0 for none."""
    place: Codes = np.cumsum(kept, axis=1) - kept
    found: Hashes = np.where(kept, terms * _POWERS[place], np.uint64(0)).sum(axis=1, dtype=np.uint64)
    return found


def _leading_zeros(signs: Signs, digits: Mask) -> Mask:
    """Zeros at the beginning of a run of digits, but for its last digit."""
    leading = np.zeros_like(digits)
    width = signs.shape[1]
    for place in range(width - 1, 0, -1):
        begins = ~digits[:, place + 1] | leading[:, place + 1] if place + 1 < width else True
        leading[:, place] = (signs[:, place] == _ZERO) & digits[:, place - 1] & begins
    return leading


def _bare(raw: Signs, terms: Hashes, kept: Mask) -> Hashes:
    letters = (raw > _NINE) | (raw == 0)
    right = np.logical_and.accumulate(letters, axis=1)
    left = np.logical_and.accumulate(letters[:, ::-1], axis=1)[:, ::-1]
    kept = kept & ~right & ~left
    return np.where(kept.sum(axis=1) >= SHORTEST_BARE, _hash(terms, kept), np.uint64(0))


def _value(signs: Signs, digits: Mask) -> npt.NDArray[np.float64]:
    place: Codes = np.cumsum(digits, axis=1) - digits
    kept = digits & (place < DIGITS_OF_VALUE)
    values = np.where(kept, (signs.astype(np.int64) - _ZERO) * 10 ** np.minimum(place, DIGITS_OF_VALUE), 0)
    found: npt.NDArray[np.float64] = values.sum(axis=1).astype(float)
    return found


def _skeleton(terms: Hashes, given: Mask, digits: Mask) -> Hashes:
    ends = digits.copy()
    ends[:, 1:] &= ~digits[:, :-1]
    return _hash(np.where(ends, np.uint64(_ZERO), terms), given & (~digits | ends))
