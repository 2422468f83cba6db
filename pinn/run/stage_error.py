"""What is estimated to be missing of a stage's solution."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import tensorflow as tf

from pinn import norms
from pinn.objective import Batch
from pinn.optimizers.gauss_newton_svd import Decomposition
from pinn.run.errors import Values, gauge_values, scaled_times
from pinn.run.stage_run import FIRST_DRAW, StageRun
from pinn.setup.stages import handover

TINY = np.finfo(float).tiny
DRAWS = 16  # of errors that no step sees: their rms is known to an eighth
PLACES = 200  # where the sizes of such errors are compared
SHARE = 0.5  # of the error per residual that a correction removed, which the rest may hide


class StageError:
    """What is missing of a stage's solution, to first order.

    Args:
        stage_run: the stage.
        theta: its vector [p].
        step: the change of the vector [p] that the residuals ask for.
        hidden: changes of the vector [n, p] that they do not see, drawn at random.
    """

    def __init__(
        self, stage_run: StageRun, theta: tf.Tensor, step: np.ndarray, hidden: np.ndarray
    ) -> None:
        self.stage_run = stage_run
        self.theta = theta
        self.step = step
        self.hidden = hidden
        self.problem = stage_run.stage.problem

    def values(self, points: np.ndarray) -> Values:
        """Return the functions [n] at points [n, d], by name."""
        return self.stage_run.functions(self.theta)(points)

    def along(self, step: np.ndarray, points: np.ndarray) -> Values:
        """Return the changes of the functions [n] at points [n, d] for a change of the vector."""
        return self.slope(self.problem.functions, step, points)

    def better(self, names: Sequence[str], points: np.ndarray) -> Values:
        """Return named functions and derivatives [n] at points [n, d] after the step."""
        values = self.stage_run.evaluate(self.theta, names, points)
        missing = self.slope(names, self.step, points)
        return {name: values[name] + missing[name] for name in values}

    def missing(self, points: np.ndarray) -> Values:
        """Return what the step changes of the functions [n] at points [n, d], by name.

        Derived quantities are among them.  Of a field that is determined up to a constant or a
        function of time, that is left out.
        """
        return self.changed(self.values(points), self.along(self.step, points), points)

    def spread(self, points: np.ndarray) -> Values:
        """Return the rms [n] of what hidden changes make of the functions at points [n, d]."""
        values = self.values(points)
        changes = (self.changed(values, self.along(h, points), points) for h in self.hidden)
        return rms_of(changes)

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

    def slope(self, names: Sequence[str], step: np.ndarray, points: np.ndarray) -> Values:
        """Return the changes of named functions and derivatives [n] for a change of the vector."""
        direction = tf.constant(step, self.theta.dtype)
        evaluator = self.stage_run.programs.evaluator(names)
        return evaluator.slope(self.theta, direction, points, self.stage_run.parameters)


def rms_of(changes: Iterable[Values]) -> Values:
    """Return the root mean square [n] of changes of functions [n], by name."""
    squares: dict[str, np.ndarray] = {}
    count = 0
    for change in changes:
        count += 1
        for name, moved in change.items():
            squares[name] = squares.get(name, 0.0) + moved**2
    return {name: np.sqrt(square / count) for name, square in squares.items()}


def handed_over(stage_run: StageRun, last: StageError) -> Callable[[Batch], list[Batch]]:
    """Return the function from a batch to those that continue hidden changes of the window before.

    Args:
        stage_run: the window.
        last: what is missing of the window before.
    """

    def batches(batch: Batch) -> list[Batch]:
        start = batch.points["initial"]
        better: Values = {}

        def drawn(names: Sequence[str], points: np.ndarray, *, change: np.ndarray) -> Values:
            if not better:  # the same for all changes
                better.update(last.better(names, points))
            moved = last.slope(names, change, points)
            for name, value in better.items():
                moved[name] = value + moved[name]
            return moved

        found: list[Batch] = []
        for change in last.hidden:
            continued = handover(stage_run.stage.problem, partial(drawn, change=change))
            values = {name: start.arrange(v) for name, v in continued(start.rows).items()}
            found.append(batch._replace(points={"initial": start._replace(values=values)}))
        return found

    return batches


def hidden_changes(
    stage_run: StageRun, theta: tf.Tensor, jacobian: Decomposition, *, resolved: float
) -> np.ndarray:
    """Return draws of the change of a vector [n, p] that residuals may hide.

    No change of the network reduces what is left of the residuals, r.  Its like, among the changes
    that the network has, is as large in each of p directions:

        d = |r|/√p J⁺ ξ,   ξ standard normal

    A correction gives another size.  It removed an error, and residuals with it; those that remain
    are taken to hold half as much error as these.  The size is the geometric mean of both.

    Args:
        stage_run: the stage.
        theta: its vector [p].
        jacobian: the decomposition of J on points that no training used.
        resolved: share of the largest singular value below which others do not count.
    """
    batch = stage_run.draws.held_out(FIRST_DRAW)
    equations, misfits = stage_run.weighted_losses(theta, batch)
    left = jacobian.left * equations / max(equations + misfits, TINY)
    rng = np.random.default_rng(0)
    whitened = jacobian.whitened(resolved)
    drawn = rng.standard_normal((DRAWS, whitened.shape[1])) @ whitened.T
    found = StageError(stage_run, theta, 0 * drawn[0], np.sqrt(left / len(theta)) * drawn)
    return found.hidden * _factor(found, batch)


def _factor(found: StageError, batch: Batch) -> float:
    """Return by what hidden changes are multiplied, from what a correction removed."""
    stage_run, theta, center = found.stage_run, found.theta, found.stage_run.parameters.center
    if center is None:
        return 1.0
    points = stage_run.places(PLACES)
    before, after = (sum(stage_run.weighted_losses(t, batch)) for t in (center, theta))
    share = SHARE * np.sqrt(after / max(before, TINY))
    first, last = stage_run.functions(center)(points), found.values(points)
    change = {name: first[name] - last[name] for name in last}
    removed = found.changed(last, change, points)
    logs = []
    for name, value in found.spread(points).items():
        size = share * np.linalg.norm(removed[name])
        if size > 0 and np.any(value):
            logs.append(np.log(size / np.linalg.norm(value)))
    return float(np.exp(np.mean(logs) / 2)) if logs else 1.0
