# pyright: strict, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Gauss–Newton by singular values, for networks that are linearized about their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import scipy.linalg
import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.errors import InputError, require_memory
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

# ε of which one is chosen.
SHARES = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13)
HALVINGS = 6  # of a step that does not reduce the loss


class NoMemory(NamedTuple):
    """The memory of an optimizer whose iterations know nothing of one another."""


@dataclass(frozen=True, kw_only=True)
class GaussNewtonSVD(Optimizer[NoMemory]):
    """Gauss–Newton by singular values, with a step that is halved until it reduces the loss.

    A step d minimizes |r + J d|² + ε² s₁² |d|², with the largest singular value s₁ of J:

        d = −V S (S² + ε² s₁²)⁻¹ Uᵀ r,   J = U S Vᵀ

    ε is so small that directions count which the residuals hardly see: there a small loss hides a
    large error.  JᵀJ would lose them to rounding, so that J itself is decomposed, by QR and SVD
    (Golub & Van Loan 2013, "Matrix Computations", section 5.5).  Such steps are far too long for
    the parameters of a network.  For a linearized network, whose fields are linear in them, they
    are right: this is Newton's method for the fields (quasilinearization; Bellman & Kalaba 1965,
    "Quasilinearization and Nonlinear Boundary-Value Problems").
    """

    label: ClassVar[str] = "Gauss-Newton by SVD"

    def bind(self, minimization: Minimization[BatchT]) -> BoundOptimizer[NoMemory, BatchT]:
        """Return the optimizer bound to a sum of squares.

        Raises:
            InputError: where there is only a loss.
        """
        if minimization.residuals is None:
            raise InputError(
                "GaussNewtonSVD: needs residuals, and here is only a loss; use LBFGS, or give "
                "`Residuals`."
            )
        return _BoundGaussNewtonSVD(self, minimization, minimization.residuals)

    def memory(
        self,
        minimization: Minimization[BatchT],
        position: tf.Tensor,
        gradient: tf.Tensor,
        shrink: tf.Tensor,
    ) -> NoMemory:
        """Return nothing to remember."""
        return NoMemory()

    def validate(self, size: int, dtype: str) -> None:
        """Raise an InputError where the decomposition does not fit into memory.

        It holds the triangle, its singular vectors on both sides, and the rows of a piece.
        """
        require_memory(
            8 * 6 * size**2,
            f"GaussNewtonSVD: singular values of {size:,} parameters",
            "leave the phase out, or use a smaller network",
        )


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

    def restart(
        self, state: State[NoMemory], batch: BatchT, shrink: tf.Tensor
    ) -> State[NoMemory]:
        """Return the best state."""
        return self._evaluated(state.best_position, batch, state.iterations, state.evaluations)

    def renew(self, state: State[NoMemory], batch: BatchT) -> State[NoMemory]:
        """Return the state at the same position for a new loss."""
        return self._evaluated(state.position, batch, state.iterations, state.evaluations)

    def iterate(self, state: State[NoMemory], batch: BatchT) -> State[NoMemory]:
        """Return the state after one step."""
        pieces = self.squares.jacobian(state.position, batch)
        step, slope = _validated_step(pieces, static_size(state.position))
        evaluations = state.evaluations + 1
        gradient = tf.constant(2 * slope, state.position.dtype)
        failed = state._replace(
            iterations=state.iterations + 1,
            status=tf.constant(int(Status.SEARCH_FAILED)),
            gradient=gradient,
        )
        for halving in range(HALVINGS):
            move = tf.constant(step / 2**halving, state.position.dtype)
            position = state.position + move
            loss = self.squares.loss(position, batch)
            evaluations += 1
            if float(loss) < float(state.loss):
                return failed._replace(
                    position=position,
                    loss=loss,
                    evaluations=evaluations,
                    step=tf.norm(move),
                    status=state.status,
                )
        return failed._replace(evaluations=evaluations)

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


def svd_step(pieces: Pieces, size: int, resolved: float) -> Array:
    """Return the step d [p] that `GaussNewtonSVD` describes.

    Args:
        pieces: r [k] and Jᵀ [p, k], piece by piece.
        size: p.
        resolved: ε.
    """
    return _steps(Triangle(pieces, size).triangle, [resolved])[0]


def _validated_step(pieces: Pieces, size: int) -> tuple[Array, Array]:
    """Return the step d [p] with the ε of `SHARES` that predicts best, and Jᵀr [p].

    Of the steps from one half of the rows, the best one leaves the least of the linear residuals on
    the other half.
    """
    halves: list[list[tuple[Array, Array]]] = [[], []]
    for residuals, columns in pieces:
        for i, half in enumerate(halves):
            half.append((np.asarray(residuals)[i::2], np.asarray(columns)[:, i::2]))
    systems = [Triangle(half, size) for half in halves]
    triangles = [system.triangle for system in systems]
    left = np.zeros(len(SHARES))
    for one, other in (triangles, reversed(triangles)):
        for i, step in enumerate(_steps(one, SHARES)):
            left[i] += float(np.linalg.norm(other @ np.append(step, 1.0)))
    best = SHARES[int(np.argmin(left))]
    both = scipy.linalg.qr(np.concatenate(triangles), mode="r", check_finite=False)[0]
    return _steps(both[: size + 1], [best])[0], systems[0].slope + systems[1].slope


def _steps(triangle: Array, shares: Sequence[float]) -> list[Array]:
    """Return the steps [p] for several ε, from R [p + 1, p + 1] of the QR factorization of [J r]."""
    size = triangle.shape[1] - 1
    u, s, vt = scipy.linalg.svd(triangle[:, :size], full_matrices=False, check_finite=False)
    seen = u.T @ triangle[:, size]
    return [-vt.T @ (s / (s**2 + (share * s[0]) ** 2) * seen) for share in shares]
