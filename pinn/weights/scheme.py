"""The interface of all weighting schemes, and the quantities that a scheme may use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pinn.arrays import Array
from pinn.errors import InputError
from pinn.objective import Batch, Blocks, Objective, TermDiagnostics
from pinn.problem import Problem, Term
from pinn.settings import Settings, count

Memory = Mapping[str, NDArray]
"""What a scheme remembers from one update to the next, by name; a checkpoint holds a copy of it."""

UnitCoordinates = Mapping[str, Array]
"""Points [n, d] by region, scaled so that the domain is the unit cube; time is the last column."""


@dataclass(frozen=True)
class LossSnapshot:
    """A loss at one flat vector, as schemes use it: its terms separately and unweighted.

    Attributes:
        diagnostics: what evaluates the terms.
        theta: the flat vector [p].
        batch: the points.
        problem: the problem in the present stage, whose domain unit coordinates refer to.
        seed: of the run, for schemes that draw random numbers.
    """

    diagnostics: TermDiagnostics
    theta: tf.Tensor
    batch: Batch
    problem: Problem
    seed: int = 0

    @property
    def fixed(self) -> dict[str, float]:
        """The fixed weights of the terms, which multiply those of a scheme."""
        return self.diagnostics.objective.weight_by_term

    @property
    def terms(self) -> Sequence[Term]:
        """The terms of the loss."""
        return self.diagnostics.objective.terms

    def unit_coordinates(self, region: str) -> Array:
        """Return the points [n, d] of a region, scaled so that the domain is the unit cube."""
        return to_unit_coordinates(self.problem, self.batch.points[region])

    def losses(self) -> dict[str, float]:
        """Return the mean squared residual of every term."""
        return self.diagnostics.losses(self.theta, self.batch)

    def gradients(self) -> dict[str, Array]:
        """Return the gradient [p] of every term's mean squared residual."""
        return self.diagnostics.gradients(self.theta, self.batch)

    def residuals(self) -> dict[str, Array]:
        """Return the residual [n] of every term at the points of its region."""
        return self.diagnostics.residuals(self.theta, self.batch)

    def traces(self) -> dict[str, float]:
        """Return the mean of |∂r/∂θ|² over the points of every term's region."""
        return self.diagnostics.traces(self.theta, self.batch)


@dataclass(frozen=True, kw_only=True)
class Scheme(Settings, ABC):
    """A rule by which loss weights follow the training; fixed weights multiply the scheme's own.

    Attributes:
        every: iterations between two updates.

    Raises:
        InputError: for a number of iterations below 1.
    """

    label: ClassVar[str]
    every: int = count(100)

    def check(self, objective: Objective) -> None:
        """Raise an InputError for an objective that the scheme cannot weight."""

    @abstractmethod
    def initial_memory(self, terms: Sequence[Term], coordinates: UnitCoordinates) -> Memory:
        """Return the memory before the first update."""

    def fits(self, memory: Memory, fresh: Memory) -> bool:
        """Return whether a memory is one of this scheme's, given an initial one for the loss."""
        shapes = {name: np.shape(value) for name, value in memory.items()}
        fresh_shapes = {name: np.shape(value) for name, value in fresh.items()}
        return shapes == fresh_shapes

    @abstractmethod
    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the memory after an update."""

    def term_weight(self, memory: Memory, name: str) -> float:
        """Return the weight of a term."""
        return 1.0

    def pointwise_terms(self, terms: Sequence[Term]) -> list[Term]:
        """Return the terms that have one weight per point."""
        return []

    def point_weights(self, memory: Memory, term: Term, coordinates: Array) -> Array:
        """Return the weights [n] of a pointwise term at unit coordinates [n, d] of its region."""
        return np.ones(len(coordinates))

    def columns(self) -> list[str]:
        """Return the names of the figures."""
        return []

    def figures(self, memory: Memory) -> dict[str, float]:
        """Return further numbers for the history, by name."""
        return {}


@dataclass(frozen=True, kw_only=True)
class TermScheme(Scheme):
    """A scheme of one weight per term; its memory holds each weight under the term's name."""

    def check(self, objective: Objective) -> None:
        """Raise an InputError for a loss of only one term."""
        if len(objective.terms) < 2:
            name = ", ".join(term.name for term in objective.terms)
            raise InputError(
                f"{type(self).__name__}: {name} is the loss's only term, so there is nothing to "
                f"balance; use constraints=soft or weights=fixed."
            )

    def initial_memory(self, terms: Sequence[Term], coordinates: UnitCoordinates) -> Memory:
        """Return weights of 1."""
        return {term.name: np.array(1.0) for term in terms}

    def term_weight(self, memory: Memory, name: str) -> float:
        """Return the weight of a term."""
        return float(memory[name])


def to_unit_coordinates(problem: Problem, blocks: Blocks) -> Array:
    """Return points [n, d], scaled so that a problem's domain is the unit cube."""
    lower, upper = problem.seen_bounds
    seen = np.stack(problem.seen(list(blocks.rows.T)), axis=1)
    return (seen - lower) / (upper - lower)


def running_average(memory: Memory, targets: Mapping[str, float], decay: float) -> Memory:
    """Return the weights after one step of a running average: decay λ + (1 − decay) λ̂."""
    weights = {}
    for name, target in targets.items():
        weights[name] = np.array(decay * float(memory[name]) + (1 - decay) * target)
    return weights
