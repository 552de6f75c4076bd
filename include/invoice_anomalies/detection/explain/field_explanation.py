"""One odd field of a flagged invoice: its values as they are, and what is to be said of them."""

import math
from dataclasses import dataclass

from invoice_anomalies.text import Style, Value, about, estimated, rarity_in_words, written


@dataclass(frozen=True)
class FieldExplanation:
    """Why a field is odd.

    observed, expected, low, high: what the invoice has, what was expected, and the ends of the range that holds 95 of
    100 such invoices. Numbers are unrounded and in the unit of the field, days are dates; an expected text is in
    words already. style: how the numbers are written; estimated, range_estimated: whether a model made the expected
    value and the range, which are then told with three digits; phrase: what the expected value is told in; detail:
    what is told after the observed value.

    expectation: what was expected and on what grounds; rare: what is rare about the invoice; note: the slip that was
    recognised and what else helps to check. check: the check of several invoices that the explanation is of, if any;
    slip: whether the value looks mistyped; fits: whether it is what the other fields demand to the cent.
    """

    observed: Value
    expected: Value
    expectation: str
    low: Value = None
    high: Value = None
    style: Style = "number"
    estimated: bool = False
    range_estimated: bool = True
    phrase: str = "{}"
    detail: str = ""
    rare: str = "this far off"
    note: str = ""
    check: str = ""
    slip: bool = False
    fits: bool = False

    @property
    def observed_text(self) -> str:
        return written(self.observed, self.style) + self.detail

    @property
    def expected_text(self) -> str:
        if isinstance(self.expected, str):
            return self.expected
        if isinstance(self.expected, float) and self.estimated and self.style != "count":
            return about(self.expected, self.style)
        return self.phrase.format(written(self.expected, self.style))

    @property
    def low_text(self) -> str | None:
        return self._end(self.low)

    @property
    def high_text(self) -> str | None:
        return self._end(self.high)

    @property
    def numbers(self) -> tuple[float | None, float | None, float | None, float | None]:
        """Observed, expected, low and high where the field is a number, in its unit; None for all else."""
        observed, expected, low, high = (
            value if isinstance(value, float) and math.isfinite(value) and self.style != "count" else None
            for value in (self.observed, self.expected, self.low, self.high)
        )
        return observed, expected, low, high

    def _end(self, end: Value) -> str | None:
        if end is None:
            return None
        return estimated(end, self.style) if self.range_estimated else written(end, self.style)


@dataclass(frozen=True)
class RankedField:
    """An odd field at its position among those of its invoice.

    error: its field score, -log10 of the share of ordinary invoices that are as far off; rarity: one in so many;
    capped: whether the data can tell no rarer; share: of the score, 0 to 1; kind: a word of `kinds.KINDS`.
    """

    field: str
    label: str
    position: int
    explanation: FieldExplanation
    error: float
    rarity: float
    capped: bool
    share: float
    kind: str

    @property
    def sentence(self) -> str:
        said, rarity = self.explanation, rarity_in_words(self.rarity, self.capped)
        parts = [f"{self.label} {said.observed_text}", said.expectation, f"{rarity} are {said.rare}", said.note]
        return "; ".join(part for part in parts if part)
