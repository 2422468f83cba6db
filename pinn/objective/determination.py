"""Whether equations and conditions determine unknown coefficients, where nothing is measured."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import tensorflow as tf

from pinn.arrays import static_size
from pinn.geometry import is_data
from pinn.objective.batch import Batch
from pinn.objective.least_squares import LeastSquares
from pinn.objective.standard_errors import LARGEST, RIDGE, coefficient_slopes, gram_of

LEAST = 1e-4  # of the typical size of a residual; less is what a network cannot resolve
MOST = 1e-2  # of it; where more is left of the residuals, the run has not solved its equations


def undetermined(squares: LeastSquares, theta: tf.Tensor, batch: Batch) -> list[str]:
    """Return the unknown coefficients of which values far apart solve the problem as well.

    A coefficient counts as such where a change by its own size costs no more than what is left of
    the loss, or than what a network does not resolve.  A run that has not solved its equations
    tells less, and does not count as one that leaves the coefficient free.

    Args:
        squares: the loss as a sum of squares.
        theta: the flat vector [p] at (or near) the minimum.
        batch: the points and weights of the loss.
    """
    found = []
    objective = squares.objective
    left = float(squares.loss(theta, batch)) ** 0.5
    for name, sensitivity in sensitivities(squares, theta, batch).items():
        estimate = abs(float(objective.coefficients(theta)[name]))
        size = max(estimate, objective.searched[name].size)
        if not sensitivity * size > min(max(left, LEAST), MOST):
            found.append(name)
    return found


def sensitivities(squares: LeastSquares, theta: tf.Tensor, batch: Batch) -> dict[str, float]:
    """Return how much of the loss's root a change of every unknown coefficient must cost.

        s = min |J v|  over the directions v that change the coefficient by one

    with the Jacobian J of the residuals: all else is free to make up for the change.  Where
    something can, s is zero up to what the network resolves, and the equations do not determine
    the coefficient.

    Args:
        squares: the loss as a sum of squares.
        theta: the flat vector [p] at (or near) the minimum.
        batch: the points and weights of the loss.

    Returns:
        s by name, per unit of the coefficient; empty for more than `LARGEST` parameters, and where
        anything is measured: standard errors tell more.
    """
    objective = squares.objective
    size = static_size(theta)
    measured = any(is_data(region) for region in batch.points)
    if measured or not objective.unknowns or size > LARGEST:
        return {}
    gram, _ = gram_of(squares, theta, batch)
    ridge = RIDGE * np.trace(gram) / size
    factor: tuple[np.ndarray, bool] = scipy.linalg.cho_factor(gram + ridge * np.eye(size))
    # min |J v|² with vᵢ = 1 is 1/(H⁻¹)ᵢᵢ.
    first = size - len(objective.unknowns)
    columns = scipy.linalg.cho_solve(factor, np.eye(size)[:, first:])
    slopes = np.abs(coefficient_slopes(squares, theta)[first:])
    values = np.diag(columns[first:]) ** -0.5 / slopes
    return dict(zip(objective.unknowns, map(float, values), strict=True))
