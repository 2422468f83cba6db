"""Free boundaries: points whose coordinates are the values of unknown fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from pinn.derivatives import Symbol, Trial
from pinn.problem import Problem, free_coordinates


def follow(
    problem: Problem,
    region: str,
    coordinates: Mapping[str, tf.Tensor],
    *,
    trial: Trial,
    engine: Any,
) -> dict[str, tf.Tensor]:
    """Return the coordinates [n] of a region's points where its free boundary is at present.

    In a region x = s(t), the unknown field s is evaluated at the points' other coordinates, and its
    values take the place of x.  Gradients of residuals pass through them.

    Args:
        problem: the problem.
        region: the region.
        coordinates: the points as they were drawn, by coordinate.
        trial: the trial solution, which has the unknown fields.
        engine: the derivative engine.
    """
    free = free_coordinates(problem, region)
    if not free:
        return dict(coordinates)
    symbols = [Symbol(name, "derivative", name) for name in free.values()]
    values = engine.evaluate(trial, symbols, coordinates, {})
    return {**coordinates, **{c: values[name] for c, name in free.items()}}
