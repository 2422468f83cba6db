# pyright: strict, reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUntypedFunctionDecorator=false
"""Quasi-Newton iterations that update their matrix in place, by BLAS."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg
import tensorflow as tf

from pinn.optimizers.full_matrix import (
    FullMatrix,
    MatrixMemory,
    Pair,
    SearchMemory,
    diagonal_shift,
)
from pinn.optimizers.interface import (
    BatchT,
    BoundOptimizer,
    Limits,
    Minimization,
    State,
    Status,
    Trace,
    with_memory,
)
from pinn.optimizers.loops import judge

LARGEST = 1e100  # of a factor or its inverse, before it is multiplied into the matrix

Array = npt.NDArray[np.floating[Any]]


class InPlaceLoop(BoundOptimizer[MatrixMemory, BatchT]):
    """A full-matrix optimizer bound to a minimization, on a CPU.

    TensorFlow writes a new H in every iteration, which takes most of the time.  BLAS changes one
    triangle of it in place.
    """

    optimizer: FullMatrix

    def __init__(self, optimizer: FullMatrix, minimization: Minimization[BatchT]) -> None:
        super().__init__(optimizer, minimization)

    def advance(
        self, state: State[MatrixMemory], batch: BatchT, steps: tf.Tensor, limits: Limits
    ) -> tuple[State[MatrixMemory], Trace]:
        """Return the state after at most `steps` iterations, fewer at a limit, and their trace."""
        dtype = state.loss.dtype
        matrix = SymmetricMatrix(state.memory.inverse.numpy(), float(state.memory.factor))
        step: Array = state.memory.step.numpy()
        searching = with_memory(state, state.memory.search)
        if int(steps) == 0:
            self._prepare(searching, batch, limits)
        rows: list[Trace] = []
        while len(rows) < int(steps) and int(searching.status) == Status.RUNNING:
            step = self._descent_step(matrix, searching, step)
            searching, pair, scale, fresh = self._search(
                searching, tf.constant(step, dtype), batch, limits
            )
            rows.append(Trace.row(searching))
            if int(searching.status) in (Status.NOT_FINITE, Status.SEARCH_FAILED):
                step = np.full_like(step, np.nan)
            else:
                if fresh:
                    matrix.reset(float(scale))
                    step = matrix.product(pair.gradient.numpy())
                step = self._update(matrix, step, pair, fresh)
        memory = MatrixMemory(
            inverse=tf.constant(matrix.both_triangles(), dtype),
            factor=tf.constant(matrix.factor, dtype),
            step=tf.constant(step, dtype),
            search=searching.memory,
        )
        return with_memory(searching, memory), Trace.stack(rows, dtype)

    def _prepare(self, state: State[SearchMemory], batch: BatchT, limits: Limits) -> None:
        """Compile what an iteration needs."""
        _, pair, _, fresh = self._search(state, state.gradient, batch, limits)
        self._coefficients(pair, pair.y, fresh)

    def _descent_step(
        self, matrix: SymmetricMatrix, state: State[SearchMemory], step: Array
    ) -> Array:
        """Return Hg [p], where `step` is not it, with H shifted where gᵀHg is not positive."""
        gradient: Array = self.optimizer.transformed(state.loss, state.gradient)[1].numpy()
        if not np.isfinite(step[0]):
            step = matrix.product(gradient)
        slope = step @ gradient
        if slope > 0 or state.memory.fresh:
            return step
        square = gradient @ gradient
        trace = tf.constant(matrix.trace, slope.dtype)
        shift = diagonal_shift(tf.constant(slope), tf.constant(square), trace)
        matrix.shift_diagonal(float(shift))
        return matrix.product(gradient)

    def _update(self, matrix: SymmetricMatrix, step: Array, pair: Pair, fresh: tf.Tensor) -> Array:
        """Update H by a pair, given the step Hg [p] before it, and return the one after it."""
        # Hy = Hg⁺ − Hg, so that one product with the matrix gives both.
        gradient: Array = (pair.gradient + pair.y).numpy()
        product = matrix.product(gradient)
        hy = product - step
        coefficients = self._coefficients(pair, tf.constant(hy, product.dtype), fresh)
        update = Coefficients(*coefficients.numpy().tolist())
        return matrix.update(pair.s.numpy(), hy, update, gradient, product)

    @tf.function(autograph=False, jit_compile=True)
    def _coefficients(self, pair: Pair, hy: tf.Tensor, fresh: tf.Tensor) -> tf.Tensor:
        """Return the coefficients of the update, [4]."""
        return tf.stack(self.optimizer.coefficients(pair, hy, fresh))

    @tf.function(autograph=False)
    def _search(
        self, state: State[SearchMemory], step: tf.Tensor, batch: BatchT, limits: Limits
    ) -> tuple[State[SearchMemory], Pair, tf.Tensor, tf.Tensor]:
        """Return the judged state after a line search, and its pair.

        Third and fourth are κ of a first step, and whether H was fresh.
        """
        _, gradient = self.optimizer.transformed(state.loss, state.gradient)
        direction, fresh = self.optimizer.direction(step, gradient, state.memory)
        new, pair = self.optimizer.search(self.minimization, state, direction, fresh, batch)
        return judge(state, new, limits), pair, pair.scale, fresh


class Coefficients(NamedTuple):
    """The coefficients of an `Update`, as Python's numbers."""

    factor: float
    ss: float
    sh: float
    hh: float


class SymmetricMatrix:
    """A symmetric matrix, factor × the lower triangle of an array, changed in place."""

    def __init__(self, array: Array, factor: float) -> None:
        self.array: Array = np.array(array.T, order="F")
        self.factor = factor
        names: Any = ("symv", "syr2")
        routines = scipy.linalg.get_blas_funcs(names, dtype=self.array.dtype)
        self._symv: Any = routines[0]
        self._syr2: Any = routines[1]

    @property
    def trace(self) -> float:
        """The trace."""
        return self.factor * float(np.trace(self.array))

    def product(self, vector: Array) -> Array:
        """Return the product with a vector [p]."""
        return self._symv(self.factor, self.array, vector, lower=1)

    def reset(self, scale: float) -> None:
        """Become a scaled identity."""
        self.array[:] = 0.0
        self.factor = 1.0
        np.fill_diagonal(self.array, scale)

    def shift_diagonal(self, shift: float) -> None:
        """Add a scaled identity."""
        self.array[np.diag_indices_from(self.array)] += shift / self.factor

    def update(
        self, s: Array, h: Array, update: Coefficients, gradient: Array, product: Array
    ) -> Array:
        """Become H⁺ = factor H + ss s sᵀ + sh (s hᵀ + h sᵀ) + hh h hᵀ, and return H⁺g.

        Given the gradient g [p] and the product Hg [p], H⁺g takes no pass through the matrix.
        """
        factor, ss, sh, hh = update
        # Scale, by the factor alone unless it leaves its range.
        self.factor *= factor
        if not 1 / LARGEST < self.factor < LARGEST:
            self.array *= self.factor
            self.factor = 1.0
        # Add the rank-two update.
        for scale, a, b in _rank_two_terms(s, h, update):
            self._syr2(0.5 * scale / self.factor, a, b, a=self.array, lower=1, overwrite_a=1)
        # The same update of the product.
        along_s = float(s @ gradient)
        along_h = float(h @ gradient)
        return (
            factor * product + (ss * along_s + sh * along_h) * s + (sh * along_s + hh * along_h) * h
        )

    def both_triangles(self) -> Array:
        """Return both triangles of the array, without the factor."""
        lower = np.tril(self.array)
        return lower + np.tril(self.array, -1).T


def _rank_two_terms(s: Array, h: Array, update: Coefficients) -> list[tuple[float, Array, Array]]:
    """Return (κ, a, b) such that the sum of ½κ (a bᵀ + b aᵀ) is the rank-two part of an update.

    That is ss s sᵀ + sh (s hᵀ + h sᵀ) + hh h hᵀ.

    Each takes one pass through the matrix.  One is enough unless the quadratic form is definite:
    otherwise it is a product of two real linear forms, as a quadratic polynomial is of its zeros.
    """
    largest = max(abs(update.ss), abs(update.sh), abs(update.hh))
    if not largest:
        return []
    # Scaled, so that their squares do not overflow.
    ss = update.ss / largest
    sh = update.sh / largest
    hh = update.hh / largest
    discriminant = sh * sh - ss * hh
    q = -(sh + math.copysign(math.sqrt(max(discriminant, 0.0)), sh))
    if discriminant < 0 or q == 0:
        return [(largest, s, ss * s + 2 * sh * h), (largest, h, hh * h)]
    return [(largest, hh * h - q * s, h - (ss / q) * s)]
