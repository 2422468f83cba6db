"""A weighting scheme applied to an objective, for the trainer, the history and the figures."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.objective import Batch, Objective, TermDiagnostics
from pinn.problem import Problem, Term
from pinn.record.columns import LARGEST_WEIGHT, LEAST_WEIGHT, WEIGHT, weight_columns
from pinn.weights.scheme import (
    LossSnapshot,
    Memory,
    Scheme,
    UnitCoordinates,
    to_unit_coordinates,
)


class Weighting:
    """The weights of an objective's terms and points under a scheme.

    A weighting has no state: the memory of the scheme is an argument of every method.

    Args:
        scheme: the scheme.
        objective: the loss; its fixed weights are factors of the scheme's.
        problem: the problem in the present stage; None: the objective's.
        diagnostics: the objective's, where its programs are shared; None: new ones.
        seed: of the run.

    Raises:
        InputError: for an objective that the scheme cannot weight.
    """

    def __init__(
        self,
        scheme: Scheme,
        objective: Objective,
        *,
        problem: Problem | None = None,
        diagnostics: TermDiagnostics | None = None,
        seed: int = 0,
    ) -> None:
        scheme.check(objective)
        self.scheme = scheme
        self.objective = objective
        self.problem = problem or objective.problem
        self.diagnostics = diagnostics or TermDiagnostics(objective)
        self.seed = seed

    @property
    def every(self) -> int:
        """Iterations between two updates."""
        return self.scheme.every

    def initial_memory(self, batch: Batch) -> Memory:
        """Return the memory before the first update."""
        coordinates: UnitCoordinates = {
            region: to_unit_coordinates(self.problem, blocks)
            for region, blocks in batch.points.items()
        }
        return self.scheme.initial_memory(self.objective.terms, coordinates)

    def fits(self, memory: Memory, batch: Batch) -> bool:
        """Return whether a memory is one of the scheme's for this loss."""
        return self.scheme.fits(memory, self.initial_memory(batch))

    def update(self, theta: tf.Tensor, batch: Batch, memory: Memory) -> Memory:
        """Return the memory after an update at a vector [p]; the old one if it is not finite."""
        snapshot = LossSnapshot(self.diagnostics, theta, batch, self.problem, self.seed)
        updated = self.scheme.update(memory, snapshot)
        if all(np.all(np.isfinite(value)) for value in updated.values()):
            return updated
        return memory

    def apply(self, batch: Batch, memory: Memory) -> Batch:
        """Return the batch with the scheme's weights, in the same shapes for every memory."""
        by_region: dict[str, dict[str, tf.Tensor]] = {region: {} for region in batch.points}
        for term in self._pointwise_terms():
            values = self._point_weights(batch, memory, term)
            by_region[term.region][term.name] = batch.points[term.region].arrange(values)
        points = {}
        for region, blocks in batch.points.items():
            points[region] = blocks._replace(point_weights=by_region[region])
        weights = []
        for name, fixed in self.objective.weight_by_term.items():
            weights.append(fixed * self.scheme.term_weight(memory, name))
        return batch._replace(points=points, weights=tf.constant(weights, self.objective.dtype))

    def point_weights(self, batch: Batch, memory: Memory) -> dict[str, Array]:
        """Return the weights [n] of points by term, fixed weights of the terms included."""
        fixed = self.objective.weight_by_term
        weights = {}
        for term in self._pointwise_terms():
            weights[term.name] = fixed[term.name] * self._point_weights(batch, memory, term)
        return weights

    def row(self, batch: Batch, memory: Memory) -> dict[str, float]:
        """Return what the history records: means over points, smallest and largest weights."""
        row = {}
        pointwise = self.point_weights(batch, memory)
        for name, fixed in self.objective.weight_by_term.items():
            if name in pointwise:
                mean = np.mean(pointwise[name])
            else:
                mean = fixed * self.scheme.term_weight(memory, name)
            row[f"{WEIGHT}{name}"] = float(mean)
        for name, values in pointwise.items():
            row[f"{LEAST_WEIGHT}{name}"] = float(np.min(values))
            row[f"{LARGEST_WEIGHT}{name}"] = float(np.max(values))
        return row | self.scheme.figures(memory)

    def columns(self) -> list[str]:
        """Return the names of the numbers in a row."""
        terms = [term.name for term in self.objective.terms]
        pointwise = [term.name for term in self._pointwise_terms()]
        return weight_columns(terms, pointwise) + self.scheme.columns()

    def _pointwise_terms(self) -> list[Term]:
        return self.scheme.pointwise_terms(self.objective.terms)

    def _point_weights(self, batch: Batch, memory: Memory, term: Term) -> Array:
        """Return the scheme's weights [n] of the points of a term."""
        coordinates = to_unit_coordinates(self.problem, batch.points[term.region])
        return self.scheme.point_weights(memory, term, coordinates)
