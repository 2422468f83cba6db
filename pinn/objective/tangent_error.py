"""What the Jacobian tells of a solution's error, without a reference.

At a vector θ, the residuals r on points that no training used, and their Jacobian J, tell the step
that Gauss–Newton would still take:

    d = −V S (S² + ε² S₁²)⁻¹ Uᵀ r,   J = U S Vᵀ

It is not taken.  Carried to the fields, (∂u/∂θ) d is what is missing of them, as far as changes of
θ can express it.  ε is so small that directions count which the residuals hardly see: there a small
loss hides a large error.  JᵀJ would lose them to rounding, so that J itself is decomposed, by QR
and SVD (Golub & Van Loan 2013, "Matrix Computations", section 5.5).

The same decomposition gives the leverage hᵢ of a measurement, the share of it that the fit follows.
Without the measurement, the fit would miss it by rᵢ/(1 − hᵢ) (Allen 1974,
doi:10.1080/00401706.1974.10489157).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.linalg
import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.objective.batch import Batch
from pinn.objective.least_squares import LeastSquares
from pinn.objective.terms import Misfit

RESOLVED = 1e-11  # ε of a step: singular values below this share of the largest do not count
SMOOTH = 1e-7  # ε of leverages: of changes that the equations hardly see, all fits are capable
LARGEST = 3000  # parameters; the cost of the decomposition grows with their cube
ROWS = 6  # of the Jacobian per parameter, at least
LEAST_SHARE = 1e-9  # of a measurement that the fit does not follow


def tangent_step(squares: LeastSquares, theta: tf.Tensor, batches: Iterable[Batch]) -> Array | None:
    """Return the step d [p] of Gauss–Newton on points that no training used.

    Args:
        squares: the loss as a sum of squares.
        theta: the flat vector [p].
        batches: batches of the same regions, with other points each; as many are taken as give
            `ROWS` rows per parameter.

    Returns:
        The step; None for more than `LARGEST` parameters.
    """
    size = static_size(theta)
    if size > LARGEST:
        return None
    triangle = np.zeros((0, size + 1))
    count = 0
    for batch in batches:
        rows = _rows(squares, theta, batch)
        count += len(rows)
        triangle = _triangle(np.concatenate([triangle, rows]))
        if count >= ROWS * size:
            break
    u, s, vt = scipy.linalg.svd(triangle[:, :size], full_matrices=False, check_finite=False)
    seen = u.T @ triangle[:, size]
    step: Array = -vt.T @ (s / (s**2 + (RESOLVED * s[0]) ** 2) * seen)
    return step


def left_out(squares: LeastSquares, theta: tf.Tensor, batch: Batch) -> dict[str, float]:
    """Return by how much more each measurement would be missed if it were left out, rms.

        √(Σ (rᵢ/(1 − hᵢ))² / Σ rᵢ²)

    Args:
        squares: the loss as a sum of squares.
        theta: the flat vector [p] at the minimum.
        batch: the points and weights of the loss.

    Returns:
        The factors, at least 1, by the name of the misfit; empty for more than `LARGEST`
        parameters.
    """
    size = static_size(theta)
    objective = squares.objective
    measured = [i for i, term in enumerate(objective.terms) if isinstance(term, Misfit)]
    if size > LARGEST or not measured:
        return {}
    triangle = np.zeros((0, size + 1))
    for region, blocks in batch.points.items():
        rows = _rows(squares, theta, batch._replace(points={region: blocks}))
        triangle = _triangle(np.concatenate([triangle, rows]))
    _, s, vt = scipy.linalg.svd(triangle[:, :size], full_matrices=False, check_finite=False)
    whitened = vt.T / np.sqrt(s**2 + (SMOOTH * s[0]) ** 2)
    factors: dict[str, float] = {}
    for i in measured:
        term = objective.terms[i]
        alone = tf.one_hot(i, len(objective.terms), dtype=batch.weights.dtype) * batch.weights
        points = {term.region: batch.points[term.region]}
        rows = _rows(squares, theta, batch._replace(points=points, weights=alone))
        leverages = np.sum((rows[:, :size] @ whitened) ** 2, axis=1)
        residuals = rows[:, size]
        missed = residuals / np.maximum(1 - leverages, LEAST_SHARE)
        norm = float(np.linalg.norm(residuals))
        factors[term.name] = float(np.linalg.norm(missed)) / norm if norm else 1.0
    return factors


def _rows(squares: LeastSquares, theta: tf.Tensor, batch: Batch) -> Array:
    """Return [J r], [m, p + 1]."""
    blocks: list[Array] = []
    for residuals, columns in squares.jacobian(theta, batch):
        block = np.concatenate([np.asarray(columns), np.asarray(residuals)[None]])
        blocks.append(np.asarray(block, np.float64).T)
    return np.concatenate(blocks)


def _triangle(rows: Array) -> Array:
    """Return R of the QR factorization of rows [m, p + 1], of at most p + 1 rows."""
    found = scipy.linalg.qr(rows, mode="r", overwrite_a=True, check_finite=False)
    return np.asarray(found[0])[: rows.shape[1]]
