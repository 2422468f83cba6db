"""How residuals depend on the fields and derivatives that they take, at a solution."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.objective import Objective
from pinn.objective.method_checks import residual_value
from pinn.problem import Term
from pinn.problem.materials import at_points
from pinn.run.stage_run import EvaluateNames


def slopes(
    objective: Objective,
    theta: tf.Tensor,
    evaluate: EvaluateNames,
    term: Term,
    points: Array,
) -> dict[str, Array]:
    """Return the derivatives [n] of a residual by what it takes at points [n, d], by name.

    They have the units of the residual over those of the parameter; coordinates are left out.

    Args:
        objective: the loss.
        theta: the vector [p].
        evaluate: (names, points [n, d]) -> values [n] by name, of the solution.
        term: the term of the residual, whose parameters are all local.
        points: the points.
    """
    dtype = objective.dtype
    names = [s.name for s in term.symbols if s.kind != "coordinate"]
    columns = dict(zip(objective.problem.coordinates, points.T, strict=True))
    known = {**columns, **evaluate(names, points)}
    arguments: dict[str, tf.Tensor] = {}
    for symbol in term.symbols:
        arguments[symbol.name] = tf.constant(known[symbol.name], dtype)
    watched = {name: arguments[name] for name in names}
    tensors = objective.flat.partition(theta)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        problem = at_points(objective.bound(tensors), points)
        total = tf.reduce_sum(residual_value(problem, term, list(arguments.values()), dtype))
    found = tape.gradient(total, watched, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return {name: np.asarray(slope, float) for name, slope in found.items()}
