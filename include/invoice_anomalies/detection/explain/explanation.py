"""Say in words, for each flagged invoice, which fields are odd, what was expected, and how rare that is."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.detection.autoencoder.inference import CONDITIONINGS
from invoice_anomalies.detection.detector import Detector
from invoice_anomalies.detection.explain.categorical import UNUSUAL, describe_level
from invoice_anomalies.detection.explain.context import ExplanationContext
from invoice_anomalies.detection.explain.field_explanation import FieldExplanation, RankedField
from invoice_anomalies.detection.explain.kinds import kind_of
from invoice_anomalies.detection.explain.numeric import describe_number
from invoice_anomalies.detection.explain.order import TELLING_ERROR, in_order
from invoice_anomalies.detection.result import ScoringResult
from invoice_anomalies.text import RAREST, judged_on, rarest_told

MOST_FIELDS = 5  # fields of an invoice that are explained: more than five nobody reads
SMALLEST_ERROR = 2.0  # one in a hundred: a field more usual than that is not worth a line
RAREST_TO_ROWS = 10.0  # times the invoices that were learned from, beyond which a rarity would be made up
FIELD_COLUMNS = [
    "invoice_key", "field", "position", "observed", "expected", "low", "high", "error", "rarity", "share", "sentence",
    "kind", "observed_number", "expected_number", "low_number", "high_number",
]  # fmt: skip


@dataclass(frozen=True)
class InvoiceExplanation:
    """Why an invoice is flagged: its odd fields in the order in which they are told, and the history behind it.

    history_rows: earlier invoices of its entity; entity: its name in words, empty where nobody is named.
    """

    invoice_key: Any
    fields: list[RankedField]
    history_rows: int
    entity: str

    @property
    def text(self) -> str:
        """The sentence of the first field, and how much history stands behind the judgement."""
        return self.fields[0].sentence + self._standing

    @property
    def _standing(self) -> str:
        if self.history_rows:
            return f". {judged_on(self.history_rows, self.entity)}"
        return f". {self.entity} is new: judged by all others" if self.entity else ""


def explanations(detector: Detector, result: ScoringResult, rows: Any) -> list[InvoiceExplanation]:
    """Explain the invoices at these row positions, shape (n,), in their order; values stay numbers, days and texts."""
    writer = _Writer(detector, result, rows)
    return [writer.explanation(row) for row in range(len(writer.context.rows))]


def explain(detector: Detector, result: ScoringResult, rows: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Explain the invoices at these row positions, shape (n,), in tables.

    Returns the anomalies (index invoice key: entity, entity_name, amount_at_risk, currency, top_field, kind,
    explanation, beside score and threshold) and their fields (FIELD_COLUMNS: the values in words, and as float64 in
    the unit of the field where it is a number, else NaN), what explains others first, else the oddest.
    """
    told = explanations(detector, result, rows)
    contract, invoices = detector.contract, result.invoices.iloc[rows]
    anomalies = result.scores.iloc[rows].copy()
    anomalies["entity"] = invoices[contract.entity].astype(object) if contract.entity else None
    anomalies["entity_name"] = invoices[contract.entity_name].astype(object) if contract.entity_name else None
    anomalies["amount_at_risk"] = invoices[contract.amount].abs() if contract.amount else np.nan
    anomalies["currency"] = invoices[contract.currency].astype(object) if contract.currency else None
    anomalies["top_field"] = pd.Series([one.fields[0].field for one in told], anomalies.index, dtype=object)
    anomalies["kind"] = pd.Series([one.fields[0].kind for one in told], anomalies.index, dtype=object)
    anomalies["explanation"] = pd.Series([one.text for one in told], anomalies.index, dtype=object)
    lines = [_line(one.invoice_key, field) for one in told for field in one.fields]
    fields = pd.DataFrame(lines, columns=FIELD_COLUMNS).astype(dict.fromkeys(FIELD_COLUMNS[-4:], "float64"))
    return anomalies, fields


def _line(key: Any, ranked: RankedField) -> tuple[Any, ...]:
    """A row of `anomaly_fields`."""
    said = ranked.explanation
    return (
        key, ranked.field, ranked.position, said.observed_text, said.expected_text, said.low_text, said.high_text,
        ranked.error, ranked.rarity, ranked.share, ranked.sentence, ranked.kind, *said.numbers,
    )  # fmt: skip


class _Writer:
    """Chooses what to say of each invoice, and in which order."""

    def __init__(self, detector: Detector, result: ScoringResult, rows: Any) -> None:
        self.context = ExplanationContext(detector, result, rows)
        self.fields, self.contract = detector.fields, detector.contract
        self.rarest = rarest_told(min(RAREST, RAREST_TO_ROWS * max(float(detector.base_rates.rows.sum()), 1.0)))
        # A comparison with the entity's own past is easier to check than one that also depends on the other fields.
        self.candidates = {
            name: [
                (feature, conditioning)
                for feature in detector.features
                if feature.field == name
                for conditioning in reversed(CONDITIONINGS)
            ]
            for name in self.fields
        }

    def explanation(self, row: int) -> InvoiceExplanation:
        """Rank the odd fields of one invoice."""
        errors = self.context.errors[row]
        weights = np.power(10.0, errors)
        shares = weights / weights.sum()
        oddest = [int(index) for index in np.argsort(-errors, kind="stable")]
        odd = [index for index in oddest if errors[index] >= SMALLEST_ERROR] or oddest[:1]
        found = {self.fields[index]: self._of_field(self.fields[index], row) for index in odd}
        order = in_order(self.contract, dict(zip(self.fields, errors.tolist(), strict=True)), found)
        ranked = []
        for position, name in enumerate(order[:MOST_FIELDS], start=1):
            index = self.fields.index(name)
            rarity = min(float(weights[index]), self.rarest)
            ranked.append(
                RankedField(
                    field=name,
                    label=self.contract.label(name),
                    position=position,
                    explanation=found[name],
                    error=float(errors[index]),
                    rarity=rarity,
                    capped=rarity == self.rarest,
                    share=float(shares[index]),
                    kind=kind_of(self.contract, name, found[name]),
                )
            )
        return InvoiceExplanation(
            self.context.invoices.index[row], ranked, self.context.known_rows(row), self.context.entity(row)
        )

    def _of_field(self, name: str, row: int) -> FieldExplanation:
        """Describe a field by its first feature and conditioning with a telling error, else by those with the largest.

        Features stand in the order in which a reader checks them. A check of several invoices whose error is no less
        than that of any feature is told in place of the feature; a check with a smaller error is told after it.
        """
        candidates = self.candidates[name]
        errors = [
            float(self.context.feature_errors[feature.name, conditioning][row]) for feature, conditioning in candidates
        ]
        check, check_error = self.context.checks.worst(name, row)
        telling = min(TELLING_ERROR, max(errors))
        feature, conditioning = next(c for c, error in zip(candidates, errors, strict=True) if error >= telling)
        describe = describe_number if feature.numeric else describe_level
        if check_error < telling or check_error < SMALLEST_ERROR:
            return describe(self.context, feature, conditioning, row)
        twins = self.context.checks.note(check, row)
        finding = describe(self.context, feature, conditioning, row)
        # Errors beyond what the data can tell are all the same.
        if check_error >= min(max(errors), np.log10(self.rarest)):
            return FieldExplanation(
                observed=self.context.observed(name, row),
                expected=f"no {check}",
                expectation=twins,
                style=self.context.style(name),
                rare=UNUSUAL,
                note=finding.note if telling == TELLING_ERROR else "",
                check=check,
            )
        return replace(finding, note="; ".join(filter(None, [finding.note, twins])))
