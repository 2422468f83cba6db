"""A stage of a run with all that its phases need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

import numpy as np
import tensorflow as tf

from pinn.geometry import is_data
from pinn.objective import (
    Batch,
    Evaluator,
    LeastSquares,
    Objective,
    ResidualSize,
    Scales,
    StageParameters,
    TermDiagnostics,
)
from pinn.objective import draw as draw_points
from pinn.run.errors import Errors, Evaluate, Values
from pinn.run.windows import CHECKS
from pinn.setup.draws import Draws
from pinn.setup.points import FOLLOWED
from pinn.setup.stages import Stage
from pinn.training.feed import Arrays
from pinn.training.progress import Progress
from pinn.weights import Weighting

FIRST_DRAW = 1000  # of unseen points; earlier draws are held out otherwise
POINTS = (200, 1000)  # unseen points of a region per draw, at least and at most

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
        self.few_jacobians = LeastSquares(objective, compiled=False)
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
        scales: its typical sizes of fields and residuals.
    """

    stage: Stage
    programs: Programs
    parameters: StageParameters
    scales: Scales
    draws: Draws
    weighting: Weighting | None
    errors: Errors

    @property
    def objective(self) -> Objective:
        """The loss."""
        return self.programs.objective

    @property
    def linearized(self) -> bool:
        """Whether its networks are linearized."""
        return self.parameters.linearized

    def evaluate(self, theta: tf.Tensor, names: Sequence[str], points: np.ndarray) -> Values:
        """Return named functions and derivatives [n] at points [n, d] for a vector [p]."""
        return self.programs.evaluator(names)(theta, points, self.parameters)

    def functions(self, theta: tf.Tensor) -> Evaluate:
        """Return the function from points [n, d] to the problem's functions by name."""
        return partial(self.evaluate, theta, self.objective.problem.functions)

    def held_out_loss(self, theta: tf.Tensor, held_out: Batch, memory: Arrays) -> float:
        """Return the loss on held-out points, under the same weights as the training loss.

        Args:
            theta: the vector [p].
            held_out: the batch of the held-out points.
            memory: of the weighting scheme.
        """
        if self.weighting is not None:
            held_out = self.weighting.apply(held_out, memory)
            return float(self.objective.value(theta, held_out))
        losses = self.objective.losses(theta, held_out).numpy()
        return float(np.sum(np.asarray(self.objective.weights) * losses))

    def held_out_losses(self, theta: tf.Tensor) -> dict[str, float]:
        """Return every term's loss on many held-out points, by name, without adapted weights.

        Between few points, a solution may leap from one branch to another.
        """
        losses = []
        for number in range(CHECKS):
            losses.append(self.objective.losses(theta, self.draws.held_out(number)).numpy())
        names = [term.name for term in self.objective.terms]
        return dict(zip(names, np.mean(losses, axis=0).tolist(), strict=True))

    def left(self, theta: tf.Tensor) -> dict[str, float]:
        """Return the rms of every residual but misfits at held-out points, by term.

        A misfit as large as the noise of the measurements is right.
        """
        losses = self.held_out_losses(theta)
        terms = self.objective.terms
        return {t.name: losses[t.name] ** 0.5 for t in terms if not is_data(t.region)}

    def weighted_losses(self, theta: tf.Tensor, batch: Batch) -> tuple[float, float]:
        """Return the loss on a batch for a vector [p], of all but misfits, and of these."""
        losses = self.objective.losses(theta, batch).numpy() * batch.weights.numpy()
        measured = np.array([is_data(term.region) for term in self.objective.terms])
        return float(np.sum(losses[~measured])), float(np.sum(losses[measured]))

    def places(self, count: int) -> np.ndarray:
        """Return points [n, d] all over the stage; a grid where the problem has delays."""
        problem = self.stage.problem
        drawn = draw_points(problem, "interior", count, method="uniform", seed=count)
        return problem.on_grid(drawn.coordinates)

    def unseen(
        self, theta: tf.Tensor, *, draw: int = 0, points: Arrays | None = None
    ) -> Iterator[Batch]:
        """Yield batches that no phase has trained on or will train on.

        Args:
            theta: the vector [p] at the end of the stage.
            draw: the number of its last draw of points.
            points: those that followed the residuals.
        """
        for number in count(FIRST_DRAW):
            if not self.linearized:
                yield self.draws.held_out(number, between=POINTS)
                continue
            # As in the linearized phase, so that no other program is compiled.
            adapted = self.draws.adapt(draw + number, theta, points or {})
            yield self.draws.batch(draw + number, adapted)

    def batch(self, progress: Progress) -> Batch:
        """Return the batch that a progress has reached, with its weights."""
        batch = self.draws.batch(progress.draw, progress.points)
        if self.weighting is None:
            return batch
        return self.weighting.apply(batch, progress.weights)
