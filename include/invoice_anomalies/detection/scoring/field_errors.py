"""Errors of fields: the worst calibrated error among a field's features, conditionings and checks, calibrated again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from invoice_anomalies.detection.autoencoder.inference import CONDITIONINGS
from invoice_anomalies.detection.features.features import Feature, FloatArray
from invoice_anomalies.detection.profiles.model_input import ModelInput
from invoice_anomalies.detection.scoring.calibration import LARGEST_ERROR, Calibration, Tiers, history_tier

# Numeric: tails no lighter than those of a t with 4 degrees of freedom; categorical: the probability itself.
SMALLEST_NUMERIC_RATE = 0.25
SMALLEST_CATEGORY_RATE = 1.0
FIELD_RATE = 1 / np.log(10.0)  # a field's error is already -log10 of a share

FeatureErrors = dict[tuple[str, str], FloatArray]
"""By feature name and conditioning: one error per row, shape (rows,) each."""


@dataclass(frozen=True)
class RawErrors:
    """Errors of some rows before calibration.

    given: the rows as the model reads them. features: residuals and surprisals. checks: nats by the name of a check,
    shape (rows,) each, or of the first rows only where pseudo-vendors follow, which no check looks at.
    """

    given: ModelInput
    features: FeatureErrors
    checks: Mapping[str, FloatArray]


@dataclass(frozen=True)
class ScoredParts:
    """What field errors are made of: the fields in their order, their features, and the field that a check blames."""

    fields: Sequence[str]
    features: Sequence[Feature]
    blamed: Mapping[str, str]


@dataclass(frozen=True)
class FieldCalibrations:
    """The calibrations of features in a conditioning and of checks, by name, and of fields."""

    parts: ScoredParts
    by_name: Mapping[str, Calibration]
    by_field: Mapping[str, Calibration]

    @classmethod
    def fit(
        cls, parts: ScoredParts, raw: RawErrors, largest: Mapping[str, float]
    ) -> tuple["FieldCalibrations", FloatArray]:
        """Learn from the raw errors of training rows; returns their calibrated errors as well, shape (rows, fields).

        largest: caps of features and checks that need one, by name.
        """
        tier = history_tier(raw.given.history_rows)
        numeric = {feature.name: feature.numeric for feature in parts.features}
        by_name = {
            calibration_name(name, conditioning): Calibration.fit(
                values,
                tier,
                raw.given.dispersion(name),
                SMALLEST_NUMERIC_RATE if numeric[name] else SMALLEST_CATEGORY_RATE,
                signed=numeric[name],
                largest=largest.get(name, LARGEST_ERROR),
            )
            for (name, conditioning), values in raw.features.items()
        }
        by_name |= {
            name: Calibration.fit(
                values,
                tier[: len(values)],
                np.zeros(len(values)),
                SMALLEST_CATEGORY_RATE,
                largest=largest.get(name, LARGEST_ERROR),
            )
            for name, values in raw.checks.items()
        }
        worst, same = cls(parts, by_name, {})._worst(raw), np.zeros(len(tier))
        by_field = {
            name: Calibration.fit(worst[:, index], tier, same, FIELD_RATE) for index, name in enumerate(parts.fields)
        }
        fitted = cls(parts, by_name, by_field)
        return fitted, fitted._calibrated(worst, tier)

    def of_features(self, raw: FeatureErrors, given: ModelInput) -> FeatureErrors:
        """Calibrated errors of features, by the tier and the dispersion of each row's history."""
        tier = history_tier(given.history_rows)
        return {
            (name, conditioning): self.by_name[calibration_name(name, conditioning)](
                values, tier, given.dispersion(name)
            )
            for (name, conditioning), values in raw.items()
        }

    def of_check(self, name: str, raw: FloatArray, tier: Tiers) -> FloatArray:
        """Calibrated errors of a check, shape (rows,). raw: nats, shape (rows,); tier: shape (rows,)."""
        return self.by_name[name](raw, tier, np.zeros(len(raw)))

    def of_fields(self, raw: RawErrors) -> FloatArray:
        """Calibrated errors of fields, shape (rows, fields): a field has several chances to look odd."""
        if not len(raw.given.inputs):
            return np.zeros((0, len(self.parts.fields)))
        return self._calibrated(self._worst(raw), history_tier(raw.given.history_rows))

    def prediction_interval(
        self, feature: str, conditioning: str, given: ModelInput, row: int, error: float
    ) -> tuple[float, float]:
        """Distances below and above the expected value, in scales, at which this row's feature has this error."""
        calibration = self.by_name[calibration_name(feature, conditioning)]
        tier = int(history_tier(given.history_rows[row : row + 1])[0])
        dispersion = float(given.dispersion(feature)[row])
        below, above = calibration.prediction_interval(tier, dispersion, error)
        return 1.0 + float(np.sinh(below)), 1.0 + float(np.sinh(above))

    def _calibrated(self, worst: FloatArray, tier: Tiers) -> FloatArray:
        same = np.zeros(len(tier))
        return np.column_stack(
            [self.by_field[name](worst[:, index], tier, same) for index, name in enumerate(self.parts.fields)]
        )

    def _worst(self, raw: RawErrors) -> FloatArray:
        """The worst calibrated error of each field's features, conditionings and checks, shape (rows, fields)."""
        errors, tier = self.of_features(raw.features, raw.given), history_tier(raw.given.history_rows)
        worst = np.zeros((len(tier), len(self.parts.fields)))
        for feature in self.parts.features:
            column = worst[:, self.parts.fields.index(feature.field)]
            for conditioning in CONDITIONINGS:
                np.maximum(column, errors[feature.name, conditioning], out=column)
        for name, values in raw.checks.items():
            column = worst[: len(values), self.parts.fields.index(self.parts.blamed[name])]
            np.maximum(column, self.of_check(name, values, tier[: len(values)]), out=column)
        return worst


def calibration_name(feature: str, conditioning: str) -> str:
    """The name under which the calibration of a feature in a conditioning is kept."""
    return f"{feature}/{conditioning}"
