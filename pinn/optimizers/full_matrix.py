# pyright: strict, reportOperatorIssue=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUntypedFunctionDecorator=false
"""Quasi-Newton methods of Broyden's family on the full inverse Hessian approximation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import tensorflow as tf

from pinn.arrays import static_size
from pinn.errors import require_memory
from pinn.optimizers import line_search
from pinn.optimizers.interface import BatchT, Minimization, State, Status, with_memory
from pinn.optimizers.loops import GraphOptimizer
from pinn.settings import count, positive

MATRICES = 5  # of the size of H, in memory at once where a chunk of iterations ends and is saved
SHORTEST_TRIAL = 0.2  # of −Hg; a step that should have been shorter says little about the next one
SHIFT = 4.0  # diagonal shift of a matrix that is no longer positive definite, in units of ε tr H


class SearchMemory(NamedTuple):
    """What a line search starts from."""

    scale: tf.Tensor  # of the scaled identity that a fresh H is
    trial: tf.Tensor  # first trial of a search, in units of −Hg
    fresh: tf.Tensor  # whether H is still a scaled identity


class MatrixMemory(NamedTuple):
    """The inverse Hessian approximation H = factor × inverse."""

    inverse: tf.Tensor  # [p, p]
    factor: tf.Tensor
    step: tf.Tensor  # Hg [p]; NaN where it is not known
    search: SearchMemory


class Pair(NamedTuple):
    """A step s = α d, the change y of the gradient along it, the gradient before it, and α."""

    s: tf.Tensor  # [p]
    y: tf.Tensor  # [p]
    gradient: tf.Tensor  # [p]
    length: tf.Tensor

    @property
    def scale(self) -> tf.Tensor:
        """Return κ of the H = κ I with which a first step was made: s = −α κ g."""
        slope = tf.reduce_sum(self.s * self.gradient)
        return -tf.reduce_sum(self.s * self.s) / (self.length * slope)


class Update(NamedTuple):
    """H⁺ = factor H + ss s sᵀ + sh (s hᵀ + h sᵀ) + hh h hᵀ with h = Hy."""

    factor: tf.Tensor
    ss: tf.Tensor
    sh: tf.Tensor
    hh: tf.Tensor


class _Transform(NamedTuple):
    """A monotonic function of the loss."""

    value: Callable[[tf.Tensor], tf.Tensor]
    derivative: Callable[[tf.Tensor], tf.Tensor]
    inverse: Callable[[tf.Tensor], tf.Tensor]


def _tiny(loss: tf.Tensor) -> tf.Tensor:
    """Return what keeps the root and the logarithm of a loss of zero finite."""
    return tf.constant(np.finfo(loss.dtype.name).tiny, loss.dtype)


_TRANSFORMS = {
    "loss": _Transform(tf.identity, tf.ones_like, tf.identity),
    "root": _Transform(tf.sqrt, lambda f: 0.5 / tf.sqrt(f + _tiny(f)), tf.square),
    "log": _Transform(lambda f: tf.math.log(f + _tiny(f)), lambda f: 1 / (f + _tiny(f)), tf.exp),
}


@dataclass(frozen=True, kw_only=True)
class FullMatrix(GraphOptimizer[MatrixMemory]):
    """A scaled update of Broyden's family for the inverse Hessian approximation H [p, p].

        H⁺ = (H − Hy yᵀH / yᵀHy + φ (yᵀHy) v vᵀ) / τ + ρ s sᵀ,   v = ρ s − Hy / yᵀHy,   ρ = 1 / yᵀs

    Attributes:
        transform: what is minimized: the loss, its root or its logarithm, which are better scaled
            near convergence.
        first_step: length of the first step of an empty memory (at most the length of the
            gradient).
        line_search_iterations: maximum number of iterations of one line search.

    Raises:
        InputError: for numbers that are not positive, or an unknown transform.
    """

    transform: Literal["loss", "root", "log"] = "loss"
    first_step: float = positive(1.0)
    line_search_iterations: int = count(50)

    @abstractmethod
    def factors(
        self, b: tf.Tensor, h: tf.Tensor, fresh: tf.Tensor, size: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return (τ, φ) from b = ρ sᵀH⁻¹s and h = ρ yᵀHy.

        `fresh` says whether H is still a scaled identity.
        """

    def memory(
        self,
        minimization: Minimization[BatchT],
        position: tf.Tensor,
        gradient: tf.Tensor,
        shrink: tf.Tensor,
    ) -> MatrixMemory:
        """Return an identity, whose scale the first step sets."""
        one = tf.ones_like(shrink)
        return MatrixMemory(
            inverse=tf.eye(static_size(position), dtype=position.dtype),
            factor=one,
            step=position * np.nan,
            search=SearchMemory(scale=shrink, trial=one, fresh=tf.constant(True)),
        )

    def validate(self, size: int, dtype: str) -> None:
        """Raise an InputError where the matrix does not fit into the machine's memory."""
        require_memory(
            MATRICES * size**2 * np.dtype(dtype).itemsize,
            f"{self.label}: a matrix of {size:,} x {size:,} parameters",
            "use lbfgs (optimizer@phases.polish=lbfgs), or a smaller network",
        )

    def renew_memory(self, old: MatrixMemory, fresh: MatrixMemory) -> MatrixMemory:
        """Return the old H: the curvature of the loss on some points is nearly that on others."""
        return old._replace(step=fresh.step)

    def iterate(
        self, minimization: Minimization[BatchT], state: State[MatrixMemory], batch: BatchT
    ) -> State[MatrixMemory]:
        """Return the state after one iteration."""
        memory = state.memory
        _, gradient = self.transformed(state.loss, state.gradient)
        # Multiply, and shift H where it is no longer positive definite along the gradient.
        inverse = memory.factor * memory.inverse
        step = tf.linalg.matvec(inverse, gradient)
        slope = tf.reduce_sum(step * gradient)
        square = tf.reduce_sum(gradient * gradient)
        shift = diagonal_shift(slope, square, tf.linalg.trace(inverse))
        step = step + shift * gradient
        # Search along −Hg.
        direction, fresh = self.direction(step, gradient, memory.search)
        searching = with_memory(state, memory.search)
        searched, pair = self.search(minimization, searching, direction, fresh, batch)
        # Update H by the pair of the step.
        updated = memory._replace(
            inverse=self._update(inverse, shift, pair, fresh),
            factor=tf.ones_like(memory.factor),
            search=searched.memory,
        )
        return with_memory(searched, updated)

    def direction(
        self, step: tf.Tensor, gradient: tf.Tensor, memory: SearchMemory
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the search direction for a step Hg [p], and whether H is fresh.

        A fresh H, or one for which Hg is no descent direction, gives the gradient, shortened.
        """
        shortened = memory.scale * tf.minimum(self.first_step / tf.norm(gradient), 1.0) * gradient
        fresh = memory.fresh | ~(tf.reduce_sum(step * gradient) > 0)
        return -tf.where(fresh, shortened, step), fresh

    def search(
        self,
        minimization: Minimization[BatchT],
        state: State[SearchMemory],
        direction: tf.Tensor,
        fresh: tf.Tensor,
        batch: BatchT,
    ) -> tuple[State[SearchMemory], Pair]:
        """Return the state after a line search, and the pair of the step.

        The first trial is the step length that the last steps should have had, according to the
        slopes at their ends.  Along a narrow valley that is half of −Hg, and trying all of −Hg
        costs a second evaluation in every other iteration.
        """
        value, gradient = self.transformed(state.loss, state.gradient)
        last = state.memory.trial
        unit = tf.ones([], state.position.dtype)
        trial = tf.where(fresh, unit, last)
        result = line_search.search(
            lambda position: self.transformed(*minimization.function(position, batch)),
            state.position,
            trial * direction,
            (value, gradient),
            self.line_search_iterations,
        )
        # The zero of the slope, interpolated linearly from its values at both ends of the step.
        length = result.length * trial
        before = tf.reduce_sum(gradient * direction)
        after = tf.reduce_sum(result.gradient * direction)
        best = tf.clip_by_value(length * before / (before - after), SHORTEST_TRIAL, 1.0)
        known = ~fresh & (after > before)  # False where a slope is NaN
        trial = tf.where(known, tf.sqrt(last * best), last)
        # The loss and its gradient behind the transform.
        position = state.position + length * direction
        loss = _TRANSFORMS[self.transform].inverse(result.value)
        new = state._replace(
            position=position,
            loss=loss,
            gradient=result.gradient / self._derivative(loss),
            iterations=state.iterations + 1,
            evaluations=state.evaluations + result.evaluations,
            step=tf.norm(position - state.position),
            status=tf.where(result.failed, Status.SEARCH_FAILED, Status.RUNNING),
            memory=state.memory._replace(trial=trial, fresh=tf.constant(False)),
        )
        return new, Pair(length * direction, result.gradient - gradient, gradient, length)

    def coefficients(self, pair: Pair, hy: tf.Tensor, fresh: tf.Tensor) -> Update:
        """Return the update of H for a pair and Hy [p].

        A pair without curvature changes nothing.
        """
        s, y, gradient, length = pair
        sy = tf.reduce_sum(s * y)
        yhy = tf.reduce_sum(y * hy)
        rho = 1 / sy
        # H⁻¹s = −α g, as s = −α Hg.
        b = -length * rho * tf.reduce_sum(s * gradient)
        tau, phi = self.factors(b, rho * yhy, fresh, static_size(s))
        update = Update(
            factor=1 / tau,
            ss=rho + phi * yhy * rho**2 / tau,
            sh=-phi * rho / tau,
            hh=(phi - 1) / (yhy * tau),
        )
        finite = tf.reduce_all(tf.math.is_finite(tf.stack(update)))
        good = (sy > 0) & (yhy > 0) & (tau > 0) & finite
        one = tf.ones_like(sy)
        zero = tf.zeros_like(sy)
        return Update(
            factor=tf.where(good, update.factor, one),
            ss=tf.where(good, update.ss, zero),
            sh=tf.where(good, update.sh, zero),
            hh=tf.where(good, update.hh, zero),
        )

    def transformed(self, loss: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the transformed loss and its gradient [p]."""
        return _TRANSFORMS[self.transform].value(loss), self._derivative(loss) * gradient

    def _derivative(self, loss: tf.Tensor) -> tf.Tensor:
        return _TRANSFORMS[self.transform].derivative(loss)

    @tf.function(autograph=False, jit_compile=True)
    def _update(
        self, inverse: tf.Tensor, shift: tf.Tensor, pair: Pair, fresh: tf.Tensor
    ) -> tf.Tensor:
        """Return H⁺ [p, p] for a pair."""
        s = pair.s
        identity = tf.eye(static_size(s), dtype=s.dtype)
        before = tf.where(fresh, pair.scale * identity, inverse + shift * identity)
        hy = tf.linalg.matvec(before, pair.y)
        factor, ss, sh, hh = self.coefficients(pair, hy, fresh)
        return factor * before + _outer(s, ss * s + sh * hy) + _outer(hy, sh * s + hh * hy)


def diagonal_shift(slope: tf.Tensor, square: tf.Tensor, trace: tf.Tensor) -> tf.Tensor:
    """Return the diagonal shift of H that makes gᵀHg positive; zero where it already is.

    Late in a run the eigenvalues of H differ by more than the digits can represent, and rounding
    makes the small ones negative.  A scaled identity dominates these, which the next updates
    restore, and preserves all others.

    Args:
        slope: gᵀHg.
        square: gᵀg.
        trace: of H.
    """
    needed = -2 * slope / square + SHIFT * np.finfo(slope.dtype.name).eps * trace
    return tf.where(slope > 0, tf.zeros_like(slope), needed)


def _outer(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return a[:, None] * b[None, :]
