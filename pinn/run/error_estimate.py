"""The error of a run's solution, estimated without a reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from pinn import norms
from pinn.objective import Batch, LeastSquares, MeasuredFit, draw, seen_again, unseen_jacobian
from pinn.objective.standard_errors import coefficient_slopes
from pinn.optimizers.gauss_newton_svd import RESOLVED, Decomposition
from pinn.run.errors import Values, gauge_values, scaled_times
from pinn.run.open_directions import OpenDirections
from pinn.run.stage_run import FIRST_DRAW, StageRun
from pinn.run.stage_runs import StageRuns
from pinn.setup.setup import FEWEST
from pinn.training.progress import Progress
from pinn.uncertainty import Posterior, Tell
from pinn.unknowns import ScaledUnknown

# Smaller singular values ask for steps so long that they say nothing of a network, unless it is
# linearized.
VALID = 1e-11
TINY = np.finfo(float).tiny
HIDDEN = 0.5  # of the error per residual that a correction removed, which the rest may hide
VANISHING = 0.01  # of its typical size: what is smaller is measured by that
PLACES = 200  # at which functions may change along open directions, and with noise
DRAWS = 32  # of noise in measurements: they give standard deviations to an eighth
LARGE = 0.05  # the relative error from which on a run says so


class ErrorEstimate:
    """What a Gauss–Newton step on points that no training used would change.

    Its `jacobian` also tells what the equations leave open.

    Args:
        stage_run: the stage whose solution is meant.
        theta: its vector [p].
        jacobian: the decomposition of its residuals' Jacobian at such points.
        squares: its loss as a sum of squares.
        batch: the points and weights of its loss.
        fresh: batches of other such points.

    Attributes:
        posterior: draws of its vector; None: noise moves it as the linearized fit says.
    """

    def __init__(
        self,
        stage_run: StageRun,
        theta: tf.Tensor,
        jacobian: Decomposition,
        squares: LeastSquares,
        batch: Batch,
        fresh: Iterator[Batch],
    ) -> None:
        self.stage_run = stage_run
        self._squares = squares
        self.theta = theta
        self.jacobian = jacobian
        self.batch = batch
        self._fresh = fresh
        self.posterior: Posterior | None = None
        resolved = RESOLVED if stage_run.linearized else VALID
        self.step = jacobian.step(resolved)
        self.problem = stage_run.stage.problem
        self._evaluator = stage_run.programs.evaluator(self.problem.functions)

    def __call__(self, points: np.ndarray) -> tuple[Values, Values]:
        """Return the functions [n], and what is estimated to be missing of them [n], by name.

        Derived quantities are among them.  Of a field that is determined up to a constant or a
        function of time, that is left out.

        Args:
            points: the points [n, d].
        """
        parameters = self.stage_run.parameters
        values = self._evaluator(self.theta, points, parameters)
        return self._changed(values, self.along(self.step, points), points)

    def relative(self, points: np.ndarray) -> dict[str, float]:
        """Return the estimated relative errors, dimensionless, by function and unknown.

        Those of functions are L2 errors over points [n, d].  A correction removed an error of known
        size, and residuals of known size with it.  The residuals that remain are taken to hide at
        least half as much, per residual, of what no change of the network can express.
        """
        values, missing = self(points)
        found = self._relative(values, missing, points)
        center = self.stage_run.parameters.center
        if center is not None and found:
            batch = self.stage_run.draws.held_out(FIRST_DRAW)
            objective = self.stage_run.objective
            before, after = (float(objective.value(t, batch)) for t in (center, self.theta))
            first = self._evaluator(center, points, self.stage_run.parameters)
            removed = self._changed(first, {n: values[n] - first[n] for n in first}, points)
            for name, size in self._relative(*removed, points).items():
                found[name] = max(found[name], HIDDEN * size * np.sqrt(after / max(before, TINY)))
        for name, size in self._of_noise().items():
            found[name] = math.hypot(found[name], size)
        return {**found, **self._of_unknowns()}

    def _changed(self, values: Values, change: Values, points: np.ndarray) -> tuple[Values, Values]:
        """Return functions [n], and by how much they change [n] where the fields do, by name.

        Derived quantities are among them.  Of a field that is determined up to a constant or a
        function of time, that is left out of the change.
        """
        change = dict(change)
        times = scaled_times(self.problem, points)
        for name in self.problem.gauge:
            series = norms.gauge(change[name], np.zeros_like(change[name]), times)
            change[name] = change[name] + gauge_values(self.problem, series, points)
        better = {name: values[name] + change[name] for name in values}
        plain = self.problem.with_derived(values, points)
        improved = self.problem.with_derived(better, points)
        return plain, {name: improved[name] - plain[name] for name in plain}

    def _relative(self, values: Values, change: Values, points: np.ndarray) -> dict[str, float]:
        """Return the changes of functions [n] over their changed values, in L2, by name."""
        found: dict[str, float] = {}
        for name, value in values.items():
            truth = value + change[name]
            if name in self.problem.gauge:  # whose constant is no part of its size
                series = norms.gauge(
                    truth, np.zeros_like(truth), scaled_times(self.problem, points)
                )
                truth = truth + gauge_values(self.problem, series, points)
            found[name] = norms.relative_l2(truth - change[name], truth)
        return found

    def along(self, step: np.ndarray, points: np.ndarray) -> Values:
        """Return the changes of the functions [n] at points [n, d] for a change of the vector."""
        direction = tf.constant(step, self.theta.dtype)
        return self._evaluator.slope(self.theta, direction, points, self.stage_run.parameters)

    def standard_error(self, points: np.ndarray) -> Values:
        """Return the standard deviations [n] that noise in measurements gives functions, by name.

        Derived quantities are among them.

        Args:
            points: the points [n, d].
        """
        values = self._evaluator(self.theta, points, self.stage_run.parameters)
        return self._spread(values, points, lambda step: self.along(step, points))

    @cached_property
    def open_directions(self) -> OpenDirections:
        """What the equations leave open."""
        points, values, slopes = self._places
        scales = self.stage_run.scales.fields
        functions = {}
        for name, value in values.items():
            slope = slopes[name]
            if name in self.problem.gauge:  # which is free on purpose
                basis = norms.gauge_basis(len(value), scaled_times(self.problem, points))
                free = np.linalg.pinv(basis)
                slope, value = slope - basis @ (free @ slope), value - basis @ (free @ value)
            functions[name] = slope / _size(value, scales[name].scale if name in scales else 0.0)
        searched = self.stage_run.objective.searched
        unknowns = {}
        for name, (value, slope) in self.coefficients().items():
            unknowns[name] = slope / _size_of_unknown(value, searched[name])
        left = math.hypot(*self.stage_run.left(self.theta).values())
        again = partial(seen_again, self._squares, self.theta, self._fresh)
        return OpenDirections(self.jacobian, functions, unknowns, left, again)

    @cached_property
    def _places(self) -> tuple[np.ndarray, Values, Values]:
        """Points [n, d], the functions there [n], and their derivatives [n, p] by the vector."""
        drawn = draw(self.problem, "interior", PLACES, method="uniform", seed=PLACES)
        points = self.problem.on_grid(drawn.coordinates)
        parameters = self.stage_run.parameters
        values = self._evaluator(self.theta, points, parameters)
        return points, values, self._evaluator.jacobian(self.theta, points, parameters)

    def _spread(
        self, values: Values, points: np.ndarray, along: Callable[[np.ndarray], Values]
    ) -> Values:
        """Return the rms [n] of what noise makes of functions at points, by name.

        Args:
            values: the functions without it [n], by name.
            points: the points [n, d].
            along: from a change of the vector [p] to that of the functions [n].
        """
        if self.posterior is None:
            changes = [along(step) for step in self.fit.draws(DRAWS)]
        else:
            changes = self._drawn(self.posterior, values, points)
        squares: dict[str, np.ndarray] = {}
        for change in changes:
            for name, moved in self._changed(values, change, points)[1].items():
                squares[name] = squares.get(name, 0.0) + moved**2 / len(changes)
        return {name: np.sqrt(square) for name, square in squares.items()}

    def _drawn(self, posterior: Posterior, values: Values, points: np.ndarray) -> list[Values]:
        """Return the changes of functions [n] at points by every draw of the vector, by name."""
        parameters = self.stage_run.parameters
        changes: list[Values] = []
        for vector in posterior.draws:
            moved = self._evaluator(tf.constant(vector, self.theta.dtype), points, parameters)
            changes.append({name: moved[name] - value for name, value in values.items()})
        return changes

    def _of_noise(self) -> dict[str, float]:
        """Return the relative errors that noise in measurements gives functions, in L2, by name."""
        if not self.has_noise:
            return {}
        points, values, slopes = self._places

        def along(step: np.ndarray) -> Values:
            return {name: slope @ step for name, slope in slopes.items()}

        spread = self._spread(values, points, along)
        return self._relative(self.problem.with_derived(values, points), spread, points)

    def coefficients(self) -> dict[str, tuple[float, np.ndarray]]:
        """Return the unknown coefficients, and their derivatives [p] by the vector, by name."""
        values = self._squares.objective.coefficients(self.theta)
        if not values:
            return {}
        slopes = np.diag(coefficient_slopes(self._squares, self.theta))
        rows = slopes[len(slopes) - len(values) :]
        return {name: (float(v), row) for (name, v), row in zip(values.items(), rows, strict=True)}

    @property
    def has_noise(self) -> bool:
        """Whether the problem has measurements, whose noise moves the solution."""
        return self.fit.has_measurements

    @cached_property
    def fit(self) -> MeasuredFit:
        """How the solution follows its measurements."""
        return MeasuredFit(self._squares, self.theta, self.batch)

    def _of_unknowns(self) -> dict[str, float]:
        """Return the estimated relative errors of the unknown coefficients, by name.

        What noise in measurements adds is the standard error.
        """
        searched = self._squares.objective.searched
        found: dict[str, float] = {}
        for name, (value, slope) in self.coefficients().items():
            truth = value + float(slope @ self.step)
            found[name] = abs(truth - value) / _size_of_unknown(truth, searched[name])
        return found


def error_estimate(
    stage_runs: StageRuns,
    stage_run: StageRun,
    progress: Progress,
    *,
    kept: Path | None = None,
    tell: Tell | None = None,
) -> ErrorEstimate | None:
    """Return the estimated error of a run; None where there is no estimate.

    There is none in windows of time and for several modes, whose errors add up; in single
    precision, which does not resolve the directions that matter; for many parameters; where no
    residual depends on any of them, as all units are saturated; and for runs that are trials or
    were interrupted.

    Args:
        stage_runs: all stages of the run.
        stage_run: the last one.
        progress: what the run has done.
        kept: the file that may hold draws of its vector, where the run has ended before; None: they
            are drawn, where the run asks for them.
        tell: called with lines on the progress of that.
    """
    setup = stage_runs.setup
    is_trial = setup.decisive.stop.max_iterations < FEWEST
    one = not stage_runs.windowed(progress) and setup.modes == 1
    if progress.interrupted or is_trial or not one or stage_run.objective.dtype != "float64":
        return None
    squares = stage_run.programs.few_jacobians
    batches = stage_run.unseen(progress)
    jacobian = unseen_jacobian(squares, progress.best, batches)
    if jacobian is None or not jacobian.values[0] > 0:
        return None
    batch = stage_run.batch(progress)
    estimate = ErrorEstimate(stage_run, progress.best, jacobian, squares, batch, batches)
    if kept is None and setup.uncertainty is not None:
        estimate.posterior = setup.uncertainty.sample(estimate.fit, seed=setup.seed, tell=tell)
    elif kept is not None and kept.exists():
        estimate.posterior = Posterior.load(kept, size=stage_run.objective.flat.size)
    return estimate


def _size(values: np.ndarray, typical: float) -> float:
    """Return the rms of values [n], or their typical size where they vanish."""
    rms = float(np.sqrt(np.mean(values**2)))
    return (rms if rms > VANISHING * typical else typical) or 1.0


def _size_of_unknown(value: float, searched: ScaledUnknown) -> float:
    """Return by what a change of a coefficient is measured."""
    never_zero = (searched.lower == 0) != (searched.upper == 0)
    return abs(value) if value and never_zero else _size(np.array([value]), searched.size)


def large_errors(estimated: Mapping[str, float]) -> list[str]:
    """Return one line on the functions and coefficients whose estimated error is large."""
    large = {name: error for name, error in estimated.items() if not error <= LARGE}
    if not large:
        return []
    told = [f"{name} {100 * error:.2g} %" for name, error in large.items()]
    return [f"estimated relative errors are large: {', '.join(told)}"]
