# pyright: strict, reportUnknownMemberType=false
"""The fast engine: one pass of jets through network and ansatz gives all named derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from pinn import jets
from pinn.derivatives.names import Symbol, plan

Trial: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""The trial solution: coordinates by name to fields by name, as tensors [n] or as jets."""


def evaluate(
    trial: Trial,
    symbols: Sequence[Symbol],
    points: Mapping[str, tf.Tensor],
    normals: Mapping[str, tf.Tensor],
    *,
    space: Sequence[str] | None = None,
    operator: Sequence[jets.Index] = (),
    coefficients: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """Return the values [n] of all derivatives, Laplacians and normal derivatives in the symbols.

    Args:
        trial: the trial solution.
        symbols: what to evaluate; coordinates and measurements are left out.
        points: the coordinates [n] by name.
        normals: the components [n] of the outward normal by space coordinate; empty away from a
            boundary.
        space: names of the coordinates of a Laplacian; None: all coordinates other than time.
        operator: the derivatives of a linear operator.  The result then holds its value for every
            field too, under `operator_name(field)`.
        coefficients: the coefficients [k] of the operator; None means ones.
    """
    if space is None:
        space = [c for c in points if c != "t"]
    variables = jets.coordinates(
        points, plan(symbols, space=space, operator=operator), coefficients
    )
    fields = trial(variables)
    like = next(iter(points.values()))
    values: dict[str, tf.Tensor] = {}
    if operator:
        for name, field in fields.items():
            values[operator_name(name)] = jets.component(field, jets.OPERATOR, like)
    for symbol in symbols:
        if symbol.kind == "derivative":
            values[symbol.name] = jets.component(fields[symbol.field], symbol.index, like)
        elif symbol.kind == "laplacian":
            values[symbol.name] = jets.component(fields[symbol.field], jets.OPERATOR, like)
        elif symbol.kind == "normal":
            field = fields[symbol.field]
            products = [normals[c] * jets.component(field, (c,), like) for c in normals]
            values[symbol.name] = tf.add_n(products)
    return values


def operator_name(field: str) -> str:
    """Return the name under which `evaluate` returns the operator's value for a field."""
    return f"Σ {field}"
