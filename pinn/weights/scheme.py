"""The interface of all schemes by which weights follow the training, and what a scheme may look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.objective import Batch, Blocks, Objective, TermDiagnostics
from pinn.problem import Problem, Term

Memory = Mapping[str, np.ndarray]
"""What a scheme knows from one update to the next, by name; a checkpoint is a copy of it."""

UnitCoordinates = Mapping[str, np.ndarray]
"""Points [n, d] by region, in coordinates that go from 0 to 1 over the domain; time is the last."""


@dataclass(frozen=True)
class LossSnapshot:
    """A loss at one flat vector, as schemes look at it: its terms one by one, without weights.

    Attributes:
        diagnostics: what can be asked of the loss.
        theta: the flat vector [p].
        batch: the points.
        seed: of the run, for schemes that draw lots.
    """

    diagnostics: TermDiagnostics
    theta: tf.Tensor
    batch: Batch
    seed: int = 0

    @property
    def fixed(self) -> dict[str, float]:
        """The fixed weights of the terms, by which a scheme's own are multiplied."""
        objective = self.diagnostics.objective
        return {t.name: w for t, w in zip(objective.terms, objective.weights, strict=True)}

    @property
    def terms(self) -> Sequence[Term]:
        """The terms of the loss."""
        return self.diagnostics.objective.terms

    def unit_coordinates(self, region: str) -> np.ndarray:
        """Return the points [n, d] of a region, in coordinates that go from 0 to 1 over the domain."""
        return to_unit_coordinates(self.diagnostics.objective.problem, self.batch.points[region])

    def losses(self) -> dict[str, float]:
        """Return the mean squared residual of every term."""
        return self.diagnostics.losses(self.theta, self.batch)

    def gradients(self) -> dict[str, np.ndarray]:
        """Return the gradient [p] of every term's mean squared residual."""
        return self.diagnostics.gradients(self.theta, self.batch)

    def residuals(self) -> dict[str, np.ndarray]:
        """Return the residual [n] of every term at the points of its region."""
        return self.diagnostics.residuals(self.theta, self.batch)

    def traces(self) -> dict[str, float]:
        """Return the mean of |∂r/∂θ|² over the points of every term's region."""
        return self.diagnostics.traces(self.theta, self.batch)


@dataclass(frozen=True, kw_only=True)
class Scheme(ABC):
    """A rule by which weights follow the training; fixed weights are factors of what it gives.

    Attributes:
        every: iterations between two updates.

    Raises:
        InputError: for a number of iterations below 1.
    """

    label: ClassVar[str]
    every: int = 100

    def __post_init__(self) -> None:
        if not isinstance(self.every, int) or self.every < 1:
            raise InputError(
                f"{type(self).__name__}: every={self.every!r}; give a whole number of at least 1."
            )

    def check(self, objective: Objective) -> None:  # noqa: B027  # a scheme that fits every problem has no more to say
        """Raise an InputError for an objective that the scheme cannot weigh."""

    @abstractmethod
    def initial_memory(self, terms: Sequence[Term], coordinates: UnitCoordinates) -> Memory:
        """Return the memory before the first update."""

    def fits(self, memory: Memory, fresh: Memory) -> bool:
        """Say whether a memory is one of this scheme's, given a fresh one for the same loss."""
        return {k: np.shape(v) for k, v in memory.items()} == {
            k: np.shape(v) for k, v in fresh.items()
        }

    @abstractmethod
    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the memory after an update."""

    def term_weight(self, memory: Memory, name: str) -> float:
        """Return the weight of a term."""
        return 1.0

    def pointwise_terms(self, terms: Sequence[Term]) -> list[Term]:
        """Return the terms whose points have weights of their own."""
        return []

    def point_weights(self, memory: Memory, term: Term, coordinates: np.ndarray) -> np.ndarray:
        """Return the weights [n] at coordinates [n, d] of the region of a term whose points have their own."""
        return np.ones(len(coordinates))

    def columns(self) -> list[str]:
        """Return the names of the figures."""
        return []

    def figures(self, memory: Memory) -> dict[str, float]:
        """Return more numbers for the history, by name."""
        return {}


@dataclass(frozen=True, kw_only=True)
class TermScheme(Scheme):
    """A scheme of one weight a term; its memory holds each under the term's name."""

    def check(self, objective: Objective) -> None:
        """Raise an InputError where there is but one term."""
        if len(objective.terms) < 2:
            name = ", ".join(t.name for t in objective.terms)
            raise InputError(
                f"{type(self).__name__}: {name} is the loss's only term, so there is nothing to balance; "
                f"use constraints=soft or weights=fixed."
            )

    def initial_memory(self, terms: Sequence[Term], coordinates: UnitCoordinates) -> Memory:
        """Return weights of 1."""
        return {t.name: np.array(1.0) for t in terms}

    def term_weight(self, memory: Memory, name: str) -> float:
        """Return the weight of a term."""
        return float(memory[name])


def to_unit_coordinates(problem: Problem, blocks: Blocks) -> np.ndarray:
    """Return points [n, d] in coordinates that go from 0 to 1 over a problem's domain."""
    lower, upper = problem.bounds
    return (blocks.rows - lower) / (upper - lower)


def running_average(memory: Memory, found: Mapping[str, float], decay: float) -> Memory:
    """Return the weights after one step of a running average: decay λ + (1 − decay) λ̂."""
    return {
        name: np.array(decay * float(memory[name]) + (1 - decay) * value)
        for name, value in found.items()
    }


def check_decay(scheme: Scheme, name: str = "decay") -> None:
    """Raise an InputError for a decay outside [0, 1)."""
    value = getattr(scheme, name)
    if not 0 <= value < 1:
        raise InputError(
            f"{type(scheme).__name__}: {name}={value}; give a number from 0 to below 1."
        )
