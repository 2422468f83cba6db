"""Quasi-Newton iterations that change their matrix where it lies, by BLAS."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import tensorflow as tf

from pinn.optimizers.interface import (
    NOT_FINITE,
    RUNNING,
    SEARCH_FAILED,
    Function,
    Limits,
    Optimizer,
    State,
    Stepper,
    Trace,
    judged,
)

LIFT = 4.0  # roundings of the trace by which a matrix is lifted that is no longer positive definite
LARGEST = 1e100  # of a factor or its inverse, before the matrix takes it in


class Pair(NamedTuple):
    """A step s = α d, the difference y of the gradients after and before it, the latter, and α."""

    s: tf.Tensor  # [p]
    y: tf.Tensor  # [p]
    gradient: tf.Tensor  # [p]
    length: tf.Tensor

    @property
    def scale(self) -> tf.Tensor:
        """Return κ of the H = κ I with which a first step was made: s = −α κ g."""
        return -tf.reduce_sum(self.s * self.s) / (
            self.length * tf.reduce_sum(self.s * self.gradient)
        )


class Update(NamedTuple):
    """H⁺ = factor H + ss s sᵀ + sh (s hᵀ + h sᵀ) + hh h hᵀ with h = Hy."""

    factor: tf.Tensor
    ss: tf.Tensor
    sh: tf.Tensor
    hh: tf.Tensor


class MatrixOptimizer(Optimizer):
    """An optimizer with a matrix H [p, p] = factor × inverse in its memory.

    Beside it are the scale of a fresh one, whether it is fresh, the first trial of a search in
    steps of −Hg, and Hg as `step` [p], NaN where it is not known.
    """

    @abstractmethod
    def measured(self, loss: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return what is minimized, and its gradient."""

    @abstractmethod
    def direction(
        self, step: tf.Tensor, gradient: tf.Tensor, scale: tf.Tensor, fresh: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the direction of search for a step H g, and whether it is the gradient's own, shortened."""

    @abstractmethod
    def searched(
        self, function: Function, state: State, direction: tf.Tensor, fresh: tf.Tensor, batch: Any
    ) -> tuple[State, Pair]:
        """Return the state after a line search, its memory but for the first trial as it was, and the step's pair."""

    @staticmethod
    def lift(slope: Any, square: Any, trace: Any) -> tf.Tensor:
        """Return the multiple of one to be added to H so that gᵀHg, the `slope`, is positive; zero where it is.

        Late in a run the eigenvalues of H differ by more than the digits have room for, and
        rounding makes the small ones negative.  A multiple of one hides these, which the next
        updates restore, and keeps all others.

        Args:
            slope: gᵀHg.
            square: gᵀg.
            trace: of H.
        """
        slope = tf.convert_to_tensor(slope)
        needed = -2 * slope / square + LIFT * np.finfo(slope.dtype.name).eps * trace
        return tf.where(slope > 0, tf.zeros_like(slope), needed)

    @abstractmethod
    def coefficients(self, pair: Pair, hy: tf.Tensor, fresh: tf.Tensor) -> Update:
        """Return the update of H for a pair and Hy [p]; the factor 1 and nothing else where a pair has no use."""


class InPlaceStepper(Stepper):
    """A matrix optimizer bound to a function, on a CPU.

    TensorFlow writes a new H in every iteration, which takes most of the time; BLAS changes one
    triangle of it.
    """

    def __init__(self, optimizer: MatrixOptimizer, function: Function) -> None:
        super().__init__(optimizer, function)
        self.full = optimizer

    def advance(
        self, state: State, batch: Any, steps: tf.Tensor, limits: Limits
    ) -> tuple[State, Trace]:
        """Return the state after at most `steps` iterations, fewer if a limit is met, and what happened."""
        matrix, dtype = (
            _Matrix(state.memory["inverse"].numpy(), float(state.memory["factor"])),
            state.loss.dtype,
        )
        step = state.memory["step"].numpy()
        state = state._replace(memory={k: state.memory[k] for k in ("scale", "trial", "fresh")})
        rows: list[tuple[tf.Tensor, ...]] = []
        if int(steps) == 0:  # compiles
            _, pair, _, fresh = self._pursued(state, state.gradient, batch, limits)
            self._coefficients(pair, pair.y, fresh)
        while len(rows) < int(steps) and int(state.status) == RUNNING:
            gradient = self.full.measured(state.loss, state.gradient)[1].numpy()
            if not np.isfinite(step[0]):
                step = matrix.product(gradient)
            if not (step @ gradient > 0 or state.memory["fresh"]):
                matrix.add(
                    float(self.full.lift(step @ gradient, gradient @ gradient, matrix.trace))
                )
                step = matrix.product(gradient)
            state, pair, scale, fresh = self._pursued(
                state, tf.constant(step, dtype), batch, limits
            )
            rows.append(Trace.row(state))
            if int(state.status) in (NOT_FINITE, SEARCH_FAILED):
                step = np.full_like(step, np.nan)
            else:
                if fresh:
                    matrix.restart(float(scale))
                    step = matrix.product(pair.gradient.numpy())
                after = (pair.gradient + pair.y).numpy()
                product = matrix.product(after)
                hy = product - step
                update = self._coefficients(pair, tf.constant(hy, dtype), fresh).numpy().tolist()
                step = matrix.update(pair.s.numpy(), hy, after, product, *update)
        kept: dict[str, Any] = {"inverse": matrix.whole(), "factor": matrix.factor, "step": step}
        kept = {name: tf.constant(value, dtype) for name, value in kept.items()}
        return state._replace(memory={**kept, **state.memory}), Trace.of(rows, dtype)

    @tf.function(autograph=False, jit_compile=True)
    def _coefficients(self, pair: Pair, hy: tf.Tensor, fresh: tf.Tensor) -> tf.Tensor:
        """Return the coefficients of the update, [4]."""
        return tf.stack(self.full.coefficients(pair, hy, fresh))

    @tf.function(autograph=False)
    def _pursued(
        self, state: State, step: tf.Tensor, batch: Any, limits: Limits
    ) -> tuple[State, Pair, tf.Tensor, tf.Tensor]:
        """Return the judged state, its pair, κ of a first step, and whether H was fresh."""
        memory = state.memory
        gradient = self.full.measured(state.loss, state.gradient)[1]
        direction, fresh = self.full.direction(step, gradient, memory["scale"], memory["fresh"])
        new, pair = self.full.searched(self.function, state, direction, fresh, batch)
        new = judged(
            state, new._replace(memory={**new.memory, "fresh": tf.constant(False)}), limits
        )
        return new, pair, pair.scale, fresh


class _Matrix:
    """A symmetric matrix, factor × the lower triangle of an array, changed where it lies."""

    def __init__(self, array: np.ndarray, factor: float) -> None:
        self.array, self.factor = np.array(array.T, order="F"), factor
        names: Any = ("symv", "syr2")
        self._symv, self._syr2 = scipy.linalg.get_blas_funcs(names, dtype=self.array.dtype)

    def product(self, vector: np.ndarray) -> np.ndarray:
        """Return the product with a vector [p]."""
        return self._symv(self.factor, self.array, vector, lower=1)

    def restart(self, scale: float) -> None:
        """Become a multiple of one."""
        self.array[:], self.factor = 0.0, 1.0
        np.fill_diagonal(self.array, scale)

    @property
    def trace(self) -> float:
        """The trace."""
        return self.factor * float(np.trace(self.array))

    def add(self, multiple: float) -> None:
        """Add a multiple of one."""
        self.array[np.diag_indices_from(self.array)] += multiple / self.factor

    def update(
        self,
        s: np.ndarray,
        h: np.ndarray,
        gradient: np.ndarray,
        product: np.ndarray,
        factor: float,
        ss: float,
        sh: float,
        hh: float,
    ) -> np.ndarray:
        """Become H⁺ = factor H + ss s sᵀ + sh (s hᵀ + h sᵀ) + hh h hᵀ, and return H⁺g for a gradient g [p].

        With the product Hg there is no need to go through the matrix for H⁺g.
        """
        self.factor *= factor
        if not 1 / LARGEST < self.factor < LARGEST:
            self.array *= self.factor
            self.factor = 1.0
        for scale, a, b in _products(ss, sh, hh, s, h):
            self._syr2(0.5 * scale / self.factor, a, b, a=self.array, lower=1, overwrite_a=1)
        along_s, along_h = float(s @ gradient), float(h @ gradient)
        return (
            factor * product + (ss * along_s + sh * along_h) * s + (sh * along_s + hh * along_h) * h
        )

    def whole(self) -> np.ndarray:
        """Return both triangles of the array, without the factor."""
        lower = np.tril(self.array)
        return lower + np.tril(self.array, -1).T


def _products(
    ss: float, sh: float, hh: float, s: np.ndarray, h: np.ndarray
) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """Return (κ, a, b) so that ss s sᵀ + sh (s hᵀ + h sᵀ) + hh h hᵀ is the sum of ½κ (a bᵀ + b aᵀ).

    One pass through a matrix takes each; one is enough unless the form is definite, for it then is
    a product of two real linear forms, as a quadratic polynomial of its zeros.
    """
    largest = max(abs(ss), abs(sh), abs(hh))
    if not largest:
        return []
    ss, sh, hh = ss / largest, sh / largest, hh / largest  # whose squares do not overflow
    discriminant = sh * sh - ss * hh
    q = -(sh + math.copysign(math.sqrt(max(discriminant, 0.0)), sh))
    if discriminant < 0 or q == 0:
        return [(largest, s, ss * s + 2 * sh * h), (largest, h, hh * h)]
    return [(largest, hh * h - q * s, h - (ss / q) * s)]
