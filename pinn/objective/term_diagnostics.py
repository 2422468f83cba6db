"""The terms of a loss one by one, unweighted: values, gradients, residuals, traces of kernels."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.objective.batch import Batch, StageParameters, split_by_thread
from pinn.objective.blocks import Blocks
from pinn.objective.least_squares import LeastSquares
from pinn.objective.objective import Objective


class TermDiagnostics:
    """Evaluates an objective's terms separately, by name, at a flat vector [p].

    Each program is compiled on its first call.  The weights and factors in the batch are ignored.

    Args:
        objective: the loss whose terms are evaluated.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.squares = LeastSquares(objective)

    def losses(self, theta: tf.Tensor, batch: Batch) -> dict[str, float]:
        """Return the mean squared residual of every term."""
        losses = self.objective.losses(theta, batch).numpy()
        names = [term.name for term in self.objective.terms]
        return dict(zip(names, map(float, losses), strict=True))

    def gradients(self, theta: tf.Tensor, batch: Batch) -> dict[str, Array]:
        """Return the gradient [p] of every term's mean squared residual."""
        plain = batch.without_point_weights
        terms = self.objective.terms
        unit_weights = tf.eye(len(terms), dtype=theta.dtype)
        gradients = {}
        for i, term in enumerate(terms):
            # With weight 1 for this term and 0 for all others, the program that the optimizer has
            # already compiled gives this term's gradient.
            only_term = plain._replace(weights=unit_weights[i])
            _, gradient = self.objective.value_and_gradient(theta, only_term)
            gradients[term.name] = np.asarray(gradient, float)
        return gradients

    def residuals(self, theta: tf.Tensor, batch: Batch) -> dict[str, Array]:
        """Return the residual [n] of every term, in the order of its region's point set."""
        batch = batch.without_point_weights
        points = batch.points
        residuals = {}
        for region, values in self._residuals(theta, points, batch.stage).items():
            real = points[region].is_point
            by_term = np.moveaxis(np.asarray(values, float), 2, 0)
            for name, padded in zip(self._names(region), by_term, strict=True):
                residuals[name] = padded.ravel()[real]
        return residuals

    def traces(self, theta: tf.Tensor, batch: Batch) -> dict[str, float]:
        """Return the mean of |∂r/∂θ|² over the points of every term's region: Tr(JJᵀ) per point."""
        unweighted = batch.without_point_weights._replace(weights=tf.ones_like(batch.weights))
        traces = {}
        for region, blocks in unweighted.points.items():
            names = self._names(region)
            only_region = unweighted._replace(points={region: blocks})
            sums = np.zeros(len(names))
            for _, columns in self.squares.jacobian(theta, only_region):
                # The Jacobian's rows are scaled by the square root of 1/n and sorted by term, so
                # that the sum of their squares over a term is the mean over its points.
                squared_norms = np.asarray(tf.reduce_sum(columns**2, 0), float)
                sums += squared_norms.reshape(len(names), -1).sum(1)
            traces |= dict(zip(names, map(float, sums), strict=True))
        return traces

    def _names(self, region: str) -> list[str]:
        """Return the names of a region's terms, in the order of the loss."""
        return [term.name for term in self.objective.terms if term.region == region]

    @tf.function(autograph=False)
    def _residuals(
        self, theta: tf.Tensor, points: dict[str, Blocks], stage: StageParameters
    ) -> dict[str, tf.Tensor]:
        """Return the residuals [T, K, terms, n] by region."""
        by_thread = [self._program(theta, thread, stage) for thread in split_by_thread(points)]
        residuals = {}
        for region in points:
            of_region = [thread[region] for thread in by_thread if region in thread]
            residuals[region] = tf.stack(of_region)
        return residuals

    @tf.function(autograph=False, jit_compile=True)
    def _program(
        self, theta: tf.Tensor, points: dict[str, Blocks], stage: StageParameters
    ) -> dict[str, tf.Tensor]:
        """Return the residuals [K, terms, n] by region of one thread's blocks."""
        tensors = self.objective.flat.partition(theta)
        residuals = {}
        for region, pieces in points.items():

            def block(piece: Blocks, region: str = region) -> tf.Tensor:
                by_term = self.objective.residuals(tensors, region, piece, stage)
                return tf.stack(list(by_term.values()))

            residuals[region] = tf.map_fn(block, pieces, fn_output_signature=theta.dtype)
        return residuals
