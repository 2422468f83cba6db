"""What is looked at before a run begins: the methods that its end needs, and its first loss."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.objective import Batch, Objective, draw
from pinn.problem import Problem

POINTS = 3  # more than one, so that arrays are taken for arrays


def rehearse(problem: Problem) -> None:
    """Call `reference`, `derived` and `reference_error` once, so that none fails after training.

    A solver's error is kept by its cache, and costs nothing the second time.

    Raises:
        InputError: for a method that fails, or returns what it should not.
    """
    points = problem.on_grid(draw(problem, "interior", POINTS).coordinates)
    values = problem.reference_at(points)
    if values is None:
        rng = np.random.default_rng(0)
        values = {name: rng.standard_normal(POINTS) for name in problem.functions}
    problem.with_derived(values, points)
    problem.checked_reference_error()


def explain_not_finite(objective: Objective, theta: tf.Tensor, batch: Batch) -> None:
    """Raise an InputError that names the residual which is not finite."""
    problem = type(objective.problem).__name__
    losses = objective.losses(theta, batch).numpy()
    for term, loss in zip(objective.terms, losses, strict=True):
        if not math.isfinite(loss):
            raise InputError(
                f"{problem}.{term.name}: the residual is {loss} at the start on region "
                f"{term.region!r}; look for a division by zero, or a root or logarithm of a "
                f"negative number."
            )
