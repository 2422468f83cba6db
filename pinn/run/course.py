"""The stages of a run with the losses that they share, so that a stage compiles nothing that another has compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.objective import Batch, Evaluator, LeastSquares, Objective, PointSet
from pinn.run.monitor import Errors
from pinn.setup.points import Draws
from pinn.setup.setup import Setup
from pinn.setup.stages import Stage, carried
from pinn.training.progress import Kept, Progress
from pinn.weights import Weighting


class Leg:
    """A loss, and what is made of it; one or more stages use it."""

    def __init__(self, made: Setup, objective: Objective, data: PointSet | None) -> None:
        made.points.check(objective)
        self.made, self.objective, self.data = made, objective, data
        self.draws = Draws(made.points, objective, data, seed=made.seed)
        self.weighting = Weighting(made.scheme, objective, seed=made.seed) if made.scheme else None
        self.squares = LeastSquares(objective)
        self._evaluators: dict[tuple[str, ...], Evaluator] = {}

    def evaluator(self, names: Sequence[str]) -> Evaluator:
        """Return the evaluator of named functions and derivatives."""
        key = tuple(names)
        if key not in self._evaluators:
            self._evaluators[key] = Evaluator(self.objective, key)
        return self._evaluators[key]

    def heldout(self) -> Batch:
        """Return the held-out points of the present stage."""
        points = self.made.points
        return points.batch(
            self.objective, points.held_out(self.objective, self.data, seed=self.made.seed)
        )

    def batch(self, progress: Progress) -> Batch:
        """Return the batch that a progress ended with."""
        batch = self.draws.batch(progress.draw, progress.points)
        return self.weighting.apply(batch, progress.weights) if self.weighting else batch


class Course:
    """The stages of a run in order; one of them is the present one, to which all losses have been brought.

    Every window of time has weights of its own for one and the same network.  An ansatz that builds
    the initial state in holds in the first window; in later ones that state is a condition in the
    loss.
    """

    def __init__(self, made: Setup, data: PointSet | None) -> None:
        self.made, self.stages, self.number = made, made.stages, 0
        self.first = Leg(made, made.objective(data), data)
        several = made.windows > 1 and made.hard and made.starts_hard
        self.later = Leg(made, made.objective(data, later=True), data) if several else self.first
        self.ends: Kept = {}

    @property
    def windowed(self) -> bool:
        """Whether the stages are windows of time."""
        return self.made.windows > 1

    @property
    def stage(self) -> Stage:
        """The present stage."""
        return self.stages[self.number]

    @property
    def finished(self) -> bool:
        """Whether the present stage is the last."""
        return self.number == len(self.stages) - 1

    def leg(self, number: int | None = None) -> Leg:
        """Return the loss of a stage, the present one's by default."""
        number = self.number if number is None else number
        return self.later if number else self.first

    def enter(self, progress: Progress) -> Leg:
        """Go to the stage that a progress stands in, and return its loss."""
        self.number, self.ends = progress.stage, progress.ends
        self._bring(self.number)
        return self.leg()

    def start(self) -> tf.Tensor:
        """Return the flat vector [p] that the present stage begins with: the last one's end."""
        objective = self.leg().objective
        if self.number:
            return tf.constant(self.ends[str(self.number - 1)], objective.dtype)
        return self.made.start(objective, self.first.data)

    def errors(self) -> Errors:
        """Return the errors of the present stage: in its window of time, or by the problem's own coefficients."""
        objective = self.leg().objective
        problem = self.stage.problem if self.windowed else self.made.problem
        evaluate = self.leg().evaluator(problem.functions)
        return Errors(
            objective,
            self.made.points.test,
            seed=self.made.seed,
            problem=problem,
            evaluate=evaluate,
            truth=self.made.problem,
        )

    def all_errors(self) -> Errors:
        """Return the errors of all stages together."""
        problem, objective = self.made.problem, self.leg().objective
        evaluate = self.evaluator(problem.functions)
        return Errors(
            objective,
            self.made.points.test,
            seed=self.made.seed,
            problem=problem,
            evaluate=evaluate,
        )

    def evaluator(self, names: Sequence[str]) -> Callable[[Any, np.ndarray], dict[str, np.ndarray]]:
        """Return the function from the present flat vector [p] and points [n, d] to values [n] by name.

        Every point is evaluated in the window that its time is in, an edge in the window that ends
        there; those of windows that are yet to come are NaN.
        """
        if not self.windowed:
            return self.leg().evaluator(names)
        edges = [stage.problem.time[1] for stage in self.stages[:-1] if stage.problem.time]

        def evaluate(theta: Any, points: np.ndarray) -> dict[str, np.ndarray]:
            windows = np.searchsorted(edges, points[:, -1], side="left")
            found = {name: np.full(len(points), np.nan) for name in names}
            for number in np.unique(windows[windows <= self.number]):
                at = windows == number
                with self._in(int(number)):
                    for name, values in self._evaluated(
                        int(number), theta, names, points[at]
                    ).items():
                        found[name][at] = values
            return found

        return evaluate

    def _evaluated(
        self, number: int, theta: Any, names: Sequence[str], points: np.ndarray
    ) -> dict[str, np.ndarray]:
        leg = self.leg(number)
        end = (
            theta
            if number == self.number
            else tf.constant(self.ends[str(number)], leg.objective.dtype)
        )
        return leg.evaluator(names)(end, points)

    def _bring(self, number: int) -> None:
        """Bring the loss of a stage to that stage."""
        stage, hands_on = self.stages[number], None
        if self.windowed:
            hands_on = carried(
                stage.problem,
                (lambda names, points: self._handed_on(number, names, points)) if number else None,
            )
        self.leg(number).objective.enter(stage.problem, delay=stage.delay, carried=hands_on)

    def _handed_on(
        self, number: int, names: Sequence[str], points: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return what the last window ends with."""
        with self._in(number - 1):
            return self._evaluated(number - 1, None, names, points)

    @contextlib.contextmanager
    def _in(self, number: int) -> Iterator[None]:
        """Be in another stage for a moment."""
        self._bring(number)
        try:
            yield
        finally:
            self._bring(self.number)
