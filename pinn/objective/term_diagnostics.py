"""A loss taken apart: its terms' values, gradients, residuals and tangent kernels, all without weights."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from pinn.objective.batch import Batch, threads
from pinn.objective.least_squares import LeastSquares
from pinn.objective.objective import Objective
from pinn.objective.points import Blocks


class TermDiagnostics:
    """What can be asked of an objective's terms, by name, at a flat vector [p].

    Programs are compiled when they are first asked for.  Weights and factors of the batch play no
    part.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective, self.squares = objective, LeastSquares(objective)

    def losses(self, theta: tf.Tensor, batch: Batch) -> dict[str, float]:
        """Return the mean squared residual of every term."""
        found = self.objective.losses(theta, batch).numpy()
        return {t.name: float(v) for t, v in zip(self.objective.terms, found, strict=True)}

    def gradients(self, theta: tf.Tensor, batch: Batch) -> dict[str, np.ndarray]:
        """Return the gradient [p] of every term's mean squared residual."""
        batch, terms = batch.plain, self.objective.terms
        ones = tf.eye(len(terms), dtype=theta.dtype)
        # A weight of one for one term and of zero for the others: the program that the optimizer
        # has compiled.
        found = [
            self.objective.value_and_gradient(theta, batch._replace(weights=ones[i]))
            for i in range(len(terms))
        ]
        return {
            t.name: np.asarray(gradient, float)
            for t, (_, gradient) in zip(terms, found, strict=True)
        }

    def residuals(self, theta: tf.Tensor, batch: Batch) -> dict[str, np.ndarray]:
        """Return the residual [n] of every term at the points of its region, in the order of the point sets."""
        batch, found = batch.plain, {}
        for region, values in self._residuals(theta, batch.points).items():
            rows = np.moveaxis(np.asarray(values, float), 2, 0)
            names = [t.name for t in self.objective.terms if t.region == region]
            found |= {
                n: row.ravel()[batch.points[region].real]
                for n, row in zip(names, rows, strict=True)
            }
        return found

    def traces(self, theta: tf.Tensor, batch: Batch) -> dict[str, float]:
        """Return the mean of |∂r/∂θ|² over the points of every term's region: Tr(JJᵀ) per point."""
        batch, found = batch.plain, {}
        batch = batch._replace(weights=tf.ones_like(batch.weights))
        for region, blocks in batch.points.items():
            names = [t.name for t in self.objective.terms if t.region == region]
            sums = np.zeros(len(names))
            for _, columns in self.squares.jacobian(theta, batch._replace(points={region: blocks})):
                # Rows of the Jacobian are scaled by the root of 1/n, one term after another.
                sums += (
                    np.asarray(tf.reduce_sum(columns**2, 0), float).reshape(len(names), -1).sum(1)
                )
            found |= dict(zip(names, map(float, sums), strict=True))
        return found

    @tf.function(autograph=False)
    def _residuals(self, theta: tf.Tensor, points: dict[str, Blocks]) -> dict[str, tf.Tensor]:
        """Return the residuals [T, K, terms, n] by region."""
        shares = [self._program(theta, share) for share in threads(points)]
        return {
            region: tf.stack([share[region] for share in shares if region in share])
            for region in points
        }

    @tf.function(autograph=False, jit_compile=True)
    def _program(self, theta: tf.Tensor, points: dict[str, Blocks]) -> dict[str, tf.Tensor]:
        tensors, found = self.objective.flat.partition(theta), {}
        for region, pieces in points.items():

            def block(piece: Blocks, region: str = region) -> tf.Tensor:
                return tf.stack(list(self.objective.residuals(tensors, region, piece).values()))

            found[region] = tf.map_fn(block, pieces, fn_output_signature=theta.dtype)
        return found
