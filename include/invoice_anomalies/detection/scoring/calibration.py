"""Calibration: field scores that compare, -log10 of the share of training invoices at least as far off.

3.0 means one invoice in a thousand. Calibration is done within cells, by how long the history behind an invoice is and
how dispersed: the same distance means little for an erratic entity and much for a steady one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from invoice_anomalies.detection.features.features import FloatArray

TIERS = ("new", "thin", "short", "long")
TIER_STARTS = np.array([1, 5, 20])  # earlier invoices from which the next tier begins
DISPERSION_BINS = 6  # classes of dispersion within a tier
CELLS = len(TIERS) * DISPERSION_BINS
TAIL_SHARE = 0.001  # beyond the 99.9th percentile the tail is taken as exponential
TAIL_ROWS = 20  # a tail is fitted to no fewer errors than this
FEWEST_ROWS = 100  # a cell with fewer training invoices is calibrated like all of them
FEWEST_TAIL_ROWS = 1000  # a cell with fewer goes on like all of them where its own errors end
RESOLUTION = 1e-5  # of raw errors, as far as the network's single precision tells them apart
LARGEST_ERROR = 12.0  # one in 10^12: beyond it a ranking of oddities says nothing
GRID = 256  # quantiles that a tail keeps, evenly spaced in the logarithm of the share

Tiers = npt.NDArray[np.intp]


def history_tier(history_rows: FloatArray) -> Tiers:
    """Index into TIERS for each invoice, shape (rows,). history_rows: earlier invoices, shape (rows,)."""
    return np.searchsorted(TIER_STARTS, history_rows, side="right")


@dataclass(frozen=True)
class Tail:
    """Share of training rows at least as far off as a raw error; exponential past its last quantile.

    `values` ascend, shape (quantiles,), and `errors` are -log10 of the share that is at least as large. The tail begins
    at the error `beyond`, that of the share above the last value, and `rate` is its mean excess (Pickands 1975, with
    shape zero). If most rows share the largest value, that value has error 0 and anything above it starts at `beyond`:
    of 5,000 rows with 4,999 at 0.7, error(0.7) = 0 and error(0.8) > 3.
    """

    values: FloatArray
    errors: FloatArray
    beyond: float
    rate: float

    @classmethod
    def fit(cls, reference: FloatArray, smallest_rate: float) -> "Tail":
        """The tail of raw errors, shape (rows,), larger is worse.

        smallest_rate: of the tail, in raw errors; it keeps a tail of equal errors from being a cliff.
        """
        rows = len(reference)
        if not rows:
            return cls(np.zeros(1), np.zeros(1), 0.0, 1.0)
        last = min(1.0, max(TAIL_SHARE, TAIL_ROWS / rows))
        shares = np.geomspace(1.0, last, GRID)
        # The value that a share of the reference reaches or exceeds.
        values = np.quantile(reference, 1.0 - shares, method="lower")
        # Of values that differ by less than can be told, the least stands for all: ties stay ties.
        first = np.flatnonzero(np.diff(values, prepend=-np.inf) > RESOLUTION)
        values = values[first]
        excess = reference[reference > values[-1] + RESOLUTION] - values[-1]
        rate = max(float(excess.mean()) if len(excess) else 0.0, smallest_rate)
        # Ties: the share that is at least this large is the largest share that maps to the value, hence the first.
        beyond = -np.log10((len(excess) + 1.0) / (rows + 1.0))
        return cls(values, -np.log10(shares[first]), float(beyond), rate)

    def __call__(self, raw: Any) -> FloatArray:
        """Calibrated error of each raw error, same shape."""
        inside = np.interp(raw, self.values, self.errors)
        tail = self.beyond + (raw - self.values[-1]) / self.rate / np.log(10.0)
        # Values within RESOLUTION of the last one count as equal to it: rounding must not move a tie into the tail.
        errors = np.where(raw > self.values[-1] + RESOLUTION, np.maximum(tail, inside), inside)
        bounded: FloatArray = np.minimum(errors, LARGEST_ERROR)
        return bounded

    def extended_by(self, other: "Tail") -> "Tail":
        """Go on as steeply as another tail where this one, fitted to few errors, ends and is less steep."""
        last = self.values[-1]
        shift = self.errors[-1] - float(other(last))
        further = other.values[other.values > last]
        values = np.concatenate([self.values, further])
        errors = np.concatenate([self.errors, np.maximum(self(further), other(further) + shift)])
        beyond = max(self.beyond, other.beyond + shift, float(errors[-1])) if len(further) else self.beyond
        return Tail(values, errors, beyond, min(self.rate, other.rate))

    def inverse(self, error: float) -> float:
        """The raw error that has this calibrated error."""
        if error <= self.errors[-1]:
            return float(np.interp(error, self.errors, self.values))
        return float(self.values[-1] + max(error - self.beyond, 0.0) * np.log(10.0) * self.rate)


@dataclass(frozen=True)
class Calibration:
    """The tails of one kind of raw error, one a cell; `cuts`, shape (bins - 1,), split the dispersion evenly.

    Signed errors have tails on both sides: amounts far above what is usual are rare where amounts far below are not.
    `largest` caps the calibrated errors.
    """

    above: list[Tail]
    below: list[Tail]
    cuts: FloatArray
    largest: float = LARGEST_ERROR

    @classmethod
    def fit(
        cls,
        raw: FloatArray,
        tier: Tiers,
        dispersion: FloatArray,
        smallest_rate: float,
        *,
        signed: bool = False,
        largest: float = LARGEST_ERROR,
    ) -> "Calibration":
        """raw, tier, dispersion: shape (rows,); rows whose raw error is NaN were not measured and do not count.

        largest: cap, for rows that are not independent (all invoices of a day share a weekday): log10(number of
        independent units + 1).
        """
        measured = np.isfinite(raw)
        raw, tier, dispersion = raw[measured], tier[measured], dispersion[measured]
        cuts = (
            np.quantile(dispersion, np.arange(1, DISPERSION_BINS) / DISPERSION_BINS)
            if len(dispersion)
            else np.zeros(DISPERSION_BINS - 1)
        )
        cell = _cells(tier, dispersion, cuts)
        above = _tails(raw, cell, smallest_rate)
        return cls(above, _tails(-raw, cell, smallest_rate) if signed else [], cuts, largest)

    def __call__(self, raw: FloatArray, tier: Tiers, dispersion: FloatArray) -> FloatArray:
        """Calibrated errors, shape (rows,); zero where the raw error is NaN. raw, tier, dispersion: shape (rows,)."""
        cell = _cells(tier, dispersion, self.cuts)
        order = np.argsort(cell.astype(np.int8), kind="stable")
        ends = np.cumsum(np.bincount(cell, minlength=CELLS))
        ordered, sorted_errors = raw[order], np.zeros(len(raw))
        for index, (begin, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            if begin == end:
                continue
            own = ordered[begin:end]
            errors = self.above[index](own)
            if self.below:
                # Twice the smaller share of the two sides is the share of both.
                errors = np.maximum(np.maximum(errors, self.below[index](-own)) - np.log10(2.0), 0.0)
            sorted_errors[begin:end] = errors
        found = np.empty(len(raw))
        found[order] = np.where(np.isfinite(ordered), np.minimum(sorted_errors, self.largest), 0.0)
        return found

    def prediction_interval(self, tier: int, dispersion: float, error: float) -> tuple[float, float]:
        """Raw errors below and above at which an invoice of this tier and dispersion has this calibrated error."""
        cell: int = _cells(np.array([tier]), np.array([dispersion]), self.cuts)[0]
        if not self.below:
            either_side = self.above[cell].inverse(error)
            return either_side, either_side
        a_side = error + float(np.log10(2.0))
        return max(self.below[cell].inverse(a_side), 0.0), max(self.above[cell].inverse(a_side), 0.0)

    def to_arrays(self) -> dict[str, FloatArray]:
        """Flatten to arrays for an npz file; those of the tails stand end to end, `sizes` has shape (cells,)."""
        tails = self.above + self.below
        return {
            "cuts": self.cuts,
            "largest": np.array([self.largest]),
            "sizes": np.array([len(tail.values) for tail in tails], dtype=float),
            "values": np.concatenate([tail.values for tail in tails]),
            "errors": np.concatenate([tail.errors for tail in tails]),
            "beyond": np.array([tail.beyond for tail in tails]),
            "rates": np.array([tail.rate for tail in tails]),
        }

    @classmethod
    def from_arrays(cls, named: dict[str, FloatArray]) -> "Calibration":
        """The calibration that `to_arrays` flattened; shapes as there."""
        ends = np.cumsum(named["sizes"]).astype(int)[:-1]
        curves = zip(np.split(named["values"], ends), np.split(named["errors"], ends), strict=True)
        parts = zip(curves, named["beyond"], named["rates"], strict=True)
        tails = [Tail(*curve, float(beyond), float(rate)) for curve, beyond, rate in parts]
        return cls(tails[:CELLS], tails[CELLS:], named["cuts"], float(named["largest"][0]))


def combine(errors: FloatArray) -> FloatArray:
    """Combine field scores, shape (rows, fields), to one score a row, shape (rows,): one very wrong field is enough.

    The harmonic mean p-value (Wilson 2019, PNAS 116:1195): -log10 of fields / sum(1 / p), with p = 10^-error.
    """
    score: FloatArray = np.log10(np.mean(np.power(10.0, errors), axis=1))
    return score


def _tails(raw: FloatArray, cell: Tiers, smallest_rate: float) -> list[Tail]:
    overall = Tail.fit(raw, smallest_rate)
    tails = []
    for index in range(CELLS):
        own = raw[cell == index]
        tail = Tail.fit(own, smallest_rate) if len(own) >= FEWEST_ROWS else overall
        tails.append(tail.extended_by(overall) if len(own) < FEWEST_TAIL_ROWS else tail)
    return tails


def _cells(tier: Tiers, dispersion: FloatArray, cuts: FloatArray) -> Tiers:
    return tier * DISPERSION_BINS + np.searchsorted(cuts, dispersion, side="right")
