"""A weighting scheme applied to an objective, for the trainer, the history and the figures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.objective import Batch, Objective, TermDiagnostics
from pinn.problem import Term
from pinn.record.columns import LARGEST_WEIGHT, LEAST_WEIGHT, WEIGHT, weight_columns
from pinn.weights.scheme import LossSnapshot, Memory, Scheme, to_unit_coordinates


class Weighting:
    """The weights of an objective's terms and points under a scheme.

    Args:
        scheme: the scheme.
        objective: the loss; its fixed weights multiply those of the scheme.
        seed: the seed of the run.

    Raises:
        InputError: for an objective that the scheme cannot weight.
    """

    def __init__(self, scheme: Scheme, objective: Objective, *, seed: int = 0) -> None:
        scheme.check(objective)
        self.scheme = scheme
        self.objective = objective
        self.seed = seed
        self.every = scheme.every
        self.diagnostics = TermDiagnostics(objective)

    def initial_memory(self, batch: Batch) -> Memory:
        """Return the memory before the first update."""
        coordinates = {}
        for region, blocks in batch.points.items():
            coordinates[region] = to_unit_coordinates(self.objective.problem, blocks)
        return self.scheme.initial_memory(self.objective.terms, coordinates)

    def fits(self, memory: Memory, batch: Batch) -> bool:
        """Return whether a memory is one of the scheme's for this loss."""
        return self.scheme.fits(memory, self.initial_memory(batch))

    def update(self, theta: tf.Tensor, batch: Batch, memory: Memory) -> Memory:
        """Return the memory after an update at a flat vector [p].

        Where the update would not be finite, the memory is returned unchanged.
        """
        snapshot = LossSnapshot(self.diagnostics, theta, batch, self.seed)
        updated = self.scheme.update(memory, snapshot)
        is_finite = all(np.all(np.isfinite(value)) for value in updated.values())
        return updated if is_finite else memory

    def apply(self, batch: Batch, memory: Memory) -> Batch:
        """Return the batch with the scheme's weights; its shapes are the same for every memory."""
        # Weights of points go into the blocks as factors, in the blocks' layout.
        factors: dict[str, dict[str, tf.Tensor]] = {region: {} for region in batch.points}
        for term in self.scheme.pointwise_terms(self.objective.terms):
            weights = self._scheme_weights(term, batch, memory)
            factors[term.region][term.name] = batch.points[term.region].laid_out(weights)
        points = {}
        for region, blocks in batch.points.items():
            points[region] = blocks._replace(factors=factors[region])

        # Weights of terms multiply the fixed ones.
        term_weights = []
        for term, fixed in self._fixed_weights():
            term_weights.append(fixed * self.scheme.term_weight(memory, term.name))
        return batch._replace(
            points=points, weights=tf.constant(term_weights, self.objective.dtype)
        )

    def point_weights(self, batch: Batch, memory: Memory) -> dict[str, Array]:
        """Return the weights [n] of the pointwise terms, fixed weights included."""
        pointwise = self.scheme.pointwise_terms(self.objective.terms)
        weights = {}
        for term, fixed in self._fixed_weights():
            if term in pointwise:
                weights[term.name] = fixed * self._scheme_weights(term, batch, memory)
        return weights

    def row(self, batch: Batch, memory: Memory) -> dict[str, float]:
        """Return the weights as the history records them.

        These are each term's weight, or its mean over the points, and for weights per point also
        the least and the largest.
        """
        point_weights = self.point_weights(batch, memory)
        row = {}
        for term, fixed in self._fixed_weights():
            if term.name in point_weights:
                weight = np.mean(point_weights[term.name])
            else:
                weight = fixed * self.scheme.term_weight(memory, term.name)
            row[f"{WEIGHT}{term.name}"] = float(weight)
        for name, weights in point_weights.items():
            row[f"{LEAST_WEIGHT}{name}"] = float(np.min(weights))
            row[f"{LARGEST_WEIGHT}{name}"] = float(np.max(weights))
        return row | self.scheme.figures(memory)

    def columns(self) -> list[str]:
        """Return the names of the numbers in a row."""
        terms = [term.name for term in self.objective.terms]
        pointwise = [term.name for term in self.scheme.pointwise_terms(self.objective.terms)]
        return weight_columns(terms, pointwise) + self.scheme.columns()

    def _scheme_weights(self, term: Term, batch: Batch, memory: Memory) -> Array:
        """Return the scheme's own weights [n] of a term's points."""
        coordinates = to_unit_coordinates(self.objective.problem, batch.points[term.region])
        return self.scheme.point_weights(memory, term, coordinates)

    def _fixed_weights(self) -> Iterator[tuple[Term, float]]:
        """Return the terms with their fixed weights."""
        return zip(self.objective.terms, self.objective.weights, strict=True)
