"""What the network and an entity's past expect of each aspect, and how far off the invoice is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.detection.aspects import Aspect, FloatArray
from include.detection.encoding import Encoded, Encoder
from include.detection.history import SMALLEST_SCALE
from include.detection.runtime import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE, Runtime, Weights

VIEWS = ("others", "past")  # reconstructed from the other fields and the past; from the past alone
UNSURPRISING = np.log(2.0)  # a level at least as likely as not is no surprise, however sure the model was of it
UNSURPRISING_SCALES = 1.0  # a number within one scale of the expected one is no surprise either
PAST_SHARE = 0.2  # weight of the entity's past in what is expected of a level
SMALLEST_SEQUENCE_SCALE = 0.1  # numbers run on: one that is 10 % above the last is in sequence


@dataclass(frozen=True)
class Reconstruction:
    """What the network expected of one aspect in one view.

    raw: shape (rows,), NaN where not measured; signed for a numeric aspect, which has `location` and `scale`
    on the scale of the model; a categorical one has `shares`, (rows, levels).
    """

    raw: FloatArray
    location: FloatArray | None = None
    scale: FloatArray | None = None
    shares: FloatArray | None = None


def reconstruct(encoder: Encoder, weights: Weights, encoded: Encoded) -> dict[tuple[str, str], Reconstruction]:
    """Reconstruct every aspect in both views: (aspect name, view) -> Reconstruction."""
    layout = encoder.layout_
    views = Runtime(encoder, weights).start(encoded.inputs)
    past = views.masked(encoder.fields, np.arange(layout.width))
    found = {}
    for name in encoder.fields:
        aspects = [aspect for aspect in encoder.aspects if aspect.field == name]
        others = views.masked([name], np.concatenate([layout.outputs[aspect.name] for aspect in aspects]))
        for aspect in aspects:
            columns = layout.outputs[aspect.name]
            own, others = np.split(others, [len(columns)], axis=1)
            found[aspect.name, "others"] = _of_aspect(aspect, encoded, own)
            found[aspect.name, "past"] = _of_aspect(aspect, encoded, past[:, columns])
    return found


def _of_aspect(aspect: Aspect, encoded: Encoded, corrections: npt.NDArray[np.float32]) -> Reconstruction:
    if aspect.numeric:
        past = encoded.numbers[aspect.name]
        location = past.location + past.scale * corrections[:, 0]
        scale = past.scale * np.exp(np.clip(corrections[:, 1], SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE))
        scale = np.maximum(scale, SMALLEST_SEQUENCE_SCALE if aspect.measure == "sequence" else SMALLEST_SCALE)
        distance = (encoded.observed[aspect.name] - location) / scale
        raw = np.sign(distance) * np.arcsinh(np.maximum(np.abs(distance) - UNSURPRISING_SCALES, 0.0))
        return Reconstruction(raw, location=location, scale=scale)
    levels = encoded.levels[aspect.name]
    logits = np.log(levels.shares) + corrections
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    # What the network holds impossible may only have been rare so far.
    shares = (1.0 - PAST_SHARE) * shares + PAST_SHARE * levels.shares
    observed = shares[np.arange(len(shares)), levels.codes]
    surprise = levels.rarity - np.log(observed)
    return Reconstruction(np.maximum(surprise, UNSURPRISING), shares=shares)
