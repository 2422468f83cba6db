"""The slow engine: one GradientTape inside another.  Obviously right, for any Keras model; the oracle in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from pinn.derivatives.names import Symbol
from pinn.derivatives.taylor import Trial

Function = Callable[[dict[str, tf.Tensor]], tf.Tensor]


def evaluate(
    trial: Trial,
    symbols: Sequence[Symbol],
    points: Mapping[str, tf.Tensor],
    normals: Mapping[str, tf.Tensor],
) -> dict[str, tf.Tensor]:
    """Return what `taylor.evaluate` returns, by nested reverse mode."""
    at = dict(points)
    space = list(normals) or [c for c in at if c != "t"]
    found: dict[str, tf.Tensor] = {}
    for s in symbols:
        if s.kind == "derivative":
            found[s.name] = _differentiated(_field(trial, s.field), s.index)(at)
        elif s.kind == "laplacian":
            found[s.name] = tf.add_n(
                [_differentiated(_field(trial, s.field), (c, c))(at) for c in space]
            )
        elif s.kind == "normal":
            terms = [
                normals[c] * _differentiated(_field(trial, s.field), (c,))(at) for c in normals
            ]
            found[s.name] = tf.add_n(terms)
    return found


def _field(trial: Trial, name: str) -> Function:
    def value(at: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.zeros_like(next(iter(at.values()))) + trial(at)[name]

    return value


def _differentiated(function: Function, index: Sequence[str]) -> Function:
    for coordinate in index:
        function = _derivative(function, coordinate)
    return function


def _derivative(function: Function, coordinate: str) -> Function:
    def derivative(at: dict[str, tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(at[coordinate])
            value = function(at)
        # Point i's value depends on point i alone, so the gradient of the sum holds every point's
        # derivative.
        found: Any = tape.gradient(
            value, at[coordinate], unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return found

    return derivative
