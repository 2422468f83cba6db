# pyright: strict, reportUnknownMemberType=false
"""The slow engine: one gradient tape inside another.

It is obviously right and works for any Keras model, so tests use it as the oracle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

import tensorflow as tf

from pinn.derivatives.names import Symbol
from pinn.derivatives.taylor import Trial

Function: TypeAlias = Callable[[dict[str, tf.Tensor]], tf.Tensor]
"""A field: coordinates [n] by name to values [n]."""


def evaluate(
    trial: Trial,
    symbols: Sequence[Symbol],
    points: Mapping[str, tf.Tensor],
    normals: Mapping[str, tf.Tensor],
    *,
    space: Sequence[str] | None = None,
) -> dict[str, tf.Tensor]:
    """Return what `taylor.evaluate` returns, by nested reverse mode."""
    coordinates = dict(points)
    if space is None:
        space = [c for c in coordinates if c != "t"]
    values: dict[str, tf.Tensor] = {}
    for symbol in symbols:
        field = _field(trial, symbol.field)
        if symbol.kind == "derivative":
            values[symbol.name] = _differentiate(field, symbol.index)(coordinates)
        elif symbol.kind == "laplacian":
            second = [_differentiate(field, (c, c))(coordinates) for c in space]
            values[symbol.name] = tf.add_n(second)
        elif symbol.kind == "normal":
            products = [normals[c] * _differentiate(field, (c,))(coordinates) for c in normals]
            values[symbol.name] = tf.add_n(products)
    return values


def _field(trial: Trial, name: str) -> Function:
    def value(coordinates: dict[str, tf.Tensor]) -> tf.Tensor:
        # The zeros give a constant field the shape of the points.
        zeros = tf.zeros_like(next(iter(coordinates.values())))
        return zeros + trial(coordinates)[name]

    return value


def _differentiate(function: Function, index: Sequence[str]) -> Function:
    for coordinate in index:
        function = _derivative(function, coordinate)
    return function


def _derivative(function: Function, coordinate: str) -> Function:
    def derivative(coordinates: dict[str, tf.Tensor]) -> tf.Tensor:
        variable = coordinates[coordinate]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variable)
            value = function(coordinates)
        # The value at a point depends on that point alone.  So the gradient of the sum over all
        # points holds the derivative at each point.
        zero = tf.UnconnectedGradients.ZERO
        return cast(tf.Tensor, tape.gradient(value, variable, unconnected_gradients=zero))

    return derivative
