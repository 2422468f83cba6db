# pyright: strict, reportMissingTypeStubs=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Gauss–Newton by singular values, for networks that are linearized about their parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg
import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.optimizers.interface import (
    BatchT,
    BoundOptimizer,
    Minimization,
    Optimizer,
    State,
    Status,
)
from pinn.optimizers.least_squares import SumOfSquares
from pinn.optimizers.loops import PythonLoop
from pinn.optimizers.normal_equations import Pieces, Triangle
from pinn.settings import count

LARGEST = 3000  # parameters; the cost of the decomposition grows with their cube
RESOLVED = 1e-13  # singular values below this share of the largest are rounding errors
TINY = np.finfo(float).tiny
OTHERS = 1 / 7  # share of the residuals that do not make the step, but test it
WORTHWHILE = 0.1  # share by which a whole step must reduce the others for another one to follow
FEW = 64  # rows of a piece that are too few for a share of them to stand for all
HALVINGS = 6  # lengths of a step that are tried, each half of the one before


class NoMemory(NamedTuple):
    """The memory of an optimizer whose iterations know nothing of one another."""


@dataclass(frozen=True, kw_only=True)
class GaussNewtonSVD(Optimizer[NoMemory]):
    """Gauss–Newton by singular values, with steps that must reduce residuals they were not made of.

    With J = U S Vᵀ and c = Uᵀ r, the step along every right singular vector is

        dᵢ = −(cᵢ / sᵢ) max(0, 1 − σ²/cᵢ²),   σ² = |r − U c|² / (m − p)

    Directions count which the residuals hardly see: there a small loss hides a large error.  JᵀJ
    would lose them to rounding, so that J itself is decomposed, by QR and SVD (Golub & Van Loan
    2013, "Matrix Computations", section 5.5).  What no step can reduce, noise above all, has the
    variance σ² in every direction; a direction in which there is no more than that is left alone
    (the positive part of Stein's estimator; Efron & Morris 1973,
    doi:10.1080/01621459.1973.10481350).

    Such steps are far too long for the parameters of a network.  For a linearized network, whose
    fields are linear in them, they are right: this is Newton's method for the fields
    (quasilinearization; Bellman & Kalaba 1965, "Quasilinearization and Nonlinear Boundary-Value
    Problems").  A seventh of the residuals takes no part in a step, which is halved until it
    reduces them.  A whole step that reduces them by less than a tenth is the last.

    Attributes:
        largest: number of parameters above which a phase is left out.

    Raises:
        InputError: for a number out of range.
    """

    label: ClassVar[str] = "Gauss-Newton by SVD"
    largest: int = count(LARGEST)

    def bind(self, minimization: Minimization[BatchT]) -> BoundOptimizer[NoMemory, BatchT]:
        """Return the optimizer bound to a sum of squares.

        Raises:
            InputError: where there is only a loss.
        """
        return _BoundGaussNewtonSVD(self, minimization, minimization.squares("GaussNewtonSVD"))

    def memory(
        self,
        minimization: Minimization[BatchT],
        position: tf.Tensor,
        gradient: tf.Tensor,
        shrink: tf.Tensor,
    ) -> NoMemory:
        """Return nothing to remember."""
        return NoMemory()

    def why_left_out(self, size: int, dtype: str) -> str | None:
        """Return why a phase with `size` parameters is left out; None where it is not."""
        if dtype != "float64":
            return f"{dtype} does not resolve the singular values that matter"
        if size > self.largest:
            return f"{size:,} parameters are more than {self.largest:,}"
        return None


class _Parts:
    """The rows of [J r], drawn at random into those that make a step, and others that test it.

    Args:
        pieces: r [k] and Jᵀ [p, k], piece by piece.
        seed: of the draw.

    Attributes:
        making: r and Jᵀ of the former, piece by piece.
        others: Σ r² over the latter.
    """

    def __init__(self, pieces: Pieces, *, seed: int) -> None:
        self._seed = seed
        self.making: list[tuple[Array, Array]] = []
        self.others = 0.0
        rng = np.random.default_rng(seed)
        for residuals, columns in pieces:
            r, makes = np.asarray(residuals), _makes(rng, len(residuals))
            self.making.append((r[makes], np.asarray(columns)[:, makes]))
            self.others += float(np.sum(r[~makes] ** 2))

    def others_at(self, pieces: Pieces) -> float:
        """Return Σ r² over the others at another position, from its pieces."""
        rng = np.random.default_rng(self._seed)
        total = 0.0
        for residuals, _ in pieces:
            r = np.asarray(residuals)
            total += float(np.sum(r[~_makes(rng, len(r))] ** 2))
        return total


def _makes(rng: np.random.Generator, count: int) -> npt.NDArray[np.bool_]:
    """Return which of a piece's rows make a step [count].

    The few rows of a short piece, such as an initial value, all do.
    """
    # Not every seventh row: such points of a Sobol sequence may lie in one place.
    return (rng.random(count) >= OTHERS) | (count < FEW)


class _BoundGaussNewtonSVD(PythonLoop[NoMemory, BatchT]):
    """Gauss–Newton by singular values, bound to a sum of squares.

    It evaluates no gradient by itself: that of a state belongs to the position before its step.
    """

    def __init__(
        self,
        optimizer: GaussNewtonSVD,
        minimization: Minimization[BatchT],
        squares: SumOfSquares[BatchT],
    ) -> None:
        super().__init__(optimizer, minimization)
        self.settings = optimizer
        self.squares = squares

    def prepare(self, state: State[NoMemory], batch: BatchT) -> None:
        """Compile nothing, as the first evaluation has compiled the loss."""

    def start(self, position: tf.Tensor, batch: BatchT) -> State[NoMemory]:
        """Return the state at a position [p], after one evaluation."""
        return self._evaluated(position, batch, tf.constant(0), tf.constant(0))

    def restart(self, state: State[NoMemory], batch: BatchT, shrink: tf.Tensor) -> State[NoMemory]:
        """Return the best state."""
        return self._evaluated(state.best_position, batch, state.iterations, state.evaluations)

    def renew(self, state: State[NoMemory], batch: BatchT) -> State[NoMemory]:
        """Return the state at the same position for a new loss."""
        return self._evaluated(state.position, batch, state.iterations, state.evaluations)

    def iterate(self, state: State[NoMemory], batch: BatchT) -> State[NoMemory]:
        """Return the state after one step."""
        # 1. The step, from most of the residuals.
        pieces = self.squares.jacobian(state.position, batch)
        parts = _Parts(pieces, seed=int(state.iterations))
        decomposition = Decomposition(parts.making, static_size(state.position))
        step, slope = decomposition.step(), decomposition.slope
        failed = state._replace(
            iterations=state.iterations + 1,
            evaluations=state.evaluations + 1 + HALVINGS,
            status=tf.constant(int(Status.SEARCH_FAILED)),
            gradient=tf.constant(2 * slope, state.position.dtype),
        )
        # 2. Its length: the longest that reduces the others.
        for halving in range(HALVINGS):
            move = tf.constant(step / 2**halving, state.position.dtype)
            position = state.position + move
            # By the Jacobian, which is traced already: residuals alone would take longer.
            others = parts.others_at(self.squares.jacobian(position, batch))
            if others < parts.others:
                # The loss of the step's own residuals falls with every step on new points.
                ends = halving == 0 and others > (1 - WORTHWHILE) * parts.others
                return failed._replace(
                    position=position,
                    loss=self.squares.loss(position, batch),
                    evaluations=state.evaluations + halving + 3,
                    step=tf.norm(move),
                    status=tf.constant(int(Status.LOSS_CHANGE)) if ends else state.status,
                )
        return failed

    def _evaluated(
        self, position: tf.Tensor, batch: BatchT, iterations: tf.Tensor, evaluations: tf.Tensor
    ) -> State[NoMemory]:
        loss = self.squares.loss(position, batch)
        status = Status.RUNNING if np.isfinite(float(loss)) else Status.NOT_FINITE
        return State(
            position=position,
            loss=loss,
            gradient=tf.ones_like(position),
            best_position=position,
            best_loss=loss,
            iterations=iterations,
            evaluations=evaluations + 1,
            step=tf.zeros([], position.dtype),
            status=tf.constant(int(status)),
            memory=NoMemory(),
        )


class Decomposition:
    """A residual vector and its Jacobian J = U S Vᵀ, by QR and SVD, in double precision.

    Args:
        pieces: r [k] and Jᵀ [p, k], piece by piece; or r [k, 1 + n] with n changes of the residuals
            beside them.
        size: p.

    Attributes:
        values: the singular values [k], the largest first.
        directions: the right singular vectors Vᵀ [k, p].
        slope: Jᵀr [p].
        left: |r − U Uᵀ r|², what no change of the parameters can reduce.
    """

    def __init__(self, pieces: Pieces, size: int) -> None:
        system = Triangle(pieces, size)
        triangle = system.triangle[:, :size]
        u, self.values, self.directions = scipy.linalg.svd(
            triangle, full_matrices=False, check_finite=False
        )
        self.slope = system.slope
        seen: Array = u.T @ system.triangle[:, size:]
        self._seen, self._changes = seen[:, 0], seen[:, 1:]
        # Below R of J, that of [J r] has the norm of what is left of r.
        self.left = float(np.sum(system.triangle[size:, size] ** 2))
        self._variance = self.left / max(system.rows - size, 1)

    def step(self, resolved: float = RESOLVED) -> Array:
        """Return the step d [p] that `GaussNewtonSVD` describes.

        Args:
            resolved: share of the largest singular value below which others do not count.
        """
        shares = np.maximum(0.0, 1 - self._variance / np.maximum(self._seen**2, TINY))
        return -self.directions.T @ (self._inverse(resolved) * shares * self._seen)

    def responses(self, resolved: float = RESOLVED) -> Array:
        """Return the steps [n, p] that make up for the changes of the residuals.

        Args:
            resolved: share of the largest singular value below which others do not count.
        """
        return -(self._inverse(resolved) * self._changes.T) @ self.directions

    def _inverse(self, resolved: float) -> Array:
        """Return the inverse singular values [k], but of the small ones."""
        s = self.values
        return s / (s**2 + (resolved * s[0]) ** 2)

    def whitened(self, share: float) -> Array:
        """Return W [p, k] of orthogonal columns with |J w|² + (ε s₁)² |w|² = 1, for a share ε."""
        s = self.values
        return self.directions.T / np.sqrt(s**2 + (share * s[0]) ** 2)

    def norms(self, steps: Array) -> Array:
        """Return |J d| [n] for steps [n, p]."""
        return np.linalg.norm((steps @ self.directions.T) * self.values, axis=1)
