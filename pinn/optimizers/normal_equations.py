"""The damped normal equations (JᵀJ + λI) x = −Jᵀr of a Jacobian that comes in pieces, for many λ.

In double precision whatever the pieces' is: by LAPACK, and on a GPU, where the pieces lie, by
TensorFlow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import tensorflow as tf

Solve = Callable[[np.ndarray], np.ndarray]
"""b [p] -> x [p]."""

Pieces = Iterable[tuple[Any, Any]]
"""Pieces of a residual vector and of its Jacobian: r [k] and Jᵀ [p, k], tensors or C-ordered arrays."""


class Damped(NamedTuple):
    """A factorization of JᵀJ + λI: the step −(JᵀJ + λI)⁻¹ Jᵀr [p], and the solver for other right sides."""

    step: np.ndarray
    solve: Solve


_SYRK: Any = scipy.linalg.get_blas_funcs("syrk", dtype=np.float64)
_POTRF: Any = scipy.linalg.get_lapack_funcs("potrf", dtype=np.float64)
_POTRS: Any = scipy.linalg.get_lapack_funcs("potrs", dtype=np.float64)


class NormalEquations(ABC):
    """A Jacobian's normal equations.

    Attributes:
        slope: Jᵀr [p].
        unit: mean diagonal of JᵀJ, the natural unit of λ.
    """

    slope: np.ndarray
    unit: float

    @abstractmethod
    def damped(self, damping: float) -> Damped | None:
        """Return the factorization for a λ > 0, or None where the matrix is singular in this precision."""


class Gram(NormalEquations):
    """By Cholesky's factorization of JᵀJ + λI, which sees singular values of J down to 1e-8 of the largest."""

    def __init__(self, pieces: Pieces, size: int) -> None:
        self.matrix, self.slope = np.zeros((size, size), order="F"), np.zeros(size)
        for residuals, columns in _double(pieces):
            # Half the multiplications of a general product, and in place, as its arrays are
            # Fortran's.
            self.matrix = _SYRK(
                1.0, columns.T, beta=1.0, c=self.matrix, trans=1, lower=1, overwrite_c=1
            )
            self.slope += columns @ residuals
        self.unit = float(np.trace(self.matrix)) / size

    def damped(self, damping: float) -> Damped | None:
        """Return the factorization for a λ > 0, or None where the matrix is singular in this precision."""
        solve = _cholesky(self.matrix, damping)
        return solve and Damped(-solve(self.slope), solve)


class DeviceGram(NormalEquations):
    """What `Gram` is, by TensorFlow on the device where the pieces lie."""

    def __init__(self, pieces: Pieces, size: int) -> None:
        self.matrix, slope = tf.zeros([size, size], tf.float64), tf.zeros([size], tf.float64)
        for residuals, columns in pieces:
            columns = tf.cast(columns, tf.float64)
            self.matrix += tf.matmul(columns, columns, transpose_b=True)
            slope += tf.linalg.matvec(columns, tf.cast(residuals, tf.float64))
        self.slope, self.unit = slope.numpy(), float(tf.linalg.trace(self.matrix)) / size

    def damped(self, damping: float) -> Damped | None:
        """Return the factorization for a λ > 0, or None where the matrix is singular in this precision."""
        try:
            factor = tf.linalg.cholesky(
                self.matrix + damping * tf.eye(len(self.slope), dtype=tf.float64)
            )
        except tf.errors.InvalidArgumentError:  # a GPU gives numbers that are none, a CPU raises
            return None
        if not tf.reduce_all(tf.math.is_finite(tf.linalg.diag_part(factor))):
            return None

        def solve(b: np.ndarray) -> np.ndarray:
            return tf.linalg.cholesky_solve(factor, tf.constant(b, tf.float64)[:, None])[
                :, 0
            ].numpy()

        return Damped(-solve(self.slope), solve)


class Triangle(NormalEquations):
    """By a QR factorization of J, from which that of [J; √λ I] follows: four times the work, all singular values."""

    def __init__(self, pieces: Pieces, size: int) -> None:
        self.triangle, self.slope = np.zeros((0, size + 1)), np.zeros(size)
        rows: list[np.ndarray] = []
        for residuals, columns in _double(pieces):
            self.slope += columns @ residuals
            rows.append(np.concatenate([columns.T, residuals[:, None]], 1))  # carries Qᵀr along
            if sum(map(len, rows)) >= 2 * size:
                self.triangle, rows = _triangle([self.triangle, *rows]), []
        self.triangle = _triangle([self.triangle, *rows])
        self.unit = float(np.sum(self.triangle[:, :-1] ** 2)) / size

    def damped(self, damping: float) -> Damped | None:
        """Return the factorization for a λ > 0, or None where it is singular in this precision."""
        size = len(self.slope)
        factor = _triangle([self.triangle, np.sqrt(damping) * np.eye(size, size + 1)])
        triangle, projected = factor[:size, :size], factor[:size, size]
        if len(triangle) < size or not np.all(np.diag(triangle)):
            return None

        def solve(b: np.ndarray) -> np.ndarray:  # seminormal equations
            return scipy.linalg.solve_triangular(
                triangle, scipy.linalg.solve_triangular(triangle, b, trans=1)
            )

        return Damped(-scipy.linalg.solve_triangular(triangle, projected), solve)


class Dual(NormalEquations):
    """By Cholesky's factorization of JJᵀ + λI [m, m], for more weights than residuals (Woodbury's identity)."""

    def __init__(self, pieces: Pieces, size: int) -> None:
        found = list(_double(pieces))
        self.columns = np.concatenate([columns for _, columns in found], 1)
        self.residuals = np.concatenate([residuals for residuals, _ in found])
        self.slope = self.columns @ self.residuals
        self.matrix = np.asfortranarray(self.columns.T @ self.columns)
        self.unit = float(np.trace(self.matrix)) / size

    def damped(self, damping: float) -> Damped | None:
        """Return the factorization for a λ > 0, or None where the matrix is singular in this precision."""
        inner = _cholesky(self.matrix, damping)
        if inner is None:
            return None
        # Jᵀ (JJᵀ + λI)⁻¹ r has no difference of near numbers, which the general right side cannot
        # avoid.
        step = -self.columns @ inner(self.residuals)
        return Damped(step, lambda b: (b - self.columns @ inner(self.columns.T @ b)) / damping)


def _double(pieces: Pieces) -> Pieces:
    # Copied, as NumPy asks the system for large pages, and TensorFlow does not: the product is
    # twice as fast.
    return ((np.asarray(r, np.float64), np.array(c, np.float64)) for r, c in pieces)


def _cholesky(matrix: np.ndarray, damping: float) -> Solve | None:
    damped = matrix.copy(order="F")
    damped[np.diag_indices_from(damped)] += damping
    factor, info = _POTRF(damped, lower=1, clean=0, overwrite_a=1)
    return None if info else lambda b: _POTRS(factor, b, lower=1)[0]


def _triangle(rows: list[np.ndarray]) -> np.ndarray:
    """Return R of the QR factorization of rows [·, p] one above the other."""
    found: Any = scipy.linalg.qr(
        np.concatenate(rows), overwrite_a=True, mode="r", check_finite=False
    )
    return found[0][: rows[0].shape[1]]
