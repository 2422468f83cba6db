"""The fast engine: one Taylor sweep through network and ansatz gives every derivative that is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from pinn import jets
from pinn.derivatives.names import Symbol, plan

Trial = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""The trial solution: coordinates by name to fields by name; takes tensors [n] as well as jets."""


def evaluate(
    trial: Trial,
    symbols: Sequence[Symbol],
    points: Mapping[str, tf.Tensor],
    normals: Mapping[str, tf.Tensor],
    *,
    operator: Sequence[jets.Index] = (),
    coefficients: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """Return the value [n] of every derivative, Laplacian and normal derivative among the symbols.

    `points` holds the coordinates [n] by name, space before time; `normals` the outward normal's
    components [n] by space coordinate, empty away from a boundary.  With an `operator` and its
    `coefficients` [k], the operator's value for every field is there too, under `operator_name(field)`.
    """
    space = list(normals) or [c for c in points if c != "t"]
    fields = trial(
        jets.coordinates(points, plan(symbols, space=space, operator=operator), coefficients)
    )
    like = next(iter(points.values()))
    found = (
        {operator_name(f): jets.component(v, jets.OPERATOR, like) for f, v in fields.items()}
        if operator
        else {}
    )
    for s in symbols:
        if s.kind == "derivative":
            found[s.name] = jets.component(fields[s.field], s.index, like)
        elif s.kind == "laplacian":
            found[s.name] = jets.component(fields[s.field], jets.OPERATOR, like)
        elif s.kind == "normal":
            found[s.name] = tf.add_n(
                [normals[c] * jets.component(fields[s.field], (c,), like) for c in normals]
            )
    return found


def operator_name(field: str) -> str:
    """Return the name under which the operator's value for a field is found."""
    return f"Σ {field}"
