"""The error of a run's solution, estimated without a reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path

import numpy as np
import tensorflow as tf

from pinn import norms
from pinn.objective import Batch, MeasuredFit, seen_again, unseen_jacobian
from pinn.objective.standard_errors import coefficient_slopes
from pinn.optimizers.gauss_newton_svd import RESOLVED, Decomposition
from pinn.problem import Problem
from pinn.run.errors import Values, gauge_values, scaled_times
from pinn.run.open_directions import OpenDirections
from pinn.run.stage_error import StageError, handed_over, hidden_changes, rms_of
from pinn.run.stage_run import StageRun
from pinn.run.stage_runs import StageRuns
from pinn.run.windows import in_windows
from pinn.setup.setup import FEWEST
from pinn.training.progress import Progress
from pinn.uncertainty import Posterior, Tell
from pinn.unknowns import ScaledUnknown

# Smaller singular values ask for steps so long that they say nothing of a network, unless it is
# linearized.
VALID = 1e-11
VANISHING = 0.01  # of its typical size: what is smaller is measured by that
PLACES = 200  # at which functions may change along open directions, and with noise
DRAWS = 32  # of noise in measurements: they give standard deviations to an eighth
LARGE = 0.05  # the relative error from which on a run says so


class ErrorEstimate:
    """What a Gauss–Newton step on points that no training used would change.

    In windows of time, every window has a step of its own, which starts from what is missing at the
    end of the window before.

    Args:
        stage_errors: what is missing of the stage whose solution is meant; in windows, of all of
            them in order.
        edges: where all windows but the last end.
        jacobian: the decomposition of the residuals' Jacobian at such points, of the last stage.
        batch: the points and weights of its loss.
        fresh: batches of other such points.
        whole: the problem over all windows.

    Attributes:
        stage_run: the last stage.
        jacobian: as given; it also tells what the equations leave open.
        posterior: draws of its vector; None: noise moves it as the linearized fit says.
    """

    def __init__(
        self,
        stage_errors: Sequence[StageError],
        edges: Sequence[float],
        jacobian: Decomposition,
        batch: Batch,
        fresh: Iterator[Batch],
        whole: Problem,
    ) -> None:
        self._stage_errors, self._edges, self._whole = stage_errors, edges, whole
        self._last = stage_errors[-1]
        self.stage_run = self._last.stage_run
        self._squares = self.stage_run.programs.few_jacobians
        self.jacobian = jacobian
        self._batch = batch
        self._fresh = fresh
        self._problem = self._last.problem
        self.posterior: Posterior | None = None

    def __call__(self, points: np.ndarray) -> tuple[Values, Values]:
        """Return the functions [n], and what is estimated to be missing of them [n], by name.

        Derived quantities are among them.  Of a field that is determined up to a constant or a
        function of time, that is left out.

        Args:
            points: the points [n, d].
        """
        values = self._of_stages(points, lambda stage, inside: stage.values(inside))
        missing = self._of_stages(points, lambda stage, inside: stage.missing(inside))
        return self._whole.with_derived(values, points), missing

    def relative(self, points: np.ndarray) -> dict[str, float]:
        """Return the estimated relative errors, dimensionless, by function and unknown.

        Those of functions are L2 errors over points [n, d].
        """
        values, missing = self(points)
        found = self._relative(values, missing, points)
        hidden = self._of_stages(points, lambda stage, inside: stage.spread(inside))
        others = [self._relative(values, hidden, points), self._of_noise()]
        for name, size in chain.from_iterable(other.items() for other in others):
            found[name] = math.hypot(found[name], size)
        return {**found, **self._of_unknowns()}

    def _of_stages(
        self, points: np.ndarray, ask: Callable[[StageError, np.ndarray], Values]
    ) -> Values:
        """Return what every stage says [n] of the points [n, d] in its window, by name."""
        stages = self._stage_errors
        return in_windows(self._edges, points, lambda number, inside: ask(stages[number], inside))

    def _relative(self, values: Values, change: Values, points: np.ndarray) -> dict[str, float]:
        """Return the changes of functions [n] over their changed values, in L2, by name."""
        found: dict[str, float] = {}
        for name, value in values.items():
            truth = value + change[name]
            if name in self._whole.gauge:  # whose constant is no part of its size
                series = norms.gauge(truth, np.zeros_like(truth), scaled_times(self._whole, points))
                truth = truth + gauge_values(self._whole, series, points)
            found[name] = norms.relative_l2(truth - change[name], truth)
        return found

    def along(self, step: np.ndarray, points: np.ndarray) -> Values:
        """Return the changes of the functions [n] at points [n, d] for a change of the vector.

        The vector [p] is that of the last window, so that they are zero in the others.
        """

        def change(stage: StageError, inside: np.ndarray) -> Values:
            found = stage.along(step, inside)
            return found if stage is self._last else {n: np.zeros(len(inside)) for n in found}

        return self._of_stages(points, change)

    def standard_error(self, points: np.ndarray) -> Values:
        """Return the standard deviations [n] that noise in measurements gives functions, by name.

        Derived quantities are among them.

        Args:
            points: the points [n, d].
        """
        values = self._last.values(points)
        return self._spread(values, points, lambda step: self._last.along(step, points))

    @cached_property
    def open_directions(self) -> OpenDirections:
        """What the equations leave open."""
        points, values, slopes = self._places
        scales = self.stage_run.scales.fields
        functions = {}
        for name, value in values.items():
            slope = slopes[name]
            if name in self._problem.gauge:  # which is free on purpose
                basis = norms.gauge_basis(len(value), scaled_times(self._problem, points))
                free = np.linalg.pinv(basis)
                slope, value = slope - basis @ (free @ slope), value - basis @ (free @ value)
            functions[name] = slope / _size(value, scales[name].scale if name in scales else 0.0)
        searched = self.stage_run.objective.searched
        unknowns = {}
        for name, (value, slope) in self.coefficients().items():
            unknowns[name] = slope / _size_of_unknown(value, searched[name])
        left = math.hypot(*self.stage_run.left(self._last.theta).values())
        again = partial(seen_again, self._squares, self._last.theta, self._fresh)
        return OpenDirections(self.jacobian, functions, unknowns, left, again)

    @cached_property
    def _places(self) -> tuple[np.ndarray, Values, Values]:
        """Points [n, d], the functions there [n], and their derivatives [n, p] by the vector."""
        points = self.stage_run.places(PLACES)
        evaluator = self.stage_run.programs.evaluator(self._problem.functions)
        slopes = evaluator.jacobian(self._last.theta, points, self.stage_run.parameters)
        return points, self._last.values(points), slopes

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
        return rms_of(self._last.changed(values, change, points) for change in changes)

    def _drawn(self, posterior: Posterior, values: Values, points: np.ndarray) -> list[Values]:
        """Return the changes of functions [n] at points by every draw of the vector, by name."""
        dtype = self._last.theta.dtype
        changes: list[Values] = []
        for vector in posterior.draws:
            moved = self.stage_run.functions(tf.constant(vector, dtype))(points)
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
        return self._relative(self._whole.with_derived(values, points), spread, points)

    def coefficients(self) -> dict[str, tuple[float, np.ndarray]]:
        """Return the unknown coefficients, and their derivatives [p] by the vector, by name."""
        values = self._squares.objective.coefficients(self._last.theta)
        if not values:
            return {}
        slopes = np.diag(coefficient_slopes(self._squares, self._last.theta))
        rows = slopes[len(slopes) - len(values) :]
        return {name: (float(v), row) for (name, v), row in zip(values.items(), rows, strict=True)}

    @property
    def has_noise(self) -> bool:
        """Whether the problem has measurements, whose noise moves the solution."""
        return self.fit.has_measurements

    @cached_property
    def fit(self) -> MeasuredFit:
        """How the solution follows its measurements."""
        return MeasuredFit(self._squares, self._last.theta, self._batch)

    def _of_unknowns(self) -> dict[str, float]:
        """Return the estimated relative errors of the unknown coefficients, by name.

        What noise in measurements adds is the standard error.
        """
        searched = self._squares.objective.searched
        found: dict[str, float] = {}
        for name, (value, slope) in self.coefficients().items():
            truth = value + float(slope @ self._last.step)
            hidden = float(np.sqrt(np.mean((self._last.hidden @ slope) ** 2)))
            size = _size_of_unknown(truth, searched[name])
            found[name] = math.hypot(truth - value, hidden) / size
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

    There is none for several modes, of which each depends on all before; in single precision, which
    does not resolve the directions that matter; for many parameters; where no residual depends on
    any of them, as all units are saturated; and for runs that are trials or were interrupted.

    Args:
        stage_runs: all stages of the run.
        stage_run: the last one.
        progress: what the run has done.
        kept: the file that may hold draws of its vector, where the run has ended before; None: they
            are drawn, where the run asks for them.
        tell: called with lines on the progress of that.
    """
    setup = stage_runs.setup
    windowed = stage_runs.windowed(progress)
    is_trial = setup.decisive.stop.max_iterations < FEWEST
    if (
        progress.interrupted
        or is_trial
        or setup.modes > 1
        or stage_run.objective.dtype != "float64"
    ):
        return None
    earlier = _of_windows(stage_runs, progress) if windowed else []
    if earlier:
        stage_run = stage_runs.run(progress, last=earlier[-1].better)
    batches = stage_run.unseen(progress.best, draw=progress.draw, points=progress.points)
    found = _stage_error(stage_run, progress.best, batches, earlier)
    if found is None or len(earlier) < progress.stage * windowed:
        return None
    last, jacobian = found
    estimate = ErrorEstimate(
        [*earlier, last],
        stage_runs.edges(progress),
        jacobian,
        stage_run.batch(progress),
        batches,
        setup.problem,
    )
    if kept is None and setup.uncertainty is not None:
        estimate.posterior = setup.uncertainty.sample(estimate.fit, seed=setup.seed, tell=tell)
    elif kept is not None and kept.exists():
        estimate.posterior = Posterior.load(kept, size=stage_run.objective.flat.size)
    return estimate


def _of_windows(stage_runs: StageRuns, progress: Progress) -> list[StageError]:
    """Return what is missing of the windows before the present one, as far as it can be told.

    Every window continues the corrected end of the window before.
    """
    found: list[StageError] = []
    for number, theta in enumerate(stage_runs.vectors(progress)[:-1]):
        last = found[-1].better if found else None
        stage_run = stage_runs.run(replace(progress, stage=number), last=last)
        error = _stage_error(stage_run, theta, stage_run.unseen(theta), found)
        if error is None:
            break
        found.append(error[0])
    return found


def _stage_error(
    stage_run: StageRun,
    theta: tf.Tensor,
    batches: Iterator[Batch],
    earlier: Sequence[StageError],
) -> tuple[StageError, Decomposition] | None:
    """Return what is missing of a stage, and the Jacobian that says so; None where it says nothing.

    Args:
        stage_run: the stage.
        theta: its vector [p].
        batches: of points that no training used.
        earlier: what is missing of the windows before, whose hidden changes it continues.
    """
    changed = handed_over(stage_run, earlier[-1]) if earlier else None
    jacobian = unseen_jacobian(stage_run.programs.few_jacobians, theta, batches, changed)
    if jacobian is None or not jacobian.values[0] > 0:
        return None
    resolved = RESOLVED if stage_run.linearized else VALID
    hidden = hidden_changes(stage_run, theta, jacobian, resolved=resolved)
    if earlier:
        hidden = hidden + jacobian.responses(resolved)
    return StageError(stage_run, theta, jacobian.step(resolved), hidden), jacobian


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
