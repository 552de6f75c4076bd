"""Reconstructions: what the network and a history expect of each feature, and how far off the invoice is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from invoice_anomalies.detection.autoencoder.forward import (
    LARGEST_LOG_SCALE,
    SMALLEST_LOG_SCALE,
    NumpyAutoencoder,
    Weights,
)
from invoice_anomalies.detection.features.features import Feature, FloatArray
from invoice_anomalies.detection.profiles.encoder import Encoder
from invoice_anomalies.detection.profiles.model_input import CategoryProfile, ModelInput
from invoice_anomalies.detection.profiles.vendor_profiles import SMALLEST_SCALE

GIVEN_FIELDS = "others"  # conditioned on the other fields and the history
GIVEN_HISTORY = "past"  # conditioned on the history alone
CONDITIONINGS = (GIVEN_FIELDS, GIVEN_HISTORY)
UNSURPRISING = np.log(2.0)  # nats; a category at least as likely as not is no surprise, however sure the model was
UNSURPRISING_SCALES = 1.0  # a number within one scale of the expected one is no surprise either
HISTORY_SHARE = 0.2  # weight of the history in what is expected of a category
SMALLEST_SEQUENCE_SCALE = 0.1  # numbers run on: one that is 10 % above the last is in sequence


@dataclass(frozen=True)
class Reconstruction:
    """One feature of some rows as the network expected it in one conditioning.

    raw: shape (rows,), NaN where not measured; the signed residual of a numeric feature (asinh of scales), the
    surprisal of a categorical one (nats). A numeric feature has `location` and `scale` on the model's scale, shape
    (rows,); a categorical one has `profile`, and `likely`, shape (categories, rows): the shares by the network.
    """

    raw: FloatArray
    location: FloatArray | None = None
    scale: FloatArray | None = None
    likely: FloatArray | None = None
    profile: CategoryProfile | None = None

    @property
    def shares(self) -> FloatArray:
        """Expected share of each category, by the network and by the history, shape (rows, categories)."""
        assert self.likely is not None and self.profile is not None
        return (1.0 - HISTORY_SHARE) * self.likely.T + HISTORY_SHARE * self.profile.shares


def reconstruct(encoder: Encoder, weights: Weights, given: ModelInput) -> dict[tuple[str, str], Reconstruction]:
    """Reconstruct every feature in both conditionings: (feature name, conditioning) -> Reconstruction."""
    slots, network = encoder.slots, NumpyAutoencoder(encoder, weights, given.inputs)
    # With all fields masked, nothing is left of an invoice but its history, which it shares with others.
    _, first, of = np.unique(given.history_of, return_index=True, return_inverse=True)
    alone = NumpyAutoencoder(encoder, weights, given.inputs[first])
    by_history = alone.masked(encoder.fields, np.arange(slots.width))
    found = {}
    for name in encoder.fields:
        features = [feature for feature in encoder.features if feature.field == name]
        by_fields = network.masked([name], np.concatenate([slots.outputs[feature.name] for feature in features]))
        for feature in features:
            columns = slots.outputs[feature.name]
            own, by_fields = np.split(by_fields, [len(columns)])
            found[feature.name, GIVEN_FIELDS] = _of_feature(feature, given, own)
            found[feature.name, GIVEN_HISTORY] = _of_feature(feature, given, by_history[np.ix_(columns, of)])
    return found


def _of_feature(feature: Feature, given: ModelInput, corrections: npt.NDArray[np.float32]) -> Reconstruction:
    """corrections: outputs of the network for this feature, shape (outputs, rows)."""
    if feature.numeric:
        profile = given.numeric[feature.name]
        location = profile.location + profile.scale * corrections[0]
        scale = profile.scale * np.exp(np.clip(corrections[1], SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE))
        scale = np.maximum(scale, SMALLEST_SEQUENCE_SCALE if feature.measure == "sequence" else SMALLEST_SCALE)
        distance = (given.observed[feature.name] - location) / scale
        residual = np.sign(distance) * np.arcsinh(np.maximum(np.abs(distance) - UNSURPRISING_SCALES, 0.0))
        return Reconstruction(residual, location=location, scale=scale)
    seen = given.categorical[feature.name]
    likely = np.log(seen.by_history).T[:, seen.history_of] + corrections
    likely -= likely.max(axis=0)
    np.exp(likely, out=likely)
    likely /= likely.sum(axis=0)
    # What the network holds impossible may only have been rare so far.
    observed = (1.0 - HISTORY_SHARE) * likely[seen.codes, np.arange(len(seen.codes))]
    observed += HISTORY_SHARE * seen.by_history[seen.history_of, seen.codes]
    surprisal = np.maximum(seen.rarity - np.log(observed), UNSURPRISING)
    return Reconstruction(surprisal, likely=likely, profile=seen)
