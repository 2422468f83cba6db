"""The methods that a run needs at its end, called before it begins."""

from __future__ import annotations

import numpy as np

from pinn.objective import draw
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
