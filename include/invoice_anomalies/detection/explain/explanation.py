"""Say in words, for each flagged invoice, which fields are odd, what was expected, and how rare that is."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.detection.autoencoder.inference import CONDITIONINGS
from invoice_anomalies.detection.detector import Detector
from invoice_anomalies.detection.explain.categorical import UNUSUAL, describe_level
from invoice_anomalies.detection.explain.context import Finding, Scene
from invoice_anomalies.detection.explain.kinds import kind_of
from invoice_anomalies.detection.explain.numeric import describe_number
from invoice_anomalies.detection.explain.order import TELLING_ERROR, in_order
from invoice_anomalies.detection.result import ScoringResult
from invoice_anomalies.text import RAREST, judged_on, rarest_told, rarity_in_words

MOST_FIELDS = 5
SMALLEST_ERROR = 2.0  # one in a hundred: a field more usual than that is not worth a line
RAREST_TO_ROWS = 10.0  # times the invoices that were learned from, beyond which a rarity would be made up
FIELD_COLUMNS = [
    "invoice_key", "field", "position", "observed", "expected", "low", "high", "error", "rarity", "share", "sentence",
    "kind",
]  # fmt: skip


def explain(detector: Detector, result: ScoringResult, rows: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Explain the invoices at these row positions.

    Returns the anomalies (index invoice key: entity, entity_name, amount_at_risk, currency, top_field, kind,
    explanation, beside score and threshold) and their fields (invoice_key, field, position, observed, expected, low,
    high, error, rarity, share, sentence, kind), what explains others first, else the oddest.
    """
    writer = _Writer(detector, result, rows)
    invoices, places = writer.scene.invoices, range(len(writer.scene.rows))
    fields = pd.DataFrame([line for place in places for line in writer.lines(place)], columns=FIELD_COLUMNS)
    top = fields[fields["position"] == 1].set_index("invoice_key").reindex(invoices.index)
    contract = detector.contract
    anomalies = result.scores.iloc[rows].copy()
    anomalies["entity"] = invoices[contract.entity].astype(object) if contract.entity else None
    anomalies["entity_name"] = invoices[contract.entity_name].astype(object) if contract.entity_name else None
    anomalies["amount_at_risk"] = invoices[contract.amount].abs() if contract.amount else np.nan
    anomalies["currency"] = invoices[contract.currency].astype(object) if contract.currency else None
    anomalies["top_field"], anomalies["kind"] = top["field"], top["kind"]
    anomalies["explanation"] = top["sentence"] + [writer.standing(place) for place in places]
    return anomalies, fields


class _Writer:
    """Chooses what to say of each invoice, and in which order."""

    def __init__(self, detector: Detector, result: ScoringResult, rows: Any) -> None:
        self.scene = Scene(detector, result, rows)
        self.fields, self.contract = detector.fields, detector.contract
        self.rarest = rarest_told(min(RAREST, RAREST_TO_ROWS * max(float(detector.base_rates.rows.sum()), 1.0)))
        # A comparison with the entity's own past is easier to check than one that also depends on the other fields.
        self.candidates = {
            name: [
                (feature, view)
                for feature in detector.features
                if feature.field == name
                for view in reversed(CONDITIONINGS)
            ]
            for name in self.fields
        }

    def lines(self, place: int) -> list[tuple[Any, ...]]:
        """The odd fields of one invoice as rows of `anomaly_fields`."""
        errors = self.scene.errors[place]
        weights = np.power(10.0, errors)
        shares = weights / weights.sum()
        oddest = [int(index) for index in np.argsort(-errors, kind="stable")]
        odd = [index for index in oddest if errors[index] >= SMALLEST_ERROR] or oddest[:1]
        findings = {self.fields[index]: self._finding(self.fields[index], place) for index in odd}
        order = in_order(self.contract, dict(zip(self.fields, errors.tolist(), strict=True)), findings)
        key, lines = self.scene.invoices.index[place], []
        for rank, name in enumerate(order[:MOST_FIELDS], start=1):
            index, finding = self.fields.index(name), findings[name]
            rarity = min(float(weights[index]), self.rarest)
            sentence = finding.sentence(self.contract.label(name), rarity_in_words(rarity, rarity == self.rarest))
            lines.append(
                (
                    key, name, rank, finding.observed, finding.expected, finding.low, finding.high,
                    float(errors[index]), rarity, float(shares[index]), sentence,
                    kind_of(self.contract, name, finding),
                )
            )  # fmt: skip
        return lines

    def standing(self, place: int) -> str:
        """How much history stands behind the result."""
        entity, rows = self.scene.entity(place), int(self.scene.given.history_rows[place])
        if not rows:
            return f". {entity} is new: judged by all others" if entity else ""
        return f". {judged_on(rows, entity)}"

    def _finding(self, name: str, place: int) -> Finding:
        """Describe a field by the first feature and view that is telling, else by the one in which it is oddest.

        Aspects stand in the order in which a reader checks them. Where a collective check found no less fault with the
        field than any feature, the other invoices are what to tell of; where it found some, they are told of as well.
        """
        candidates = self.candidates[name]
        errors = [float(self.scene.feature_errors[feature.name, view][place]) for feature, view in candidates]
        check, check_error = self.scene.checks.worst(name, place)
        telling = min(TELLING_ERROR, max(errors))
        feature, view = next(c for c, error in zip(candidates, errors, strict=True) if error >= telling)
        describe = describe_number if feature.numeric else describe_level
        if check_error < telling or check_error < SMALLEST_ERROR:
            return describe(self.scene, feature, view, place)
        twins = self.scene.checks.remark(check, place)
        finding = describe(self.scene, feature, view, place)
        # Errors beyond what the data can tell are all the same.
        if check_error >= min(max(errors), np.log10(self.rarest)):
            slip = finding.remark if telling == TELLING_ERROR else ""
            return Finding(
                self.scene.written(name, place), f"no {check}", twins, rare=UNUSUAL, remark=slip, check=check
            )
        return replace(finding, remark="; ".join(filter(None, [finding.remark, twins])))
