# pyright: strict, reportMissingTypeStubs=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""The damped normal equations (JᵀJ + λI) x = −Jᵀr, for many λ, of a Jacobian given piece by piece.

They are solved in double precision whatever the precision of the pieces: by LAPACK, and on a GPU,
where the pieces are, by TensorFlow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg
import tensorflow as tf

from pinn.arrays import Array

Solve = Callable[[Array], Array]
"""b [p] -> x [p]."""

Pieces = Iterable[tuple[tf.Tensor | npt.NDArray[Any], tf.Tensor | npt.NDArray[Any]]]
"""Pieces of a residual vector and of its Jacobian: r [k] and Jᵀ [p, k]; arrays are C-ordered."""


class Damped(NamedTuple):
    """A factorization of JᵀJ + λI.

    Attributes:
        step: −(JᵀJ + λI)⁻¹ Jᵀr [p].
        solve: the solver for other right sides.
    """

    step: Array
    solve: Solve


_SYRK: Any = scipy.linalg.get_blas_funcs("syrk", dtype=np.float64)
_POTRF: Any = scipy.linalg.get_lapack_funcs("potrf", dtype=np.float64)
_POTRS: Any = scipy.linalg.get_lapack_funcs("potrs", dtype=np.float64)


class NormalEquations(ABC):
    """The normal equations of a Jacobian.

    Attributes:
        slope: Jᵀr [p].
        unit: mean diagonal of JᵀJ, the natural unit of λ.
    """

    slope: Array
    unit: float

    @abstractmethod
    def damped(self, damping: float) -> Damped | None:
        """Return the factorization for a λ > 0, or None where it is singular in this precision."""


class Gram(NormalEquations):
    """Cholesky factorization of JᵀJ + λI.

    It resolves singular values of J down to 1e-8 of the largest.
    """

    def __init__(self, pieces: Pieces, size: int) -> None:
        self.matrix: Array = np.zeros((size, size), order="F")
        self.slope = np.zeros(size)
        for residuals, columns in _double(pieces):
            # Half the multiplications of a general product, and in place, because the matrix has
            # Fortran's order.
            self.matrix = _SYRK(
                1.0, columns.T, beta=1.0, c=self.matrix, trans=1, lower=1, overwrite_c=1
            )
            self.slope += columns @ residuals
        self.unit = float(np.trace(self.matrix)) / size

    def damped(self, damping: float) -> Damped | None:
        """Return the factorization for a λ > 0, or None where it is singular in this precision."""
        solve = _cholesky(self.matrix, damping)
        return solve and Damped(-solve(self.slope), solve)


class DeviceGram(NormalEquations):
    """The same as `Gram`, by TensorFlow on the device where the pieces are."""

    def __init__(self, pieces: Pieces, size: int) -> None:
        self.matrix = tf.zeros([size, size], tf.float64)
        slope = tf.zeros([size], tf.float64)
        for residuals, piece in pieces:
            columns = tf.cast(piece, tf.float64)
            self.matrix += tf.matmul(columns, columns, transpose_b=True)
            slope += tf.linalg.matvec(columns, tf.cast(residuals, tf.float64))
        self.slope: Array = slope.numpy()
        self.unit = float(tf.linalg.trace(self.matrix)) / size

    def damped(self, damping: float) -> Damped | None:
        """Return the factorization for a λ > 0, or None where it is singular in this precision."""
        shift = damping * tf.eye(len(self.slope), dtype=tf.float64)
        try:
            factor = tf.linalg.cholesky(self.matrix + shift)
        except tf.errors.InvalidArgumentError:
            return None
        # Where a CPU raises, a GPU returns values that are not finite.
        if not tf.reduce_all(tf.math.is_finite(tf.linalg.diag_part(factor))):
            return None

        def solve(b: Array) -> Array:
            columns = tf.linalg.cholesky_solve(factor, tf.constant(b, tf.float64)[:, None])
            return columns[:, 0].numpy()

        return Damped(-solve(self.slope), solve)


class Triangle(NormalEquations):
    """QR factorization of J, from which that of [J; √λ I] follows.

    It takes four times the work of `Gram` and resolves all singular values.  There may be further
    right sides beside r, as columns of r [k, n].

    Attributes:
        triangle: R of the QR factorization of [J r], which contains Qᵀr.
        rows: number of residuals.
    """

    def __init__(self, pieces: Pieces, size: int) -> None:
        self.triangle: Array = np.zeros((0, size + 1))
        self.rows = 0
        self.slope = np.zeros(size)
        rows: list[Array] = []
        for residuals, columns in _double(pieces):
            sides = residuals.reshape(len(residuals), -1)
            self.slope += columns @ sides[:, 0]
            self.rows += len(residuals)
            rows.append(np.concatenate([columns.T, sides], 1))
            if sum(map(len, rows)) >= 2 * size:
                self._add(rows)
                rows = []
        self._add(rows)
        self.unit = float(np.sum(self.triangle[:, :size] ** 2)) / size

    def _add(self, rows: Sequence[Array]) -> None:
        above = [self.triangle] if len(self.triangle) else []
        if above or rows:
            self.triangle = _triangle([*above, *rows])

    def damped(self, damping: float) -> Damped | None:
        """Return the factorization for a λ > 0, or None where it is singular in this precision."""
        size = len(self.slope)
        factor = _triangle([self.triangle, np.sqrt(damping) * np.eye(size, size + 1)])
        triangle = factor[:size, :size]
        if len(triangle) < size or not np.all(np.diag(triangle)):
            return None

        def solve(b: Array) -> Array:
            # The seminormal equations RᵀR x = b.
            inner: Array = scipy.linalg.solve_triangular(triangle, b, trans=1)
            return scipy.linalg.solve_triangular(triangle, inner)

        step: Array = scipy.linalg.solve_triangular(triangle, factor[:size, size])
        return Damped(-step, solve)


class Dual(NormalEquations):
    """Cholesky factorization of JJᵀ + λI [m, m], by Woodbury's identity.

    For more parameters than residuals.
    """

    def __init__(self, pieces: Pieces, size: int) -> None:
        residuals: list[Array] = []
        columns: list[Array] = []
        for piece in _double(pieces):
            residuals.append(piece[0])
            columns.append(piece[1])
        self.columns = np.concatenate(columns, 1)
        self.residuals = np.concatenate(residuals)
        self.slope = self.columns @ self.residuals
        self.matrix: Array = np.asfortranarray(self.columns.T @ self.columns)
        self.unit = float(np.trace(self.matrix)) / size

    def damped(self, damping: float) -> Damped | None:
        """Return the factorization for a λ > 0, or None where it is singular in this precision."""
        inner = _cholesky(self.matrix, damping)
        if inner is None:
            return None

        def solve(b: Array) -> Array:
            return (b - self.columns @ inner(self.columns.T @ b)) / damping

        # Jᵀ (JJᵀ + λI)⁻¹ r contains no difference of nearly equal numbers, which `solve` cannot
        # avoid.
        return Damped(-self.columns @ inner(self.residuals), solve)


def _double(pieces: Pieces) -> Iterator[tuple[Array, Array]]:
    """Yield r [k] and Jᵀ [p, k] of the pieces in double precision."""
    for residuals, columns in pieces:
        # Copied, because NumPy asks the system for large pages, and TensorFlow does not: the
        # product is twice as fast.
        yield np.asarray(residuals, np.float64), np.array(columns, np.float64)


def _cholesky(matrix: Array, damping: float) -> Solve | None:
    """Return the solver for a matrix + λI, or None where it is singular in this precision."""
    damped = matrix.copy(order="F")
    damped[np.diag_indices_from(damped)] += damping
    factor, info = _POTRF(damped, lower=1, clean=0, overwrite_a=1)
    if info:
        return None

    def solve(b: Array) -> Array:
        return _POTRS(factor, b, lower=1)[0]

    return solve


def _triangle(rows: Sequence[Array]) -> Array:
    """Return R of the QR factorization of blocks of rows [·, p], one below the other."""
    size = rows[0].shape[1]
    factors: Any = scipy.linalg.qr(
        np.concatenate(rows), overwrite_a=True, mode="r", check_finite=False
    )
    return factors[0][:size]
