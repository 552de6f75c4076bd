"""The Keras autoencoder and its training; the only module that imports Keras.

Each field is masked in turn and reconstructed from the others (a masked autoencoder: Devlin et al. 2019 for the
masking, Nazabal et al. 2020 for heads by type). Outputs are corrections to the history profile: location and scale
of a Student t for numbers, logits for categories. With all-zero outputs the model is the history profile alone.
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
from invoice_anomalies.detection.profiles.model_input import ModelInput

DEGREES_OF_FREEDOM = 3.0  # heavy tails: an amount ten scales off must not bend the model
BATCH = 256  # rows a step; chosen by the time of a training, see make bench-sensitivity
ALL_MASKED = 0.25  # share of rows trained on the history alone
OTHERS_MASKED = 0.1  # chance that a further field is hidden, so that no field leans on a single other one
VALIDATION_SHARE = 0.1  # of the invoices, held out to stop by: the usual tenth
PATIENCE = (
    5  # epochs without a lower held-out loss, after which training ends; chosen by eye, see make bench-sensitivity
)
LEARNING_RATE = 8e-3  # of Adam at the start, high since it falls to nothing; chosen by eye, see make bench-sensitivity
FARTHEST = 50.0  # scales; keeps a single slip from setting the step size of a whole batch
NEVER = -1e4  # log share of the categories that only pad the output block


@dataclass(frozen=True)
class TrainedNetwork:
    """The weights for numpy, the Keras model, and the loss per epoch: nats per invoice, training and held out."""

    weights: Weights
    model: Any
    history: dict[str, list[float]] = field(default_factory=dict)


def train(
    encoder: Encoder,
    given: ModelInput,
    invoice: npt.NDArray[np.intp],
    *,
    hidden_units: list[int],
    epochs: int,
    seed: int,
    progress: Callable[[str], None],
) -> TrainedNetwork:
    """Train on the rows of a model input; stop early when the held-out loss no longer falls; the best weights are kept.

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
    inputs, targets = given.inputs, _targets(encoder, given)
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
    return TrainedNetwork(Weights.from_keras(model), model, history)


def save(model: Any, path: Path) -> None:
    """Write the model in Keras's own format."""
    model.save(path)


def load(path: Path) -> Any:
    """Read a model written by `save`; safe mode refuses code hidden in the file."""
    import keras

    return keras.models.load_model(path, compile=False, safe_mode=True)


def _build(encoder: Encoder, hidden_units: list[int]) -> Any:
    import keras

    slots = encoder.slots
    inputs = keras.Input((slots.inputs,), name="invoice")
    hidden = inputs
    for index, units in enumerate(hidden_units):
        hidden = keras.layers.Dense(units, activation="relu", name=f"hidden_{index}")(hidden)

    def head(name: str, below: Any, width: int, use_bias: bool = True) -> Any:
        # Zero at the start: training begins at the history profile and moves away only where the data says so.
        return keras.layers.Dense(width, kernel_initializer="zeros", use_bias=use_bias, name=name)(below)

    numbers = len(slots.numeric)
    others = head("deep_others", hidden, slots.width - numbers)
    if not numbers:  # a layer without units cannot be built
        return keras.Model(inputs, others)
    # Locations of numbers also see the inputs directly: sums and ratios of fields are linear there.
    locations = keras.layers.Add(name="locations")(
        [head("deep_locations", hidden, numbers), head("linear", inputs, numbers, use_bias=False)]
    )
    return keras.Model(inputs, keras.layers.Concatenate(name="corrections")([locations, others]))


def _targets(encoder: Encoder, given: ModelInput) -> npt.NDArray[np.float32]:
    """Targets of the loss, shape (rows, columns); see `_loss` for the order of the columns.

    Numbers in scales of the history profile (zero where not measured), whether they were measured, the codes of
    categories, and the history's log shares of all categories, padded to the width of the widest feature.
    """
    rows, slots = len(given.inputs), encoder.slots
    nothing = np.zeros((rows, 0))
    z = np.column_stack([nothing, *(given.standardised(name) for name in slots.numeric)])
    codes = np.column_stack([nothing, *(given.categorical[name].codes for name in slots.categorical)])
    by_history = np.full((rows, len(slots.categorical), slots.category_width), NEVER)
    for index, name in enumerate(slots.categorical):
        shares = given.categorical[name].shares
        by_history[:, index, : shares.shape[1]] = np.log(shares)
    measured = np.isfinite(z)
    bounded = np.clip(np.where(measured, z, 0.0), -FARTHEST, FARTHEST)
    return np.concatenate([bounded, measured, codes, by_history.reshape(rows, -1)], axis=1).astype(np.float32)


def _loss(encoder: Encoder) -> Callable[[Any, Any], Any]:
    """Negative log likelihood of the masked fields, summed over their features."""
    from keras import ops

    slots = encoder.slots
    numbers, kinds, width = len(slots.numeric), len(slots.categorical), slots.category_width

    def loss(truth: Any, correction: Any) -> Any:
        z, measured, codes, by_history, scored = ops.split(
            truth, np.cumsum([numbers, numbers, kinds, kinds * width]).tolist(), axis=1
        )
        location, log_scale = correction[:, :numbers], correction[:, numbers : 2 * numbers]
        log_scale = ops.clip(log_scale, SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)
        distance = (z - location) * ops.exp(-log_scale)
        tail = ops.log1p(distance**2 / DEGREES_OF_FREEDOM) * (DEGREES_OF_FREEDOM + 1) / 2
        total = ops.sum(scored[:, :numbers] * measured * (log_scale + tail), axis=1)
        if kinds:
            logits = ops.reshape(by_history + correction[:, 2 * numbers :], (-1, kinds, width))
            observed = ops.one_hot(ops.cast(codes, "int32"), width)
            surprise = -ops.sum(observed * ops.log_softmax(logits, axis=-1), axis=-1)
            total += ops.sum(scored[:, numbers:] * surprise, axis=1)
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
    """Batches with fields masked at random; the loss counts a row's masked fields, not those hidden beside them."""
    fields = encoder.fields
    shown_as, scored_as = _mask_tables(encoder)
    together = encoder.slots.masked_together
    hidden_too = np.array([[other in together[name] for other in fields] for name in fields], dtype=np.float32)
    for start in range(0, len(inputs), size):
        batch = inputs[start : start + size]
        rows = len(batch)
        scored = np.eye(len(fields), dtype=np.float32)[random.integers(len(fields), size=rows)]
        scored[random.random(rows) < ALL_MASKED] = 1.0
        hidden = np.maximum(scored, (random.random(scored.shape) < OTHERS_MASKED).astype(np.float32))
        hidden = np.minimum(hidden @ hidden_too, 1.0)
        masked = batch * (1.0 - hidden @ shown_as)
        for index, name in enumerate(fields):
            masked[:, encoder.slots.mask_column[name]] = hidden[:, index]
        yield masked, np.concatenate([targets[start : start + size], scored @ scored_as], axis=1)


def _mask_tables(encoder: Encoder) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Inputs that a field masks, shape (fields, inputs), and features that it has, shape (fields, features)."""
    masks = np.zeros((len(encoder.fields), encoder.slots.inputs), dtype=np.float32)
    scored = [*encoder.slots.numeric, *encoder.slots.categorical]
    has = np.zeros((len(encoder.fields), len(scored)), dtype=np.float32)
    for feature in encoder.features:
        row = encoder.fields.index(feature.field)
        masks[row, encoder.slots.value_columns[feature.name]] = 1.0
        has[row, scored.index(feature.name)] = 1.0
    return masks, has
