"""What the Jacobian tells of a solution's error, without a reference.

At a vector θ, the residuals on points that no training used, and their Jacobian, tell the step d
that Gauss–Newton by singular values would still take.  It is not taken.  Carried to the fields,
(∂u/∂θ) d is what is missing of them, as far as changes of θ can express it.

The decomposition also gives the leverage hᵢ of a measurement, the share of it that the fit follows.
Without the measurement, the fit would miss it by rᵢ/(1 − hᵢ) (Allen 1974,
doi:10.1080/00401706.1974.10489157).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import scipy.linalg
import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.objective.batch import Batch
from pinn.objective.least_squares import LeastSquares
from pinn.objective.terms import Misfit
from pinn.optimizers.gauss_newton_svd import LARGEST, Decomposition

SMOOTH = 1e-7  # ε of leverages: of changes that the equations hardly see, all fits are capable
OPEN = 1e-9  # ε of amplifications
ROWS = 6  # of the Jacobian per parameter, at least
LEAST_SHARE = 1e-9  # of a measurement that the fit does not follow


def unseen_jacobian(
    squares: LeastSquares, theta: tf.Tensor, batches: Iterable[Batch]
) -> Decomposition | None:
    """Return the decomposition of residuals and Jacobian on points that no training used.

    Args:
        squares: the loss as a sum of squares.
        theta: the flat vector [p].
        batches: batches of the same regions, with other points each; as many are taken as give
            `ROWS` rows per parameter.

    Returns:
        The decomposition; None for more than `LARGEST` parameters.
    """
    size = static_size(theta)
    return None if size > LARGEST else Decomposition(_pieces(squares, theta, batches), size)


def amplification(jacobian: Decomposition, change: Array) -> tuple[Array, Array]:
    """Return how far the residuals let a solution change, and the directions along which.

    Along a direction d, the residuals change by J d and the solution by C d.  The generalized
    singular values of C and J, with a small multiple of the identity beneath J,

        max |C d|   where   |J d|² + (ε s₁)² |d|² = 1,

    are the factors from residuals to errors (Hansen 1998, "Rank-Deficient and Discrete Ill-Posed
    Problems", section 2.1).  What the equations do not determine has a factor that grows like 1/ε.

    Args:
        jacobian: the decomposition of J on points that no training used.
        change: C [m, p], the derivatives by the vector [p] of what is asked for, over its size.

    Returns:
        The factors [k], the largest first, and their directions [k, p], along which C d has the
        norm of the factor.
    """
    whitened = jacobian.whitened(OPEN)
    _, factors, vt = scipy.linalg.svd(change @ whitened, full_matrices=False, check_finite=False)
    return factors, vt @ whitened.T


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
    whitened = Decomposition(squares.jacobian(theta, batch), size).whitened(SMOOTH)
    factors: dict[str, float] = {}
    for i in measured:
        term = objective.terms[i]
        alone = tf.one_hot(i, len(objective.terms), dtype=batch.weights.dtype) * batch.weights
        points = {term.region: batch.points[term.region]}
        pieces = squares.jacobian(theta, batch._replace(points=points, weights=alone))
        found = [(np.asarray(r), np.asarray(columns)) for r, columns in pieces]
        residuals = np.concatenate([r for r, _ in found])
        leverages = np.concatenate([np.sum((c.T @ whitened) ** 2, axis=1) for _, c in found])
        missed = residuals / np.maximum(1 - leverages, LEAST_SHARE)
        norm = float(np.linalg.norm(residuals))
        factors[term.name] = float(np.linalg.norm(missed)) / norm if norm else 1.0
    return factors


def _pieces(
    squares: LeastSquares, theta: tf.Tensor, batches: Iterable[Batch]
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """Yield r [k] and Jᵀ [p, k] of as many batches as give `ROWS` rows per parameter."""
    count = 0
    for batch in batches:
        for residuals, columns in squares.jacobian(theta, batch):
            count += static_size(residuals)
            yield residuals, columns
        if count >= ROWS * static_size(theta):
            return
