"""What the network and an entity's past expect of each aspect, and how far off the invoice is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from invoice_anomalies.detection.autoencoder.forward import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE, Runtime, Weights
from invoice_anomalies.detection.features.features import Aspect, FloatArray
from invoice_anomalies.detection.profiles.encoder import Encoder
from invoice_anomalies.detection.profiles.model_input import Encoded, LevelPast
from invoice_anomalies.detection.profiles.vendor_profiles import SMALLEST_SCALE

VIEWS = ("others", "past")  # reconstructed from the other fields and the past; from the past alone
UNSURPRISING = np.log(2.0)  # a level at least as likely as not is no surprise, however sure the model was of it
UNSURPRISING_SCALES = 1.0  # a number within one scale of the expected one is no surprise either
PAST_SHARE = 0.2  # weight of the entity's past in what is expected of a level
SMALLEST_SEQUENCE_SCALE = 0.1  # numbers run on: one that is 10 % above the last is in sequence


@dataclass(frozen=True)
class Reconstruction:
    """What the network expected of one aspect in one view.

    raw: shape (rows,), NaN where not measured; signed for a numeric aspect, which has `location` and `scale`
    on the scale of the model; a categorical one has `past`, and `likely`, (levels, rows): the shares by the network.
    """

    raw: FloatArray
    location: FloatArray | None = None
    scale: FloatArray | None = None
    likely: FloatArray | None = None
    past: LevelPast | None = None

    @property
    def shares(self) -> FloatArray:
        """Shares of the levels of a categorical aspect, by the network and by the past, shape (rows, levels)."""
        assert self.likely is not None and self.past is not None
        return (1.0 - PAST_SHARE) * self.likely.T + PAST_SHARE * self.past.shares


def reconstruct(encoder: Encoder, weights: Weights, encoded: Encoded) -> dict[tuple[str, str], Reconstruction]:
    """Reconstruct every aspect in both views: (aspect name, view) -> Reconstruction."""
    layout, runtime = encoder.layout_, Runtime(encoder, weights)
    views = runtime.start(encoded.inputs)
    # With all fields hidden, nothing is left of an invoice but its past, which it shares with others.
    _, one, of = np.unique(encoded.past, return_index=True, return_inverse=True)
    past = runtime.start(encoded.inputs[one]).masked(encoder.fields, np.arange(layout.width))
    found = {}
    for name in encoder.fields:
        aspects = [aspect for aspect in encoder.aspects if aspect.field == name]
        others = views.masked([name], np.concatenate([layout.outputs[aspect.name] for aspect in aspects]))
        for aspect in aspects:
            columns = layout.outputs[aspect.name]
            own, others = np.split(others, [len(columns)])
            found[aspect.name, "others"] = _of_aspect(aspect, encoded, own)
            found[aspect.name, "past"] = _of_aspect(aspect, encoded, past[np.ix_(columns, of)])
    return found


def _of_aspect(aspect: Aspect, encoded: Encoded, corrections: npt.NDArray[np.float32]) -> Reconstruction:
    if aspect.numeric:
        past = encoded.numbers[aspect.name]
        location = past.location + past.scale * corrections[0]
        scale = past.scale * np.exp(np.clip(corrections[1], SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE))
        scale = np.maximum(scale, SMALLEST_SEQUENCE_SCALE if aspect.measure == "sequence" else SMALLEST_SCALE)
        distance = (encoded.observed[aspect.name] - location) / scale
        raw = np.sign(distance) * np.arcsinh(np.maximum(np.abs(distance) - UNSURPRISING_SCALES, 0.0))
        return Reconstruction(raw, location=location, scale=scale)
    levels = encoded.levels[aspect.name]
    likely = np.log(levels.by_past).T[:, levels.of] + corrections
    likely -= likely.max(axis=0)
    np.exp(likely, out=likely)
    likely /= likely.sum(axis=0)
    # What the network holds impossible may only have been rare so far.
    observed = (1.0 - PAST_SHARE) * likely[levels.codes, np.arange(len(levels.codes))]
    observed += PAST_SHARE * levels.by_past[levels.of, levels.codes]
    return Reconstruction(np.maximum(levels.rarity - np.log(observed), UNSURPRISING), likely=likely, past=levels)
