"""Make errors of different fields comparable: -log10 of the share of training invoices that are at least as far off.

3.0 means one invoice in a thousand. Calibration is done within tiers of how much history stands behind an invoice and
how spread that history is, since the same distance means little for an erratic entity and much for a steady one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.detection.aspects import FloatArray

TIERS = ("new", "thin", "short", "long")
TIER_STARTS = np.array([1, 5, 20])  # past invoices from which the next tier begins
SPREADS = 3
TAIL_SHARE = 0.001  # beyond the 99.9th percentile the tail is taken as exponential
TAIL_ROWS = 20  # a tail is fitted to no fewer errors than this
FEWEST_ROWS = 100  # a tier with fewer training invoices borrows the tail of all tiers
LARGEST_ERROR = 12.0  # one in 10^12: beyond it a ranking of oddities says nothing
GRID = 256

Tiers = npt.NDArray[np.intp]


def history_tier(history_rows: FloatArray) -> Tiers:
    """Index into TIERS for each invoice; shape (rows,)."""
    return np.searchsorted(TIER_STARTS, history_rows, side="right")


@dataclass(frozen=True)
class Tail:
    """Share of reference errors at least as large as a given error; exponential past its last quantile.

    `values` ascend and `errors` are -log10 of the share that is at least as large. The tail begins at the error
    `beyond`, that of the share above the last value, and `rate` is its mean excess (Pickands 1975, with shape zero).
    Where the last value is a tie of many, `beyond` is far above its own error: to exceed what nearly all share is rare.
    """

    values: FloatArray
    errors: FloatArray
    beyond: float
    rate: float

    @classmethod
    def fit(cls, reference: FloatArray, smallest_rate: float) -> "Tail":
        """reference: shape (rows,), larger is worse; smallest_rate keeps a tail of equal errors from being a cliff."""
        rows = len(reference)
        if not rows:
            return cls(np.zeros(1), np.zeros(1), 0.0, 1.0)
        last = min(1.0, max(TAIL_SHARE, TAIL_ROWS / rows))
        shares = np.geomspace(1.0, last, GRID)
        # The value that a share of the reference reaches or exceeds.
        values = np.quantile(reference, 1.0 - shares, method="lower")
        values, first = np.unique(values, return_index=True)
        excess = reference[reference > values[-1]] - values[-1]
        rate = max(float(excess.mean()) if len(excess) else 0.0, smallest_rate)
        # Ties: the share that is at least this large is the largest share that maps to the value, hence the first.
        beyond = -np.log10((len(excess) + 1.0) / (rows + 1.0))
        return cls(values, -np.log10(shares[first]), float(beyond), rate)

    def __call__(self, raw: FloatArray) -> FloatArray:
        inside = np.interp(raw, self.values, self.errors)
        tail = self.beyond + (raw - self.values[-1]) / self.rate / np.log(10.0)
        errors = np.where(raw > self.values[-1], np.maximum(tail, inside), inside)
        bounded: FloatArray = np.minimum(errors, LARGEST_ERROR)
        return bounded

    def inverse(self, error: float) -> float:
        """The raw error that has this calibrated error."""
        if error <= self.errors[-1]:
            return float(np.interp(error, self.errors, self.values))
        return float(self.values[-1] + max(error - self.beyond, 0.0) * np.log(10.0) * self.rate)


@dataclass(frozen=True)
class Calibration:
    """The tails of one kind of error, a tail a tier; `cuts` split the spread of history into terciles."""

    tails: list[Tail]
    cuts: FloatArray

    @classmethod
    def fit(cls, raw: FloatArray, tier: Tiers, spread: FloatArray, smallest_rate: float) -> "Calibration":
        """raw, tier, spread: shape (rows,); rows whose raw error is NaN have nothing to judge and do not count."""
        known = np.isfinite(raw)
        raw, tier, spread = raw[known], tier[known], spread[known]
        cuts = np.quantile(spread, [1 / 3, 2 / 3]) if len(spread) else np.zeros(2)
        cell = _cells(tier, spread, cuts)
        overall = Tail.fit(raw, smallest_rate)
        tails = []
        for index in range(len(TIERS) * SPREADS):
            own = raw[cell == index]
            tails.append(Tail.fit(own, smallest_rate) if len(own) >= FEWEST_ROWS else overall)
        return cls(tails, cuts)

    def __call__(self, raw: FloatArray, tier: Tiers, spread: FloatArray) -> FloatArray:
        """Calibrated errors, shape (rows,); zero where the raw error is NaN."""
        cell = _cells(tier, spread, self.cuts)
        errors = np.zeros(len(raw))
        for index in np.unique(cell):
            rows = cell == index
            errors[rows] = self.tails[index](raw[rows])
        return np.where(np.isfinite(raw), errors, 0.0)

    def tail(self, tier: int, spread: float) -> Tail:
        """The tail that judges an invoice of this tier and spread."""
        cell: int = _cells(np.array([tier]), np.array([spread]), self.cuts)[0]
        return self.tails[cell]

    def to_arrays(self) -> dict[str, FloatArray]:
        """Flatten to arrays for an npz file."""
        return {
            "cuts": self.cuts,
            "sizes": np.array([len(tail.values) for tail in self.tails], dtype=float),
            "values": np.concatenate([tail.values for tail in self.tails]),
            "errors": np.concatenate([tail.errors for tail in self.tails]),
            "beyond": np.array([tail.beyond for tail in self.tails]),
            "rates": np.array([tail.rate for tail in self.tails]),
        }

    @classmethod
    def from_arrays(cls, named: dict[str, FloatArray]) -> "Calibration":
        ends = np.cumsum(named["sizes"]).astype(int)[:-1]
        curves = zip(np.split(named["values"], ends), np.split(named["errors"], ends), strict=True)
        tails = zip(curves, named["beyond"], named["rates"], strict=True)
        return cls([Tail(*curve, float(beyond), float(rate)) for curve, beyond, rate in tails], named["cuts"])


def combine(errors: FloatArray) -> FloatArray:
    """Combine field errors, shape (rows, fields), to one score a row, so that one very wrong field is enough.

    The harmonic mean p-value (Wilson 2019, PNAS 116:1195): -log10 of fields / sum(1 / p), with p = 10^-error.
    """
    score: FloatArray = np.log10(np.mean(np.power(10.0, errors), axis=1))
    return score


def _cells(tier: Tiers, spread: FloatArray, cuts: FloatArray) -> Tiers:
    return tier * SPREADS + np.searchsorted(cuts, spread, side="right")
