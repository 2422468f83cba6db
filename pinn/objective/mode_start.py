"""The start of a mode: an eigenvalue problem in the parameters of the network's last layer.

Where the last layer is linear, the residuals of a linear eigenvalue problem are A(E) c for its
parameters c, with A(E) = P + E Q.  So the functions that the hidden layers compute give
approximations of the modes and eigenvalues, as trial functions do in the method of Rayleigh and
Ritz.  Residuals are minimized here, so that nothing is asked of the operator or its inner product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.optimize
import tensorflow as tf

from pinn.arrays import Array
from pinn.objective.batch import Batch
from pinn.objective.last_layer import LastLayer, kernel_variable, last_layer
from pinn.objective.least_squares import LeastSquares
from pinn.unknowns import ScaledUnknown

CUTOFF = 1e-12  # of the functions that the layer combines: weaker ones are rounding
BIAS = 2.0  # the largest bias
HELD = 1e-2  # singular values of the conditions below this share of the largest one are held
STEPS = 20  # of the refinement of a candidate
CLOSE = 0.3  # of E: the residual of a candidate that counts as an approximation of a mode
AMPLITUDES = (-7.0, 7.0)  # logarithms, between which a mode is normalized


class _Candidate(NamedTuple):
    """An approximation of a mode.

    Attributes:
        shift: its eigenvalue minus the start, over the size of the eigenvalue.
        residual: the root of its squared residuals, in units of what one size of E contributes.
        parameters: of the last layer [k].
    """

    shift: float
    residual: float
    parameters: Array


def mode_start(squares: LeastSquares, batch: Batch, *, seed: int = 0) -> tf.Tensor | None:
    """Return the vector [p] with the mode next to the start of the eigenvalue, as far as it shows.

    Hidden layers keep their kernels.  Their biases are drawn anew: where they are zero, all that
    the layers compute is odd.  The eigenvalue is the first unknown.

    Args:
        squares: the loss as a sum of squares; conditions between modes are among its terms.
        batch: the points of the loss, with the modes that are known.
        seed: of the biases.

    Returns:
        None where the network has no linear last layer, or the problem without its normalization
        is not homogeneous.
    """
    objective = squares.objective
    layer = last_layer(objective)
    if layer is None:
        return None
    columns = _columns(squares, layer)
    eigenvalue = objective.flat.size - len(objective.unknowns)
    unknown = next(iter(objective.searched.values()))

    start = _with_biases(squares, seed)

    def theta_of(parameters: Array, shift: float) -> tf.Tensor:
        theta = start.copy()
        theta[columns] = parameters
        value = float(np.clip(unknown.start + shift * unknown.size, *_inside(unknown)))
        theta[eigenvalue] = unknown.inverse(value)
        return tf.constant(theta)

    # 1. P and Q, from the Jacobian where the mode is zero, at two values of E.
    zero = np.zeros(len(columns))
    constant, first = _rows(squares, theta_of(zero, 0.0), batch, columns)
    _, second = _rows(squares, theta_of(zero, 1.0), batch, columns)
    takes_mode = np.any(first != 0, axis=1)
    if not np.any(second != first) or np.any(np.abs(constant[takes_mode]) > CUTOFF):
        return None
    # 2. The candidate next to the start.
    candidates = candidates_of(first[takes_mode], (second - first)[takes_mode])
    size = abs(unknown.start) / unknown.size
    modes = [c for c in candidates if c.residual <= CLOSE * max(abs(c.shift) + size, 1.0)]
    if not modes:
        return None
    best = min(modes, key=lambda c: abs(c.shift))

    # 3. Its amplitude, in which the normalization is not linear.
    def loss(amplitude: float) -> float:
        theta = theta_of(np.exp(amplitude) * best.parameters, best.shift)
        return float(np.dot(objective.losses(theta, batch).numpy(), batch.weights.numpy()))

    return theta_of(np.exp(_lowest(loss)) * best.parameters, best.shift)


def _with_biases(squares: LeastSquares, seed: int) -> Array:
    """Return the network's parameters and the unknowns [p], with random biases."""
    rng = np.random.default_rng(seed)
    pieces = []
    for variable in squares.objective.flat.variables:
        values = np.asarray(variable)
        if variable.name == "bias":
            values = rng.uniform(-BIAS, BIAS, values.shape)
        pieces.append(values.ravel())
    return np.concatenate(pieces)


def _inside(unknown: ScaledUnknown) -> tuple[float, float]:
    """Return the least and the largest value that the search can reach."""
    margin = CUTOFF * unknown.size
    lower = -np.inf if unknown.lower is None else unknown.lower + margin
    return lower, np.inf if unknown.upper is None else unknown.upper - margin


def _columns(squares: LeastSquares, layer: LastLayer) -> Any:
    """Return the places of the layer's kernel and bias in the flat vector."""
    wanted = {id(kernel_variable(layer)), id(layer.bias)}
    flat = squares.objective.flat
    places = []
    all_places = np.split(np.arange(flat.size), np.cumsum(flat.sizes)[:-1])
    for variable, own in zip(flat.variables, all_places, strict=True):
        if id(variable) in wanted:
            places.append(own)
    return np.concatenate(places)


def _rows(
    squares: LeastSquares, theta: tf.Tensor, batch: Batch, columns: Any
) -> tuple[Array, Array]:
    """Return the residuals [m] and their derivatives [m, k] by some entries of the vector."""
    residuals = []
    rows = []
    for values, jacobian in squares.jacobian(theta, batch):
        residuals.append(np.asarray(values, float))
        rows.append(np.asarray(jacobian, float)[columns].T)
    return np.concatenate(residuals), np.concatenate(rows)


def candidates_of(p: Array, q: Array) -> list[_Candidate]:
    """Return approximations of eigenvalues s and vectors c with (P + s Q) c = 0.

    Args:
        p: P [m, k].
        q: Q [m, k]; its rows are zero for conditions.
    """
    # 1. Combinations of functions that are orthonormal, as E sees them.
    values, vectors = scipy.linalg.eigh(q.T @ q)
    kept = values > CUTOFF * values[-1]
    basis = vectors[:, kept] / np.sqrt(values[kept])
    p, q = p @ basis, q @ basis
    # 2. Those that satisfy the conditions, and the equation's residuals orthogonal to them.
    is_condition = np.max(np.abs(q), axis=1) == 0
    inside = np.eye(p.shape[1])
    if is_condition.any():
        _, sizes, right = np.linalg.svd(p[is_condition])
        rank = int(np.sum(sizes > HELD * sizes[0]))
        inside = right[min(rank, len(right) - 1) :].T
    shifts = -np.linalg.eigvals(inside.T @ (q.T @ p) @ inside).real
    # 3. All residuals, in turn for the vector and for the eigenvalue.
    found = []
    for shift in shifts:
        vector = inside[:, 0]
        for _ in range(STEPS):
            rows = p + shift * q
            _, vectors = scipy.linalg.eigh(rows.T @ rows, subset_by_index=(0, 0))
            vector = vectors[:, 0]
            shift = -float((q @ vector) @ (p @ vector))
        residual = float(np.linalg.norm((p + shift * q) @ vector))
        found.append(_Candidate(shift, residual, basis @ vector))
    return found


def _lowest(loss: Callable[[float], float]) -> float:
    """Return where a function of a logarithm is lowest: on a grid, and then next to it."""
    grid = np.linspace(*AMPLITUDES, 29)
    best = grid[np.argmin([loss(a) for a in grid])]
    step = grid[1] - grid[0]
    found = scipy.optimize.minimize_scalar(loss, bounds=(best - step, best + step))
    return float(found.x)
