"""Architectures other than a plain sequence of layers: the modified perceptron and PirateNet."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from pinn.networks.layers import TrainableSlope

Chain = Sequence[keras.Layer]
"""A dense layer and what follows it up to its activation."""


def modified(
    inputs: keras.KerasTensor,
    embedding: Chain,
    encoders: Sequence[Chain],
    hidden: Sequence[Chain],
    last: keras.Layer,
) -> keras.Model:
    """Return the modified perceptron (Wang, Teng & Perdikaris 2021, arXiv:2001.04536).

    Two encoders U, V gate every hidden layer Z: (1 − Z)·U + Z·V, written as U + Z·(V − U), which
    has only one product.
    """
    x = apply_layers(embedding, inputs)
    u = apply_layers(encoders[0], x)
    v = apply_layers(encoders[1], x)
    difference = keras.layers.Subtract(name="difference")([v, u])
    for k, layers in enumerate(hidden):
        z = apply_layers(layers, x)
        gate = keras.layers.Multiply(name=f"gate_{k}")([z, difference])
        x = keras.layers.Add(name=f"gated_{k}")([u, gate])
    return keras.Model(inputs, last(x), name="modified_mlp")


def piratenet(
    inputs: keras.KerasTensor,
    embedding: Chain,
    encoders: Sequence[Chain],
    hidden: Sequence[Chain],
    last: keras.Layer,
) -> keras.Model:
    """Return a PirateNet (Wang, Li, Chen & Perdikaris 2024, arXiv:2402.00326).

    A block has three hidden layers f, g, h.  From its inputs x and the encoders U, V:

        z₁ = f(x)·U + (1 − f(x))·V
        z₂ = g(z₁)·U + (1 − g(z₁))·V
        x  ↦ α h(z₂) + (1 − α) x

    with a trainable α that starts at zero: the network starts linear in its embedding, and deepens
    as α grows.
    """
    x = apply_layers(embedding, inputs)
    u = apply_layers(encoders[0], x)
    v = apply_layers(encoders[1], x)
    difference = keras.layers.Subtract(name="difference")([u, v])
    for k in range(len(hidden) // 3):
        *gates, third = hidden[3 * k : 3 * k + 3]
        # The gated layers, z·U + (1 − z)·V written as V + z·(U − V).
        z = x
        for j, layers in enumerate(gates):
            z = apply_layers(layers, z)
            gate = keras.layers.Multiply(name=f"gate_{k}_{j}")([z, difference])
            z = keras.layers.Add(name=f"gated_{k}_{j}")([v, gate])
        # The residual connection, x + α (h(z₂) − x).
        step = keras.layers.Subtract(name=f"step_{k}")([apply_layers(third, z), x])
        scaled = TrainableSlope(start=0.0, name=f"alpha_{k}")(step)
        x = keras.layers.Add(name=f"block_{k}")([x, scaled])
    return keras.Model(inputs, last(x), name="piratenet")


def apply_layers(layers: Chain, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the output of a chain of layers for a symbolic tensor."""
    for layer in layers:
        x = layer(x)
    return x
