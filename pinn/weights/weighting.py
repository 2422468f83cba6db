"""A scheme bound to a loss: what the trainer has it do, and what the history and the pictures ask."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from pinn.objective import Batch, Objective, TermDiagnostics
from pinn.problem import Term
from pinn.weights.scheme import LossSnapshot, Memory, Scheme, to_unit_coordinates


class Weighting:
    """The weights of an objective's terms and points, as a scheme has them.

    Args:
        scheme: the scheme.
        objective: the loss; its fixed weights are factors of the scheme's.
        seed: of the run.

    Raises:
        InputError: for an objective that the scheme cannot weigh.
    """

    def __init__(self, scheme: Scheme, objective: Objective, *, seed: int = 0) -> None:
        scheme.check(objective)
        self.scheme, self.objective, self.seed = scheme, objective, seed
        self.diagnostics, self.every = TermDiagnostics(objective), scheme.every

    def initial_memory(self, batch: Batch) -> Memory:
        """Return the memory before the first update."""
        coordinates = {
            region: to_unit_coordinates(self.objective.problem, blocks)
            for region, blocks in batch.points.items()
        }
        return self.scheme.initial_memory(self.objective.terms, coordinates)

    def fits(self, memory: Memory, batch: Batch) -> bool:
        """Say whether a memory is one of the scheme's for this loss."""
        return self.scheme.fits(memory, self.initial_memory(batch))

    def update(self, theta: tf.Tensor, batch: Batch, memory: Memory) -> Memory:
        """Return the memory after an update at a flat vector [p]; the same one, if it would not be finite."""
        found = self.scheme.update(memory, LossSnapshot(self.diagnostics, theta, batch, self.seed))
        return found if all(np.all(np.isfinite(v)) for v in found.values()) else memory

    def apply(self, batch: Batch, memory: Memory) -> Batch:
        """Return the batch with the scheme's weights; it has the same shapes for every memory."""
        factors: dict[str, dict[str, tf.Tensor]] = {region: {} for region in batch.points}
        for term in self.scheme.pointwise_terms(self.objective.terms):
            blocks = batch.points[term.region]
            found = self.scheme.point_weights(
                memory, term, to_unit_coordinates(self.objective.problem, blocks)
            )
            factors[term.region][term.name] = blocks.laid_out(found)
        weights = [w * self.scheme.term_weight(memory, t.name) for t, w in self._fixed()]
        points = {
            region: blocks._replace(factors=factors[region])
            for region, blocks in batch.points.items()
        }
        return Batch(points, tf.constant(weights, self.objective.dtype))

    def point_weights(self, batch: Batch, memory: Memory) -> dict[str, np.ndarray]:
        """Return the weights [n] of those terms whose points have their own, fixed weights included."""
        problem, fixed = self.objective.problem, {t.name: w for t, w in self._fixed()}
        return {
            t.name: fixed[t.name]
            * self.scheme.point_weights(
                memory, t, to_unit_coordinates(problem, batch.points[t.region])
            )
            for t in self.scheme.pointwise_terms(self.objective.terms)
        }

    def row(self, batch: Batch, memory: Memory) -> dict[str, float]:
        """Return what the history says of the weights: means over points, and their least and largest."""
        found, points = {}, self.point_weights(batch, memory)
        for term, fixed in self._fixed():
            of_points = points.get(term.name)
            mean = (
                fixed * self.scheme.term_weight(memory, term.name)
                if of_points is None
                else np.mean(of_points)
            )
            found[f"weight_{term.name}"] = float(mean)
        for name, values in points.items():
            found |= {
                f"least_weight_{name}": float(np.min(values)),
                f"largest_weight_{name}": float(np.max(values)),
            }
        return found | self.scheme.figures(memory)

    def columns(self) -> list[str]:
        """Return the names of the numbers in a row."""
        terms = [t.name for t in self.objective.terms]
        pointwise = [t.name for t in self.scheme.pointwise_terms(self.objective.terms)]
        ranges = [f"{which}_weight_{name}" for name in pointwise for which in ("least", "largest")]
        return [*(f"weight_{name}" for name in terms), *ranges, *self.scheme.columns()]

    def _fixed(self) -> Iterable[tuple[Term, float]]:
        return zip(self.objective.terms, self.objective.weights, strict=True)
