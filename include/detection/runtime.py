"""The trained network as plain matrix products, so that scoring needs neither TensorFlow nor its start-up time.

Masking a field changes only that field's input columns, so the first layer is computed once and each view of an
invoice subtracts the hidden columns from it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from include.detection.encoding import Encoder

Float32 = npt.NDArray[np.float32]

SMALLEST_LOG_SCALE = -5.0
LARGEST_LOG_SCALE = 3.0


@dataclass(frozen=True)
class Weights:
    """Kernels and biases of the hidden layers and of the output layer, and the kernel from inputs to locations."""

    hidden: list[tuple[Float32, Float32]]
    output: tuple[Float32, Float32]
    linear: Float32

    @classmethod
    def of(cls, model: Any) -> "Weights":
        """Copy the weights out of a Keras model made by `network.train`."""
        layers = [layer for layer in model.layers if layer.name.startswith("hidden_")]
        arrays = [tuple(layer.get_weights()) for layer in layers]
        named = {layer.name: layer.get_weights() for layer in model.layers}
        # Where no number is judged, there are no locations.
        (linear,) = named.get("linear", [np.zeros((model.input_shape[1], 0), dtype=np.float32)])
        heads = [named[name] for name in ("deep_locations", "deep_others") if name in named]
        kernel, bias = (np.concatenate(parts, axis=-1) for parts in zip(*heads, strict=True))
        return cls([(kernel, bias) for kernel, bias in arrays], (kernel, bias), linear)

    def to_arrays(self) -> dict[str, Float32]:
        """Name every array, for an npz file."""
        named = {"linear": self.linear, "output_kernel": self.output[0], "output_bias": self.output[1]}
        for index, (kernel, bias) in enumerate(self.hidden):
            named |= {f"hidden_{index}_kernel": kernel, f"hidden_{index}_bias": bias}
        return named

    @classmethod
    def from_arrays(cls, named: dict[str, Float32]) -> "Weights":
        count = sum(name.startswith("hidden_") for name in named) // 2
        hidden = [(named[f"hidden_{i}_kernel"], named[f"hidden_{i}_bias"]) for i in range(count)]
        return cls(hidden, (named["output_kernel"], named["output_bias"]), named["linear"])


class Runtime:
    """Reconstruct fields of encoded invoices with one field, or every field, masked."""

    def __init__(self, encoder: Encoder, weights: Weights) -> None:
        self._encoder = encoder
        self._weights = weights

    def start(self, inputs: Float32) -> "Views":
        """Compute what all views share. inputs: shape (rows, inputs), nothing masked."""
        return Views(self._encoder, self._weights, inputs)


class Views:
    """The reconstructions of one block of invoices."""

    def __init__(self, encoder: Encoder, weights: Weights, inputs: Float32) -> None:
        self._layout, self._aspects = encoder.layout_, encoder.aspects
        self._weights, self._inputs = weights, inputs
        kernel, bias = weights.hidden[0]
        self._first = inputs @ kernel + bias
        self._linear = inputs @ weights.linear

    def masked(self, fields: list[str], wanted: npt.NDArray[np.intp]) -> Float32:
        """Corrections for the output columns `wanted` with these fields masked, shape (rows, wanted columns).

        Masked with a field are the others that would give it away.
        """
        fields = list(dict.fromkeys(other for name in fields for other in self._layout.hides[name]))
        first, linear = self._first, self._linear
        kernel = self._weights.hidden[0][0]
        for aspect in self._aspects:
            if aspect.field in fields:
                own = self._layout.own[aspect.name]
                first = first - self._inputs[:, own] @ kernel[own]
                linear = linear - self._inputs[:, own] @ self._weights.linear[own]
        bits = [self._layout.mask[name] for name in fields]
        hidden = np.maximum(first + kernel[bits].sum(axis=0), 0.0)
        linear = linear + self._weights.linear[bits].sum(axis=0)
        for kernel, bias in self._weights.hidden[1:]:
            hidden = np.maximum(hidden @ kernel + bias, 0.0)
        output_kernel, output_bias = self._weights.output
        corrections: Float32 = hidden @ output_kernel[:, wanted] + output_bias[wanted]
        locations = wanted < linear.shape[1]
        corrections[:, locations] += linear[:, wanted[locations]]
        return corrections
