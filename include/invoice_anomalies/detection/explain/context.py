"""The flagged invoices with everything that their explanations draw on."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.detection.autoencoder.inference import GIVEN_FIELDS
from invoice_anomalies.detection.detector import Detector
from invoice_anomalies.detection.explain.history_lookup import MOST_ROWS, HistoryLookup
from invoice_anomalies.detection.explain.related_invoices import RelatedInvoices
from invoice_anomalies.detection.features.features import Codes, Feature, FloatArray, derived_values
from invoice_anomalies.detection.result import ScoringResult
from invoice_anomalies.detection.scoring.calibration import history_tier
from invoice_anomalies.text import Style, Value, count, shown

RANGE_ERROR = -float(np.log10(0.05))  # low and high hold 95 % of the invoices with such a history


class ExplanationContext:
    """Everything about the flagged invoices; `row` is a position among them, from 0.

    rows: their positions in the result, shape (n,).
    """

    def __init__(self, detector: Detector, result: ScoringResult, rows: Any) -> None:
        self.detector, self.contract = detector, detector.contract
        self.rows = np.asarray(rows, dtype=np.intp)
        self.invoices = result.invoices.iloc[self.rows]
        self.given = result.given.take(self.rows)
        self.errors = result.errors.iloc[self.rows].to_numpy()
        self.found = detector.reconstruct(self.given)
        raw = {key: seen.raw for key, seen in self.found.items()}
        self.feature_errors = detector.calibrations.of_features(raw, self.given)
        self.checks = RelatedInvoices(detector, result, self.rows, history_tier(self.given.history_rows))
        self.history = HistoryLookup(self.contract, result)
        self._values: dict[str, list[Any]] = {}
        self._shares: dict[tuple[str, str], FloatArray] = {}
        self._earlier: tuple[int, Codes] = -1, np.zeros(0, dtype=np.intp)

    def value(self, name: str, row: int) -> Any:
        """What an invoice has in a field: a float, a Timestamp or a text; None where it has nothing."""
        if name not in self._values:
            if name in self.contract.derived:
                values = pd.Series(derived_values(self.contract, name, self.invoices))
            else:
                values = self.invoices[name]
            self._values[name] = values.astype(object).where(values.notna(), None).tolist()
        return self._values[name][row]

    def observed(self, name: str, row: int) -> Value:
        """What an invoice has in a field, as its explanation holds it."""
        value: Value = self.value(name, row)
        return value.date() if isinstance(value, pd.Timestamp) else value

    def style(self, name: str) -> Style:
        """How numbers of a field are written where nothing is computed with them."""
        return "amount" if name in self.contract.fields and self.contract.fields[name].type == "amount" else "number"

    def day(self, name: str, row: int) -> date:
        value: pd.Timestamp = self.value(name, row)
        return value.date()

    def earlier(self, row: int) -> Codes:
        """The earlier invoices of the same entity, oldest first: positions in the history lookup, shape (earlier,)."""
        if self._earlier[0] != row:
            self._earlier = row, self.history.rows(int(self.rows[row]))
        return self._earlier[1]

    def entity(self, row: int) -> str:
        """Whose invoice it is; empty where nobody is named."""
        value = self.value(self.contract.entity, row) if self.contract.entity else None
        return "" if value is None else shown(value)

    def of_entity(self, row: int) -> str:
        entity = self.entity(row)
        return f" of {entity}" if entity else ""

    def earlier_invoices(self, row: int, rows: int) -> str:
        """`50 earlier invoices of V00012`, or `the last 200 invoices of V00012` where there are more."""
        if rows <= MOST_ROWS < self.known_rows(row):
            return f"the last {rows:,} invoices{self.of_entity(row)}"
        return count(rows, "earlier invoice") + self.of_entity(row)

    def known_rows(self, row: int) -> int:
        """How many earlier invoices of the entity there are, beyond those that are looked at."""
        return int(self.given.history_rows[row])

    def grounds(self, times: int, rows: int, row: int) -> str:
        """`all 50 earlier invoices of V00012`, `48 of 50 ...`, `all of the last 200 invoices of V00012`."""
        if self.known_rows(row) > MOST_ROWS:
            return f"{'all' if times == rows else f'{times:,}'} of the last {rows:,} invoices{self.of_entity(row)}"
        of_all = self.earlier_invoices(row, rows)
        if times < rows:
            return f"{times:,} of {of_all}"
        return f"all {of_all}" if rows > 1 else f"the only earlier invoice{self.of_entity(row)}"

    def basis(self, conditioning: str, row: int) -> str:
        """What an expectation is based on."""
        if conditioning == GIVEN_FIELDS:
            return " given the other fields"
        if not len(self.earlier(row)):
            return " judging by all others"
        entity = self.entity(row)
        return f" for {entity}" if entity else ""

    def shares(self, feature: Feature, conditioning: str) -> FloatArray:
        """Expected shares of the levels of a categorical feature, shape (invoices, levels)."""
        key = feature.name, conditioning
        if key not in self._shares:
            self._shares[key] = self.found[key].shares
        return self._shares[key]

    def expected_range(self, feature: Feature, conditioning: str, row: int) -> tuple[float, float, float]:
        """Expected value of a numeric feature with the ends of its range, in the feature's own unit."""
        seen = self.found[feature.name, conditioning]
        assert seen.location is not None and seen.scale is not None
        location, scale = float(seen.location[row]), float(seen.scale[row])
        below, above = self.detector.calibrations.prediction_interval(
            feature.name, conditioning, self.given, row, RANGE_ERROR
        )
        prior = self.detector.encoder.priors[feature.name]
        ends = np.array([location, location - below * scale, location + above * scale])
        middle, low, high = prior.value_of(ends).tolist()
        return middle, low, high
