"""Errors against the reference: the one place that computes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from pinn import norms
from pinn.arrays import check_shapes
from pinn.objective import draw
from pinn.problem import Problem
from pinn.record import ErrorAt
from pinn.seeds import branch

Values = dict[str, Float[np.ndarray, " n"]]
"""Values [n] by name."""

Evaluate = Callable[[Float[np.ndarray, "n d"]], Values]
"""Points [n, d] -> the values [n] of the problem's functions by name."""

Gauges = dict[str, Float[np.ndarray, " k"]]
"""Coefficients [k] of `norms.gauge` by field."""


class Errors:
    """Errors of a trial solution at fixed test points, where a problem has a reference.

    Args:
        problem: where the test points are drawn.
        count: number of test points.
        seed: of the run.
        truth: the problem whose reference is meant; None: `problem`.

    Attributes:
        points: the test points [n, d]; parameters of the problem have the values of their grids.
        truth: the reference at the test points, derived quantities included; None without one.
    """

    def __init__(
        self, problem: Problem, count: int, *, seed: int, truth: Problem | None = None
    ) -> None:
        self.problem = problem
        stream = branch(seed, "test points")
        points = draw(problem, "interior", count, method="uniform", seed=stream)
        self.points = problem.on_grid(points.coordinates)
        # The reference belongs to the true coefficients, which the problem's own attributes hold.
        reference = (truth or problem).reference_at(self.points)
        self.truth = reference and problem.with_derived(reference, self.points)

    @check_shapes
    def predictions(self, evaluate: Evaluate) -> Values:
        """Return functions and derived quantities at the test points, with their gauges applied."""
        values = dict(evaluate(self.points))
        for name, series in self._gauges(values).items():
            values[name] = values[name] + gauge_values(self.problem, series, self.points)
        return self.problem.with_derived(values, self.points)

    @check_shapes
    def gauges(self, evaluate: Evaluate) -> Gauges:
        """Return `norms.gauge` of every field with a gauge; empty without a reference."""
        return self._gauges(evaluate(self.points)) if self.problem.gauge else {}

    def _gauges(self, values: Values) -> Gauges:
        gauges: Gauges = {}
        if self.truth is not None:
            times = scaled_times(self.problem, self.points)
            for name in self.problem.gauge:
                gauges[name] = norms.gauge(values[name], self.truth[name], times)
        return gauges

    def relative_l2(self, evaluate: Evaluate) -> dict[str, float]:
        """Return the relative L2 error by field and derived quantity; empty without a reference."""
        return self._compare(norms.relative_l2, evaluate)

    def max_error(self, evaluate: Evaluate) -> dict[str, float]:
        """Return the largest error by field and derived quantity; empty without a reference."""
        return self._compare(norms.max_error, evaluate)

    def by_parameter(self, evaluate: Evaluate) -> dict[str, list[ErrorAt]]:
        """Return the relative L2 errors at each value of a parameter's grid, by parameter."""
        found: dict[str, list[ErrorAt]] = {}
        if self.truth is None or not self.problem.parameters:
            return found
        predictions = self.predictions(evaluate)
        for parameter in self.problem.parameters:
            column = self.points[:, self.problem.coordinates.index(parameter)]
            found[parameter] = []
            for value in np.unique(column):
                rows = column == value
                errors = {}
                for name, predicted in predictions.items():
                    errors[name] = norms.relative_l2(predicted[rows], self.truth[name][rows])
                found[parameter].append(ErrorAt(value=float(value), relative_l2=errors))
        return found

    def _compare(
        self, norm: Callable[[np.ndarray, np.ndarray], float], evaluate: Evaluate
    ) -> dict[str, float]:
        if self.truth is None:
            return {}
        predictions = self.predictions(evaluate)
        return {name: norm(value, self.truth[name]) for name, value in predictions.items()}


def gauge_values(
    problem: Problem, series: ArrayLike, points: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " n"] | float:
    """Return what is added to a field with a gauge at points [n, d]: a number, or values [n].

    Args:
        problem: the problem.
        series: the constant, or Chebyshev coefficients of the function of time.
        points: the points [n, d].
    """
    coefficients = np.ravel(series)
    times = scaled_times(problem, points)
    if times is None:
        return float(coefficients[0])
    return np.polynomial.chebyshev.chebval(times, coefficients)


@check_shapes
def scaled_times(
    problem: Problem, points: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " n"] | None:
    """Return the times of points [n, d] scaled to [-1, 1]; None for a steady problem."""
    if problem.time is None:
        return None
    begin, end = problem.time
    return (2 * points[:, -1] - begin - end) / (end - begin)
