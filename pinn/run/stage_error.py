"""What is estimated to be missing of a stage's solution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pinn import norms
from pinn.run.errors import Values, gauge_values, scaled_times
from pinn.run.stage_run import FIRST_DRAW, StageRun

TINY = np.finfo(float).tiny
HIDDEN = 0.5  # of the error per residual that a correction removed, which the rest may hide


class StageError:
    """What a step of a stage's vector would change of its solution, to first order.

    Args:
        stage_run: the stage.
        theta: its vector [p].
        step: the change of the vector [p].
    """

    def __init__(self, stage_run: StageRun, theta: tf.Tensor, step: np.ndarray) -> None:
        self.stage_run = stage_run
        self.theta = theta
        self.step = step
        self.problem = stage_run.stage.problem

    def values(self, points: np.ndarray) -> Values:
        """Return the functions [n] at points [n, d], by name."""
        return self.stage_run.functions(self.theta)(points)

    def along(self, step: np.ndarray, points: np.ndarray) -> Values:
        """Return the changes of the functions [n] at points [n, d] for a change of the vector."""
        return self._slope(self.problem.functions, step, points)

    def better(self, names: Sequence[str], points: np.ndarray) -> Values:
        """Return named functions and derivatives [n] at points [n, d] after the step."""
        values = self.stage_run.evaluate(self.theta, names, points)
        missing = self._slope(names, self.step, points)
        return {name: values[name] + missing[name] for name in values}

    def missing(self, points: np.ndarray) -> Values:
        """Return what the step changes of the functions [n] at points [n, d], by name.

        Derived quantities are among them.  Of a field that is determined up to a constant or a
        function of time, that is left out.
        """
        return self.changed(self.values(points), self.along(self.step, points), points)

    def hidden(self, points: np.ndarray) -> Values:
        """Return an error [n] that the residuals may hide at points [n, d], by name.

        A correction removed an error of known size, and residuals of known size with it.  The
        residuals that remain are taken to hide at least half as much, per residual, of what no
        change of the network can express.  Empty where there was no correction.
        """
        center = self.stage_run.parameters.center
        if center is None:
            return {}
        batch = self.stage_run.draws.held_out(FIRST_DRAW)
        objective = self.stage_run.objective
        before, after = (float(objective.value(t, batch)) for t in (center, self.theta))
        share = HIDDEN * np.sqrt(after / max(before, TINY))
        first = self.stage_run.functions(center)(points)
        last = self.values(points)
        removed = self.changed(first, {name: last[name] - first[name] for name in first}, points)
        return {name: share * change for name, change in removed.items()}

    def changed(self, values: Values, change: Values, points: np.ndarray) -> Values:
        """Return by how much functions [n] change where the fields do, by name.

        Derived quantities are among them.  Of a field that is determined up to a constant or a
        function of time, that is left out.

        Args:
            values: the functions [n] at the points, by name.
            change: by how much the fields change [n], by name.
            points: the points [n, d].
        """
        change = dict(change)
        times = scaled_times(self.problem, points)
        for name in self.problem.gauge:
            series = norms.gauge(change[name], np.zeros_like(change[name]), times)
            change[name] = change[name] + gauge_values(self.problem, series, points)
        better = {name: values[name] + change[name] for name in values}
        plain = self.problem.with_derived(values, points)
        improved = self.problem.with_derived(better, points)
        return {name: improved[name] - plain[name] for name in plain}

    def _slope(self, names: Sequence[str], step: np.ndarray, points: np.ndarray) -> Values:
        direction = tf.constant(step, self.theta.dtype)
        evaluator = self.stage_run.programs.evaluator(names)
        return evaluator.slope(self.theta, direction, points, self.stage_run.parameters)
