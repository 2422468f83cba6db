"""How hidden layers are wired where they are no plain sequence: the modified perceptron and PirateNet.

A chain is a dense layer and what follows it up to its activation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from pinn.networks.layers import TrainableSlope

Chain = Sequence[keras.layers.Layer]


def modified(
    inputs: Any, embedding: Chain, encoders: Sequence[Chain], hidden: Sequence[Chain], last: Any
) -> Any:
    """Return the modified perceptron (Wang, Teng & Perdikaris 2021, arXiv:2001.04536).

    Two encoders U, V gate every hidden layer Z: (1 − Z)·U + Z·V, written U + Z·(V − U), which has
    one product.
    """
    x = through(embedding, inputs)
    u, v = (through(encoder, x) for encoder in encoders)
    difference = keras.layers.Subtract(name="difference")([v, u])
    for k, layers in enumerate(hidden):
        gated = keras.layers.Multiply(name=f"gate_{k}")([through(layers, x), difference])
        x = keras.layers.Add(name=f"gated_{k}")([u, gated])
    return keras.Model(inputs, last(x), name="modified_mlp")


def piratenet(
    inputs: Any, embedding: Chain, encoders: Sequence[Chain], hidden: Sequence[Chain], last: Any
) -> Any:
    """Return a PirateNet (Wang, Li, Chen & Perdikaris 2024, arXiv:2402.00326), three chains a block.

    From a block's inputs x and the encoders U, V, with layers f, g, h:

        z₁ = f(x)·U + (1 − f(x))·V
        z₂ = g(z₁)·U + (1 − g(z₁))·V
        x  ↦ α h(z₂) + (1 − α) x

    with a trainable α that starts at zero: the network starts linear in its embedding, and deepens
    as α grows.
    """
    x = through(embedding, inputs)
    u, v = (through(encoder, x) for encoder in encoders)
    difference = keras.layers.Subtract(name="difference")([u, v])
    for k in range(len(hidden) // 3):
        *gates, third = hidden[3 * k : 3 * k + 3]
        z = x
        for j, layers in enumerate(gates):
            gated = keras.layers.Multiply(name=f"gate_{k}_{j}")([through(layers, z), difference])
            z = keras.layers.Add(name=f"gated_{k}_{j}")([v, gated])
        step = keras.layers.Subtract(name=f"step_{k}")([through(third, z), x])
        x = keras.layers.Add(name=f"block_{k}")(
            [x, TrainableSlope(start=0.0, name=f"alpha_{k}")(step)]
        )
    return keras.Model(inputs, last(x), name="piratenet")


def through(layers: Chain, x: Any) -> Any:
    """Return what a chain of layers makes of a tensor."""
    for layer in layers:
        x = layer(x)
    return x
