"""Quasi-Newton iterations that change their matrix where it lies, by BLAS."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import tensorflow as tf

from pinn.optimizers.minimizer import (
    NOT_FINITE,
    RUNNING,
    SEARCH_FAILED,
    Function,
    Limits,
    Minimizer,
    State,
    Stepper,
    Trace,
    judged,
)

AFRESH = 100  # iterations after which Hg is made of H and g again, and not of the Hg before: rounding adds up
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
        return -tf.reduce_sum(self.s * self.s) / (self.length * tf.reduce_sum(self.s * self.gradient))


class Update(NamedTuple):
    """H⁺ = factor H + ss s sᵀ + sh (s hᵀ + h sᵀ) + hh h hᵀ with h = Hy."""

    factor: tf.Tensor
    ss: tf.Tensor
    sh: tf.Tensor
    hh: tf.Tensor


class MatrixMinimizer(Minimizer):
    """A minimizer with a matrix H [p, p] = factor × inverse in its memory.

    Beside it are the scale of a fresh one, whether it is fresh, the first trial of a search in steps of −Hg, and Hg
    as `step` [p], NaN where it is not known.
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

    @abstractmethod
    def coefficients(self, pair: Pair, hy: tf.Tensor, fresh: tf.Tensor) -> Update:
        """Return the update of H for a pair and Hy [p]; the factor 1 and nothing else where a pair has no use."""


class InPlaceStepper(Stepper):
    """A matrix minimizer bound to a function, on a CPU.

    TensorFlow writes a new H in every iteration, which takes most of the time; BLAS changes one triangle of it.
    """

    def __init__(self, minimizer: MatrixMinimizer, function: Function) -> None:
        super().__init__(minimizer, function)
        self.full = minimizer

    def advance(self, state: State, batch: Any, steps: tf.Tensor, limits: Limits) -> tuple[State, Trace]:
        """Return the state after at most `steps` iterations, fewer if a limit is met, and what happened."""
        matrix, dtype = _Matrix(state.memory["inverse"].numpy(), float(state.memory["factor"])), state.loss.dtype
        step = state.memory["step"].numpy()
        state = state._replace(memory={k: state.memory[k] for k in ("scale", "trial", "fresh")})
        rows: list[tuple[tf.Tensor, ...]] = []
        if int(steps) == 0:  # compiles
            _, pair, _, fresh = self._pursued(state, state.gradient, batch, limits)
            self._coefficients(pair, pair.y, fresh)
        while len(rows) < int(steps) and int(state.status) == RUNNING:
            if int(state.iterations) % AFRESH == 0 or not np.isfinite(step[0]):
                step = matrix.product(self.full.measured(state.loss, state.gradient)[1].numpy())
            state, pair, scale, fresh = self._pursued(state, tf.constant(step, dtype), batch, limits)
            rows.append(Trace.row(state))
            if int(state.status) in (NOT_FINITE, SEARCH_FAILED):
                step = np.full_like(step, np.nan)
            else:
                if fresh:
                    matrix.restart(float(scale))
                    step = matrix.product(pair.gradient.numpy())
                hy = matrix.product(pair.y.numpy())
                update = self._coefficients(pair, tf.constant(hy, dtype), fresh).numpy().tolist()
                step = matrix.update(pair.s.numpy(), hy, (pair.gradient + pair.y).numpy(), step, *update)
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
        new = judged(state, new._replace(memory={**new.memory, "fresh": tf.constant(False)}), limits)
        return new, pair, pair.scale, fresh


class _Matrix:
    """A symmetric matrix, factor × the lower triangle of an array, changed where it lies."""

    def __init__(self, array: np.ndarray, factor: float) -> None:
        self.array, self.factor = np.array(array.T, order="F"), factor
        names: Any = ("symv", "syr", "syr2")
        self._symv, self._syr, self._syr2 = scipy.linalg.get_blas_funcs(names, dtype=self.array.dtype)

    def product(self, vector: np.ndarray) -> np.ndarray:
        """Return the product with a vector [p]."""
        return self._symv(self.factor, self.array, vector, lower=1)

    def restart(self, scale: float) -> None:
        """Become a multiple of one."""
        self.array[:], self.factor = 0.0, 1.0
        np.fill_diagonal(self.array, scale)

    def update(
        self,
        s: np.ndarray,
        h: np.ndarray,
        gradient: np.ndarray,
        step: np.ndarray,
        factor: float,
        ss: float,
        sh: float,
        hh: float,
    ) -> np.ndarray:
        """Become H⁺ = factor H + ss s sᵀ + sh (s hᵀ + h sᵀ) + hh h hᵀ, and return H⁺g for a gradient g [p].

        With H times the gradient before, the step [p], and h = Hy there is no need to go through the matrix for it.
        """
        self.factor *= factor
        if not 1 / LARGEST < self.factor < LARGEST:
            self.array *= self.factor
            self.factor = 1.0
        self._syr2(1 / self.factor, s, 0.5 * ss * s + sh * h, a=self.array, lower=1, overwrite_a=1)
        if hh:
            self._syr(hh / self.factor, h, a=self.array, lower=1, overwrite_a=1)
        along_s, along_h = float(s @ gradient), float(h @ gradient)
        return factor * (step + h) + (ss * along_s + sh * along_h) * s + (sh * along_s + hh * along_h) * h

    def whole(self) -> np.ndarray:
        """Return both triangles of the array, without the factor."""
        lower = np.tril(self.array)
        return lower + np.tril(self.array, -1).T
