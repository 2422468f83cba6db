"""The multilayer perceptron: a plain `keras.Sequential`, saved and loaded without custom objects."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from pinn import jets
from pinn.errors import InputError, did_you_mean


def mlp(
    *,
    lower: Sequence[float],
    upper: Sequence[float],
    outputs: int,
    width: int = 20,
    depth: int = 3,
    activation: str = "tanh",
    seed: int = 0,
) -> keras.Sequential:
    """Return a network of `depth` hidden layers of `width` units, from coordinates [n, d] to fields [n, outputs].

    Inputs are scaled from the box `lower` … `upper` to [-1, 1]; weights are drawn from Glorot's normal
    distribution (Glorot & Bengio 2010), every layer with a seed of its own; biases start at zero.

    Raises:
        InputError: if width or depth is not positive, or the activation has no Taylor rule.
    """
    for name, value in (("width", width), ("depth", depth), ("outputs", outputs)):
        if not isinstance(value, int) or value < 1:
            raise InputError(f"mlp: {name}={value!r}; use a whole number of at least 1.")
    if not jets.has_rule(activation):
        raise InputError(f"mlp: unknown activation {activation!r}.{did_you_mean(activation, ('tanh', 'sin', 'swish'))}")
    scale = [2.0 / (b - a) for a, b in zip(lower, upper, strict=True)]
    offset = [-(a + b) / (b - a) for a, b in zip(lower, upper, strict=True)]
    # Keras 3 has no activation called "sin"; its operation of that name serves.
    function = getattr(keras.ops, activation) if activation in ("sin", "cos") else activation

    def dense(units: int, layer: int, function: object) -> keras.layers.Layer:
        # One seed for all layers would make equal shapes equal weights, hence a seed per layer.
        initializer = keras.initializers.GlorotNormal(seed=1000 * seed + layer)
        return keras.layers.Dense(units, activation=function, kernel_initializer=initializer, name=f"dense_{layer}")

    return keras.Sequential(
        [
            keras.Input((len(scale),), name="coordinates"),
            keras.layers.Rescaling(scale, offset, name="scaling"),
            *(dense(width, layer, function) for layer in range(depth)),
            dense(outputs, depth, "linear"),
        ],
        name="mlp",
    )
