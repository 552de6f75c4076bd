"""The trained network as plain matrix products, so that scoring needs neither TensorFlow nor its start-up time.

Masking a field changes only that field's input columns, so the first layer is computed once, and each masked pass
subtracts the masked columns from it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from invoice_anomalies.detection.profiles.encoder import Encoder

Float32 = npt.NDArray[np.float32]

# Natural logarithm of the factor that an output puts on a profile's scale: from 1/148 to 20, so that none runs away.
SMALLEST_LOG_SCALE = -5.0
LARGEST_LOG_SCALE = 3.0


@dataclass(frozen=True)
class Weights:
    """Kernels and biases of the hidden layers and of the output layer, and the kernel of the skip connection.

    hidden: kernels of shape (inputs, units) and biases of shape (units,); output: shapes (units, outputs) and
    (outputs,); skip_connection: from inputs to the locations of numeric features, shape (inputs, numeric).
    """

    hidden: list[tuple[Float32, Float32]]
    output: tuple[Float32, Float32]
    skip_connection: Float32

    @classmethod
    def from_keras(cls, model: Any) -> "Weights":
        """Copy the weights out of a Keras model made by `training.train`."""
        layers = [layer for layer in model.layers if layer.name.startswith("hidden_")]
        arrays = [tuple(layer.get_weights()) for layer in layers]
        named = {layer.name: layer.get_weights() for layer in model.layers}
        # Where no number is scored, there are no locations.
        (skip,) = named.get("linear", [np.zeros((model.input_shape[1], 0), dtype=np.float32)])
        heads = [named[name] for name in ("deep_locations", "deep_others") if name in named]
        kernel, bias = (np.concatenate(parts, axis=-1) for parts in zip(*heads, strict=True))
        return cls([(kernel, bias) for kernel, bias in arrays], (kernel, bias), skip)

    def to_arrays(self) -> dict[str, Float32]:
        """Every array by name, for an npz file; shapes as above."""
        named = {"linear": self.skip_connection, "output_kernel": self.output[0], "output_bias": self.output[1]}
        for index, (kernel, bias) in enumerate(self.hidden):
            named |= {f"hidden_{index}_kernel": kernel, f"hidden_{index}_bias": bias}
        return named

    @classmethod
    def from_arrays(cls, named: dict[str, Float32]) -> "Weights":
        """The weights whose arrays `to_arrays` named; shapes as above."""
        count = sum(name.startswith("hidden_") for name in named) // 2
        hidden = [(named[f"hidden_{i}_kernel"], named[f"hidden_{i}_bias"]) for i in range(count)]
        return cls(hidden, (named["output_kernel"], named["output_bias"]), named["linear"])


class NumpyAutoencoder:
    """Passes of one block of inputs, shape (rows, inputs), each with some fields masked."""

    def __init__(self, encoder: Encoder, weights: Weights, inputs: Float32) -> None:
        self._slots, self._features = encoder.slots, encoder.features
        self._weights, self._inputs = weights, inputs
        kernel, bias = weights.hidden[0]
        self._first = inputs @ kernel + bias
        widest = max(kernel.shape[1] for kernel, _ in weights.hidden)
        self._nothing = np.zeros(len(inputs) * widest, dtype=np.float32)
        self._skip = inputs @ weights.skip_connection

    def masked(self, fields: list[str], wanted: npt.NDArray[np.intp]) -> Float32:
        """Corrections for the output columns `wanted` with these fields masked, shape (wanted, rows).

        Masked with a field are the fields that would give it away. Rows come last, since what follows goes along them.
        """
        fields = list(dict.fromkeys(other for name in fields for other in self._slots.masked_together[name]))
        kernel = self._weights.hidden[0][0]
        bits = [self._slots.mask_column[name] for name in fields]
        hidden = self._first + kernel[bits].sum(axis=0)
        for own in self._value_columns(fields):
            hidden -= self._inputs[:, own] @ kernel[own]
        hidden = self._rectified(hidden)
        for kernel, bias in self._weights.hidden[1:]:
            hidden = hidden @ kernel
            hidden += bias
            hidden = self._rectified(hidden)
        output_kernel, output_bias = self._weights.output
        corrections: Float32 = np.ascontiguousarray((hidden @ output_kernel[:, wanted] + output_bias[wanted]).T)
        locations = np.flatnonzero(wanted < self._skip.shape[1])
        corrections[locations] += self._skipped(fields, bits, wanted[locations])
        return corrections

    def _value_columns(self, fields: list[str]) -> list[slice]:
        return [self._slots.value_columns[feature.name] for feature in self._features if feature.field in fields]

    def _rectified(self, values: Float32) -> Float32:
        # Of two arrays, numpy takes the maximum several times as fast as of an array and a number.
        nothing = self._nothing[: values.size].reshape(values.shape)
        return np.maximum(values, nothing, out=values)

    def _skipped(self, fields: list[str], bits: list[int], wanted: npt.NDArray[np.intp]) -> Float32:
        """The part of the skip connection from inputs to locations, shape (wanted, rows)."""
        kernel = self._weights.skip_connection[:, wanted]
        added: Float32 = self._skip[:, wanted].T + kernel[bits].sum(axis=0)[:, None]
        for own in self._value_columns(fields):
            added -= kernel[own].T @ self._inputs[:, own].T
        return added
