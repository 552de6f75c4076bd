"""Findings of the collective checks: what is odd about an invoice beside others, which are named."""

import pandas as pd

from include.detection.aspects import Codes, FloatArray
from include.detection.calibration import Tiers
from include.detection.collective import remark
from include.detection.detector import Detector
from include.detection.explaining.values import shown
from include.detection.judgement import Judgement


class Twins:
    """What the collective checks say of the flagged invoices; rows: their positions in the judgement."""

    def __init__(self, detector: Detector, judgement: Judgement, rows: Codes, tier: Tiers) -> None:
        self._contract, self._judgement, self._rows = detector.contract, judgement, rows
        self._fields = {check.name: check.field for check in detector.checks}
        self._errors: dict[str, FloatArray] = {
            name: detector.check_errors(name, judgement.collective[name].raw[rows], tier) for name in self._fields
        }

    def worst(self, field: str, place: int) -> tuple[str, float]:
        """The check that finds most fault with a field of an invoice, with its error; 0.0 where none does."""
        errors = {
            check: float(self._errors[check][place])
            for check, blamed in self._fields.items()
            if blamed == field and len(self._judgement.collective[check].twins[self._rows[place]])
        }
        return max(errors.items(), key=lambda item: item[1], default=("", 0.0))

    def remark(self, check: str, place: int) -> str:
        """What a check found, naming the other invoices."""
        row, findings = int(self._rows[place]), self._judgement.collective[check]
        own = self._tame(self._judgement.invoices.iloc[[row]]).iloc[0]
        twins = self._tame(self._of_book(findings.twins[row]))
        return remark(check, twins, self._contract, own, findings.figures_of(row))

    def _of_book(self, positions: Codes) -> pd.DataFrame:
        """Rows of the history followed by the invoices in question, in this order."""
        history, invoices = self._judgement.history, self._judgement.invoices
        before = positions < len(history)
        if before.all():
            return history.iloc[positions]
        rows = pd.concat([history.iloc[positions[before]], invoices.iloc[positions[~before] - len(history)]])
        order = pd.Series(range(len(positions)), index=[*positions[before], *positions[~before]])
        return rows.iloc[order[positions].to_numpy()]

    def _tame(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The same rows with the texts that a remark names as they are, made harmless."""
        rows = rows.set_axis([shown(key) for key in rows.index])
        entity = self._contract.entity
        return rows if entity is None else rows.assign(**{entity: [shown(name) for name in rows[entity]]})
