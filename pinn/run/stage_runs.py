"""The stages of a run: their losses, points and solutions, made from a setup."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf

from pinn.measurements import Measurements
from pinn.objective import (
    FIRST_STAGE,
    Batch,
    DataSets,
    Evaluator,
    LeastSquares,
    Objective,
    ResidualSize,
    StageParameters,
    TermDiagnostics,
)
from pinn.run.errors import Errors, Evaluate, Values
from pinn.setup.draws import Draws
from pinn.setup.points import FOLLOWED
from pinn.setup.setup import Setup
from pinn.setup.stages import Stage, handover
from pinn.training.progress import Progress
from pinn.weights import Weighting

EvaluateNames = Callable[[Sequence[str], np.ndarray], Values]
"""(names of functions and derivatives, points [n, d]) -> values [n] by name."""


class Programs:
    """An objective and the programs made of it, which all of its stages share.

    Nothing here changes from stage to stage, so that a stage compiles nothing that another stage
    has compiled.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.least_squares = LeastSquares(objective)
        self.diagnostics = TermDiagnostics(objective)
        self.residual_size = ResidualSize(objective, FOLLOWED)
        self._evaluators: dict[tuple[str, ...], Evaluator] = {}

    def evaluator(self, names: Sequence[str]) -> Evaluator:
        """Return the evaluator of named functions and derivatives."""
        key = tuple(names)
        if key not in self._evaluators:
            self._evaluators[key] = Evaluator(self.objective, key)
        return self._evaluators[key]


@dataclass(frozen=True)
class StageRun:
    """A stage with all that its phases need; a plain value.

    Attributes:
        stage: the stage.
        programs: its loss.
        parameters: what travels in its batches.
        draws: its points.
        weighting: its loss weights, where a scheme adapts them.
        errors: its errors against the reference.
    """

    stage: Stage
    programs: Programs
    parameters: StageParameters
    draws: Draws
    weighting: Weighting | None
    errors: Errors

    @property
    def objective(self) -> Objective:
        """The loss."""
        return self.programs.objective

    def evaluate(self, theta: tf.Tensor, names: Sequence[str], points: np.ndarray) -> Values:
        """Return named functions and derivatives [n] at points [n, d] for a vector [p]."""
        return self.programs.evaluator(names)(theta, points, self.parameters)

    def functions(self, theta: tf.Tensor) -> Evaluate:
        """Return the function from points [n, d] to the problem's functions by name."""
        return partial(self.evaluate, theta, self.objective.problem.functions)

    def batch(self, progress: Progress) -> Batch:
        """Return the batch that a progress has reached, with its weights."""
        batch = self.draws.batch(progress.draw, progress.points)
        if self.weighting is None:
            return batch
        return self.weighting.apply(batch, progress.weights)


class StageRuns:
    """The stages of a run in order.

    Every window of time has parameters of its own for one and the same network.  An ansatz that
    builds the initial condition in holds in the first window; in later windows the initial
    condition is the handover, a term of the loss.

    Args:
        setup: the definition of the run.
        found: its measurements, by region.

    Attributes:
        data: the points and values of the measurements, by region.
    """

    def __init__(self, setup: Setup, found: Mapping[str, Measurements]) -> None:
        self.setup = setup
        self.found = found
        self.data: DataSets = {region: measured.points for region, measured in found.items()}
        self._first = Programs(setup.objective(self.data))
        self._later = self._first
        if self.windowed and setup.hard and setup.starts_hard:
            self._later = Programs(setup.objective(self.data, later=True))

    @property
    def units(self) -> dict[str, Mapping[str, str]]:
        """The units that the measurements state, by region."""
        return {region: measured.units for region, measured in self.found.items()}

    def __len__(self) -> int:
        return len(self.setup.stages)

    @property
    def windowed(self) -> bool:
        """Whether the stages are windows of time."""
        return self.setup.windows > 1

    def programs(self, number: int) -> Programs:
        """Return the loss of a stage."""
        return self._later if number else self._first

    def parameters(self, number: int) -> StageParameters:
        """Return what travels in the batches of a stage."""
        stage = self.setup.stages[number]
        dtype = self.programs(number).objective.dtype
        coefficients = self.setup.coefficients(stage.problem, dtype)
        offset = tf.constant(stage.time_offset, dtype) if self.windowed else None
        if not coefficients and offset is None:
            return FIRST_STAGE
        return StageParameters(coefficients, offset)

    def run(self, number: int, ends: Mapping[str, np.ndarray]) -> StageRun:
        """Return a stage, by its number.

        Args:
            number: of the stage, from 0.
            ends: the vectors [p] that the stages before it ended with, by number.
        """
        setup = self.setup
        stage = setup.stages[number]
        programs = self.programs(number)
        objective = programs.objective
        parameters = self.parameters(number)
        initial = None
        if self.windowed:
            last = partial(self._evaluate, number - 1, ends) if number else None
            initial = handover(stage.problem, last)
        draws = Draws(
            setup.points,
            objective,
            self.data,
            seed=setup.seed,
            problem=stage.problem,
            parameters=parameters,
            handover=initial,
            size=programs.residual_size,
        )
        weighting = None
        if setup.scheme is not None:
            weighting = Weighting(
                setup.scheme,
                objective,
                problem=stage.problem,
                diagnostics=programs.diagnostics,
                seed=setup.seed,
            )
        # A window's errors are those in its interval, a continuation's those of the problem itself.
        errors = Errors(
            stage.problem if self.windowed else setup.problem,
            setup.points.test,
            seed=setup.seed,
            truth=setup.problem,
        )
        return StageRun(stage, programs, parameters, draws, weighting, errors)

    def start(self, number: int, ends: Mapping[str, np.ndarray]) -> tf.Tensor:
        """Return the vector [p] that a stage starts from: the end of the last one."""
        objective = self.programs(number).objective
        if number:
            return tf.constant(ends[str(number - 1)], objective.dtype)
        return self.setup.start(objective, self.data)

    def solution(
        self, number: int, ends: Mapping[str, np.ndarray], theta: tf.Tensor
    ) -> EvaluateNames:
        """Return the solution that a run has reached in a stage, over all stages so far.

        In windows, every point is evaluated in the window of its time, an edge in the window that
        ends there; points in windows still to come have the value NaN.

        Args:
            number: of the present stage.
            ends: the vectors [p] that the stages before it ended with, by number.
            theta: the vector [p] in the present stage.
        """
        if not self.windowed:
            return partial(self._evaluate, number, {str(number): theta.numpy()})
        return partial(self._evaluate_windows, number, {**ends, str(number): theta.numpy()})

    def all_errors(self) -> Errors:
        """Return the errors of all stages together."""
        return Errors(self.setup.problem, self.setup.points.test, seed=self.setup.seed)

    def _evaluate(
        self, number: int, ends: Mapping[str, np.ndarray], names: Sequence[str], points: np.ndarray
    ) -> Values:
        """Return the values [n] by name of a stage's solution."""
        programs = self.programs(number)
        theta = tf.constant(ends[str(number)], programs.objective.dtype)
        return programs.evaluator(names)(theta, points, self.parameters(number))

    def _evaluate_windows(
        self, last: int, ends: Mapping[str, np.ndarray], names: Sequence[str], points: np.ndarray
    ) -> Values:
        """Return the values [n] by name of the solution in windows."""
        edges = [stage.problem.time[1] for stage in self.setup.stages[:-1] if stage.problem.time]
        windows = np.searchsorted(edges, points[:, -1], side="left")
        values = {name: np.full(len(points), np.nan) for name in names}
        for number in np.unique(windows[windows <= last]):
            inside = windows == number
            for name, value in self._evaluate(int(number), ends, names, points[inside]).items():
                values[name][inside] = value
        return values
