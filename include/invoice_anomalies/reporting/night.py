"""What the daily summary says about a night and about the nights before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from invoice_anomalies.anomaly import StillOpen

State = Literal["loaded", "refused", "missing", "no extract"]


@dataclass(frozen=True)
class NightCounts:
    """The counts of one extract date; None where a stage has not run."""

    state: State
    rows_in: int | None = None
    loaded: int | None = None
    quarantined: int | None = None
    scored: int | None = None
    flagged: int | None = None
    open: int | None = None  # flagged and not judged; None: none is judged
    at_risk: Mapping[str, float] = field(default_factory=dict)  # of those, by currency
    still_open: Sequence[StillOpen] = ()  # what earlier nights have left to check
    model_version: str | None = None
    model_trained_until: date | None = None
    warnings: Sequence[str] = ()
    problems: Sequence[str] = ()  # why the night was refused
    quarantine_reasons: Sequence[tuple[str, int]] = ()  # reason, rows
    data_docs: str | None = None
    why_no_extract: str | None = None

    @property
    def to_check(self) -> int:
        """Flagged invoices that nobody has judged."""
        return (self.flagged or 0) if self.open is None else self.open


@dataclass(frozen=True)
class PastNight:
    """One night of the plot."""

    extract_date: date
    state: State = "loaded"
    loaded: int = 0
    quarantined: int = 0
    flagged: int | None = None  # None: not scored
