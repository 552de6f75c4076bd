"""The Keras autoencoder and its training; the only module that imports Keras.

Each field is masked in turn and reconstructed from the others (a masked autoencoder: Devlin et al. 2019 for the
masking, Nazabal et al. 2020 for heads by type). Outputs are corrections to what the entity's past suggests: location
and scale of a Student t for numbers, logits for levels. With all-zero outputs the model is the entity's past alone.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from invoice_anomalies.detection.autoencoder.forward import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE, Weights
from invoice_anomalies.detection.profiles.encoder import Encoder
from invoice_anomalies.detection.profiles.model_input import Encoded

DEGREES_OF_FREEDOM = 3.0  # heavy tails: an amount ten scales off must not bend the model
BATCH = 256
ALL_MASKED = 0.25  # share of rows trained on the entity's past alone
OTHERS_MASKED = 0.1  # chance that a further field is hidden, so that no field leans on a single other one
VALIDATION_SHARE = 0.1
PATIENCE = 5
LEARNING_RATE = 8e-3
FARTHEST = 50.0  # scales; keeps a single slip from setting the step size of a whole batch
NEVER = -1e4  # log share of the levels that only pad the output block


@dataclass(frozen=True)
class Fit:
    """A trained network: its weights for the light runtime, the Keras model, and loss per epoch."""

    weights: Weights
    model: Any
    history: dict[str, list[float]] = field(default_factory=dict)


def train(
    encoder: Encoder,
    encoded: Encoded,
    invoice: npt.NDArray[np.intp],
    *,
    hidden_units: list[int],
    epochs: int,
    seed: int,
    progress: Callable[[str], None],
) -> Fit:
    """Train on encoded invoices; stop early when the held-out loss no longer falls; the best weights are kept.

    invoice: shape (rows,), which invoice each row shows; those of one invoice are held out together or not at all.
    The same seed, data and versions give the same weights.
    """
    # Before the import, and only where nobody asked for more: TensorFlow reports every missing accelerator.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = _build(encoder, hidden_units)

    random = np.random.default_rng(seed)
    apart = random.random(invoice.max() + 1) < VALIDATION_SHARE
    apart[invoice[0]] = True  # of few invoices, chance may hold out none
    held_out, training = np.flatnonzero(apart[invoice]), np.flatnonzero(~apart[invoice])
    inputs, targets = encoded.inputs, _targets(encoder, encoded)
    validation = next(iter(_batches(encoder, inputs[held_out], targets[held_out], random, len(held_out))))

    class Report(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            logs = logs or {}
            progress(f"epoch {epoch + 1}/{epochs}  loss {logs['loss']:.4f}  held out {logs['val_loss']:.4f}")

    steps = -(-len(training) // BATCH)
    # Large steps first and ever smaller ones to the end (Loshchilov and Hutter 2017, SGDR): fewer epochs are enough.
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * steps)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=_loss(encoder))
    fitted = model.fit(
        _endless(encoder, inputs[training], targets[training], random),
        steps_per_epoch=steps,
        epochs=epochs,
        validation_data=validation,
        verbose=0,
        shuffle=False,
        callbacks=[
            keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True),
            Report(),
        ],
    )
    history = {name: [float(v) for v in fitted.history[name]] for name in ("loss", "val_loss")}
    return Fit(Weights.of(model), model, history)


def save(model: Any, path: Path) -> None:
    """Write the model in Keras's own format."""
    model.save(path)


def load(path: Path) -> Any:
    """Read a model written by `save`; safe mode refuses code hidden in the file."""
    import keras

    return keras.models.load_model(path, compile=False, safe_mode=True)


def _build(encoder: Encoder, hidden_units: list[int]) -> Any:
    import keras

    layout = encoder.layout_
    inputs = keras.Input((layout.inputs,), name="invoice")
    hidden = inputs
    for index, units in enumerate(hidden_units):
        hidden = keras.layers.Dense(units, activation="relu", name=f"hidden_{index}")(hidden)

    def head(name: str, below: Any, width: int, use_bias: bool = True) -> Any:
        # Zero at the start: training begins at the entity's past and moves away only where the data says so.
        return keras.layers.Dense(width, kernel_initializer="zeros", use_bias=use_bias, name=name)(below)

    numbers = len(layout.numeric)
    others = head("deep_others", hidden, layout.width - numbers)
    if not numbers:  # a layer without units cannot be built
        return keras.Model(inputs, others)
    # Locations of numbers also see the inputs directly: sums and ratios of fields are linear there.
    locations = keras.layers.Add(name="locations")(
        [head("deep_locations", hidden, numbers), head("linear", inputs, numbers, use_bias=False)]
    )
    return keras.Model(inputs, keras.layers.Concatenate(name="corrections")([locations, others]))


def _targets(encoder: Encoder, encoded: Encoded) -> npt.NDArray[np.float32]:
    """What the outputs are judged by, shape (rows, columns); see `_loss` for the order of the columns.

    Numbers in units of the entity's past (zero where not measured), whether they were measured, the codes of levels,
    and the past's log shares of all levels, padded to the width of the widest aspect.
    """
    rows, layout = len(encoded.inputs), encoder.layout_
    nothing = np.zeros((rows, 0))
    z = np.column_stack([nothing, *(encoded.standardised(name) for name in layout.numeric)])
    codes = np.column_stack([nothing, *(encoded.levels[name].codes for name in layout.categorical)])
    past = np.full((rows, len(layout.categorical), layout.widest), NEVER)
    for index, name in enumerate(layout.categorical):
        shares = encoded.levels[name].shares
        past[:, index, : shares.shape[1]] = np.log(shares)
    known = np.isfinite(z)
    bounded = np.clip(np.where(known, z, 0.0), -FARTHEST, FARTHEST)
    return np.concatenate([bounded, known, codes, past.reshape(rows, -1)], axis=1).astype(np.float32)


def _loss(encoder: Encoder) -> Callable[[Any, Any], Any]:
    """Negative log likelihood of the masked fields, summed over their aspects."""
    from keras import ops

    layout = encoder.layout_
    numbers, kinds, widest = len(layout.numeric), len(layout.categorical), layout.widest

    def loss(truth: Any, correction: Any) -> Any:
        z, known, codes, past, judged = ops.split(
            truth, np.cumsum([numbers, numbers, kinds, kinds * widest]).tolist(), axis=1
        )
        location, log_scale = correction[:, :numbers], correction[:, numbers : 2 * numbers]
        log_scale = ops.clip(log_scale, SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)
        distance = (z - location) * ops.exp(-log_scale)
        tail = ops.log1p(distance**2 / DEGREES_OF_FREEDOM) * (DEGREES_OF_FREEDOM + 1) / 2
        total = ops.sum(judged[:, :numbers] * known * (log_scale + tail), axis=1)
        if kinds:
            logits = ops.reshape(past + correction[:, 2 * numbers :], (-1, kinds, widest))
            observed = ops.one_hot(ops.cast(codes, "int32"), widest)
            surprise = -ops.sum(observed * ops.log_softmax(logits, axis=-1), axis=-1)
            total += ops.sum(judged[:, numbers:] * surprise, axis=1)
        return total

    return loss


Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def _endless(
    encoder: Encoder, inputs: npt.NDArray[np.float32], targets: npt.NDArray[np.float32], random: np.random.Generator
) -> Iterator[Batch]:
    while True:
        order = random.permutation(len(inputs))
        yield from _batches(encoder, inputs[order], targets[order], random, BATCH)


def _batches(
    encoder: Encoder,
    inputs: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float32],
    random: np.random.Generator,
    size: int,
) -> Iterator[Batch]:
    """Mask fields at random; only a row's masked fields are judged, the further hidden ones are not."""
    fields = encoder.fields
    shown_as, judged_as = _mask_tables(encoder)
    hides = encoder.layout_.hides
    hidden_too = np.array([[other in hides[name] for other in fields] for name in fields], dtype=np.float32)
    for start in range(0, len(inputs), size):
        batch = inputs[start : start + size]
        rows = len(batch)
        judged = np.eye(len(fields), dtype=np.float32)[random.integers(len(fields), size=rows)]
        judged[random.random(rows) < ALL_MASKED] = 1.0
        hidden = np.maximum(judged, (random.random(judged.shape) < OTHERS_MASKED).astype(np.float32))
        hidden = np.minimum(hidden @ hidden_too, 1.0)
        masked = batch * (1.0 - hidden @ shown_as)
        for index, name in enumerate(fields):
            masked[:, encoder.layout_.mask[name]] = hidden[:, index]
        yield masked, np.concatenate([targets[start : start + size], judged @ judged_as], axis=1)


def _mask_tables(encoder: Encoder) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Which inputs a field hides, shape (fields, inputs), and which aspects it has, shape (fields, aspects)."""
    hides = np.zeros((len(encoder.fields), encoder.layout_.inputs), dtype=np.float32)
    judged = [*encoder.layout_.numeric, *encoder.layout_.categorical]
    has = np.zeros((len(encoder.fields), len(judged)), dtype=np.float32)
    for aspect in encoder.aspects:
        row = encoder.fields.index(aspect.field)
        hides[row, encoder.layout_.own[aspect.name]] = 1.0
        has[row, judged.index(aspect.name)] = 1.0
    return hides, has
