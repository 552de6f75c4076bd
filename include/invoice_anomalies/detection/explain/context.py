"""The flagged invoices with everything that their explanations draw on."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.detection.autoencoder.inference import GIVEN_FIELDS
from invoice_anomalies.detection.detector import Detector
from invoice_anomalies.detection.explain.history_lookup import MOST_ROWS, Precedents
from invoice_anomalies.detection.explain.related_invoices import Twins
from invoice_anomalies.detection.features.features import Codes, Feature, FloatArray, derived_values
from invoice_anomalies.detection.result import ScoringResult
from invoice_anomalies.detection.scoring.calibration import history_tier
from invoice_anomalies.text import Style, Value, count, shown

RANGE_ERROR = -float(np.log10(0.05))  # low and high hold 95 % of the invoices with such a history


class Scene:
    """Everything about the invoices at these row positions; `place` counts within them."""

    def __init__(self, detector: Detector, result: ScoringResult, rows: Any) -> None:
        self.detector, self.contract = detector, detector.contract
        self.rows = np.asarray(rows, dtype=np.intp)
        self.invoices = result.invoices.iloc[self.rows]
        self.given = result.given.take(self.rows)
        self.errors = result.errors.iloc[self.rows].to_numpy()
        self.found = detector.reconstruct(self.given)
        raw = {key: seen.raw for key, seen in self.found.items()}
        self.feature_errors = detector.calibrations.of_features(raw, self.given)
        self.checks = Twins(detector, result, self.rows, history_tier(self.given.history_rows))
        self.precedents = Precedents(self.contract, result)
        self._values: dict[str, list[Any]] = {}
        self._shares: dict[tuple[str, str], FloatArray] = {}
        self._earlier: tuple[int, Codes] = -1, np.zeros(0, dtype=np.intp)

    def value(self, name: str, place: int) -> Any:
        """What an invoice has in a field: a float, a Timestamp or a text; None where it has nothing."""
        if name not in self._values:
            if name in self.contract.derived:
                values = pd.Series(derived_values(self.contract, name, self.invoices))
            else:
                values = self.invoices[name]
            self._values[name] = values.astype(object).where(values.notna(), None).tolist()
        return self._values[name][place]

    def observed(self, name: str, place: int) -> Value:
        """What an invoice has in a field, as its explanation holds it."""
        value: Value = self.value(name, place)
        return value.date() if isinstance(value, pd.Timestamp) else value

    def style(self, name: str) -> Style:
        """How numbers of a field are written where nothing is computed with them."""
        return "amount" if name in self.contract.fields and self.contract.fields[name].type == "amount" else "number"

    def day(self, name: str, place: int) -> date:
        value: pd.Timestamp = self.value(name, place)
        return value.date()

    def earlier(self, place: int) -> Codes:
        """The known earlier invoices of the same entity: places in the precedents, oldest first."""
        if self._earlier[0] != place:
            self._earlier = place, self.precedents.rows(int(self.rows[place]))
        return self._earlier[1]

    def entity(self, place: int) -> str:
        """Whose invoice it is; empty where nobody is named."""
        value = self.value(self.contract.entity, place) if self.contract.entity else None
        return "" if value is None else shown(value)

    def of_entity(self, place: int) -> str:
        entity = self.entity(place)
        return f" of {entity}" if entity else ""

    def earlier_invoices(self, place: int, rows: int) -> str:
        """`50 earlier invoices of V00012`, or `the last 200 invoices of V00012` where there are more."""
        if rows <= MOST_ROWS < self.known_rows(place):
            return f"the last {rows:,} invoices{self.of_entity(place)}"
        return count(rows, "earlier invoice") + self.of_entity(place)

    def known_rows(self, place: int) -> int:
        """How many earlier invoices of the entity there are, beyond those that are looked at."""
        return int(self.given.history_rows[place])

    def grounds(self, times: int, rows: int, place: int) -> str:
        """`all 50 earlier invoices of V00012`, `48 of 50 ...`, `all of the last 200 invoices of V00012`."""
        if self.known_rows(place) > MOST_ROWS:
            return f"{'all' if times == rows else f'{times:,}'} of the last {rows:,} invoices{self.of_entity(place)}"
        of_all = self.earlier_invoices(place, rows)
        if times < rows:
            return f"{times:,} of {of_all}"
        return f"all {of_all}" if rows > 1 else f"the only earlier invoice{self.of_entity(place)}"

    def context(self, view: str, place: int) -> str:
        """What an expectation is based on."""
        if view == GIVEN_FIELDS:
            return " given the other fields"
        if not len(self.earlier(place)):
            return " judging by all others"
        entity = self.entity(place)
        return f" for {entity}" if entity else ""

    def shares(self, feature: Feature, view: str) -> FloatArray:
        """Expected shares of the levels of a categorical feature, shape (invoices, levels)."""
        key = feature.name, view
        if key not in self._shares:
            self._shares[key] = self.found[key].shares
        return self._shares[key]

    def expected_range(self, feature: Feature, view: str, place: int) -> tuple[float, float, float]:
        """Expected value of a numeric feature with the ends of its range, in the feature's own unit."""
        seen = self.found[feature.name, view]
        assert seen.location is not None and seen.scale is not None
        location, scale = float(seen.location[place]), float(seen.scale[place])
        below, above = self.detector.calibrations.prediction_interval(
            feature.name, view, self.given, place, RANGE_ERROR
        )
        prior = self.detector.encoder.priors[feature.name]
        ends = np.array([location, location - below * scale, location + above * scale])
        middle, low, high = prior.value_of(ends).tolist()
        return middle, low, high
