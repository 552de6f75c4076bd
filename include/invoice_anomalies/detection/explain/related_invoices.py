"""Findings of the collective checks: what is odd about an invoice beside others, which are named."""

from functools import cached_property

import numpy as np
import pandas as pd

from invoice_anomalies.detection.checks import describe_match
from invoice_anomalies.detection.detector import Detector
from invoice_anomalies.detection.features.features import Codes, FloatArray
from invoice_anomalies.detection.result import ScoringResult
from invoice_anomalies.detection.scoring.calibration import Tiers
from invoice_anomalies.text import shown


class RelatedInvoices:
    """What the collective checks say of the flagged invoices; rows: their positions in the result."""

    def __init__(self, detector: Detector, result: ScoringResult, rows: Codes, tier: Tiers) -> None:
        self._contract, self._result, self._rows = detector.contract, result, rows
        self._fields = {check.name: check.field for check in detector.checks}
        self._errors: dict[str, FloatArray] = {
            name: detector.calibrations.of_check(name, result.found[name].surprisal[rows], tier)
            for name in self._fields
        }

    def worst(self, field: str, row: int) -> tuple[str, float]:
        """The check that finds most fault with a field of an invoice, with its error; 0.0 where none does."""
        errors = {
            check: float(self._errors[check][row])
            for check, blamed in self._fields.items()
            if blamed == field and len(self._result.found[check].related_invoices[self._rows[row]])
        }
        return max(errors.items(), key=lambda item: item[1], default=("", 0.0))

    def note(self, check: str, row: int) -> str:
        """What a check found, naming the other invoices."""
        query_row, found = int(self._rows[row]), self._result.found[check]
        named, row_of = self._named
        own = named.iloc[row_of[len(self._result.history) + query_row]]
        related = named.iloc[[row_of[position] for position in found.related_invoices[query_row].tolist()]]
        return describe_match(check, related, self._contract, own, found.details_of(query_row))

    @cached_property
    def _named(self) -> tuple[pd.DataFrame, dict[int, int]]:
        """All invoices that a note may name, and their rows by position in the history followed by the invoices.

        Only the fields that notes tell of, with their texts made harmless.
        """
        history, invoices = self._result.history, self._result.invoices
        related = [found.related_invoices[row] for found in self._result.found.values() for row in self._rows]
        positions = np.unique(np.concatenate([self._rows + len(history), *related]))
        told = [*self._contract.of_type("date"), *self._contract.of_type("identifier"), "extract_date"]
        told = list(dict.fromkeys(filter(None, [self._contract.entity, self._contract.amount, *told])))
        before = positions < len(history)
        frames = (history[told].iloc[positions[before]], invoices[told].iloc[positions[~before] - len(history)])
        rows = pd.concat([frame for frame in frames if len(frame)])
        rows = rows.set_axis([shown(key) for key in rows.index])
        entity = self._contract.entity
        named = rows if entity is None else rows.assign(**{entity: [shown(name) for name in rows[entity]]})
        return named, {position: row for row, position in enumerate(positions.tolist())}
