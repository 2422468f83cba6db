"""The multilayer perceptron: a plain `keras.Sequential` of dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from pinn.errors import InputError, did_you_mean

ACTIVATIONS = ("tanh", "sin", "cos", "sigmoid", "softplus", "silu", "swish", "gelu")


@keras.saving.register_keras_serializable(package="pinn")
def sin(x: Any) -> Any:
    """Return the sine, as an activation function, which Keras has none of."""
    return keras.ops.sin(x)


@keras.saving.register_keras_serializable(package="pinn")
def cos(x: Any) -> Any:
    """Return the cosine, as an activation function, which Keras has none of."""
    return keras.ops.cos(x)


def mlp(
    *,
    lower: Sequence[float],
    upper: Sequence[float],
    outputs: int,
    width: int = 20,
    depth: int = 3,
    activation: str = "tanh",
    frequency: float = 1.0,
    seed: int = 0,
) -> keras.Sequential:
    """Return a network of `depth` hidden layers of `width` units, from coordinates [n, d] to fields [n, outputs].

    A frozen dense layer scales the inputs from the box `lower` … `upper` to [-1, 1] (`Rescaling` would round
    its numbers to single precision when it is loaded from a file).  Weights are drawn from Glorot's normal
    distribution (Glorot & Bengio 2010), every layer with a seed of its own; biases start at zero.  `frequency`
    multiplies the first hidden layer's weights at the start: above 1 for solutions that oscillate over the box
    (ω₀ of Sitzmann et al. 2020, arXiv:2006.09661).

    Raises:
        InputError: if width, depth or frequency is not positive, or the activation is unknown.
    """
    for name, value in (("width", width), ("depth", depth), ("outputs", outputs)):
        if not isinstance(value, int) or value < 1:
            raise InputError(f"network.{name}={value!r}; give a whole number of at least 1.")
    if isinstance(frequency, bool) or not isinstance(frequency, int | float) or not 0 < frequency < np.inf:
        raise InputError(f"network.frequency={frequency!r}; give a positive number.")
    if activation not in ACTIVATIONS:
        raise InputError(f"network.activation={activation!r}: unknown.{did_you_mean(str(activation), ACTIVATIONS)}")
    low, high = np.asarray(lower, float), np.asarray(upper, float)
    function = {"sin": sin, "cos": cos}.get(activation, activation)

    def dense(units: int, layer: int, function: Any) -> keras.layers.Layer:
        # One seed for all layers would make equal shapes equal weights, hence a seed per layer.
        initializer: Any = keras.initializers.GlorotNormal(seed=1000 * seed + layer)
        return keras.layers.Dense(units, activation=function, kernel_initializer=initializer, name=f"dense_{layer}")

    scaling = keras.layers.Dense(len(low), trainable=False, name="scaling")
    model = keras.Sequential(
        [
            keras.Input((len(low),), name="coordinates"),
            scaling,
            *(dense(width, layer, function) for layer in range(depth)),
            dense(outputs, depth, "linear"),
        ],
        name="mlp",
    )
    scaling.set_weights([np.diag(2 / (high - low)), -(low + high) / (high - low)])
    first = model.layers[1].kernel
    first.assign(frequency * first)
    return model
