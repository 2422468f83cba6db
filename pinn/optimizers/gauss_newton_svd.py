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
from pinn.errors import InputError
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

# ε of which one is chosen.
SHARES = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13)
OTHERS = 1 / 7  # share of the residuals that do not make the step, but test it
FEW = 64  # rows of a piece that are too few for a share of them to stand for all
HALVINGS = 6  # lengths of a step that are tried, each half of the one before


class NoMemory(NamedTuple):
    """The memory of an optimizer whose iterations know nothing of one another."""


@dataclass(frozen=True, kw_only=True)
class GaussNewtonSVD(Optimizer[NoMemory]):
    """Gauss–Newton by singular values, with steps that must reduce residuals they were not made of.

    A step d minimizes |r + J d|² + ε² s₁² |d|², with the largest singular value s₁ of J:

        d = −V S (S² + ε² s₁²)⁻¹ Uᵀ r,   J = U S Vᵀ

    ε is so small that directions count which the residuals hardly see: there a small loss hides a
    large error.  JᵀJ would lose them to rounding, so that J itself is decomposed, by QR and SVD
    (Golub & Van Loan 2013, "Matrix Computations", section 5.5).  Such steps are far too long for
    the parameters of a network.  For a linearized network, whose fields are linear in them, they
    are right: this is Newton's method for the fields (quasilinearization; Bellman & Kalaba 1965,
    "Quasilinearization and Nonlinear Boundary-Value Problems").

    Of several ε, the one is taken with which the step from one half of the rows of [J r] leaves the
    least of the linear residuals on the other half.  A seventh of the rows belongs to neither.  The
    step is halved until it reduces their residuals.

    Attributes:
        largest: number of parameters above which a phase is left out, as its time grows with their
            cube.

    Raises:
        InputError: for a number out of range.
    """

    label: ClassVar[str] = "Gauss-Newton by SVD"
    largest: int = count(3000)

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

    def why_left_out(self, size: int, dtype: str) -> str | None:
        """Return why a phase with `size` parameters is left out; None where it is not."""
        if dtype != "float64":
            return f"{dtype} does not resolve the singular values that matter"
        if size > self.largest:
            return f"{size:,} parameters are more than {self.largest:,}"
        return None


class _Parts:
    """The rows of [J r], drawn at random into two halves and others, which no step sees.

    The few rows of a short piece, such as an initial value, belong to both halves.

    Args:
        pieces: r [k] and Jᵀ [p, k], piece by piece.
        seed: of the draw.

    Attributes:
        halves: r and Jᵀ of either half, piece by piece.
        others: Σ r² over the others.
    """

    def __init__(self, pieces: Pieces, *, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.halves: tuple[list[tuple[Array, Array]], ...] = ([], [])
        self.others = 0.0
        for residuals, columns in pieces:
            r, transposed = np.asarray(residuals), np.asarray(columns)
            # Not every second row: every second point of a Sobol sequence lies in one half of the
            # domain.
            drawn = rng.random(len(r))
            if len(r) < FEW:
                for half in self.halves:
                    half.append((r / np.sqrt(2), transposed / np.sqrt(2)))
                continue
            self.others += float(np.sum(r[drawn < OTHERS] ** 2))
            upper = drawn > (1 + OTHERS) / 2
            for half, rows in zip(self.halves, (upper, ~upper & (drawn >= OTHERS)), strict=True):
                half.append((r[rows], transposed[:, rows]))


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
        seed = int(state.iterations)
        # 1. The step, from most of the residuals.
        parts = _Parts(self.squares.jacobian(state.position, batch), seed=seed)
        step, slope = _validated_step(parts.halves, static_size(state.position))
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
            if _Parts(self.squares.jacobian(position, batch), seed=seed).others < parts.others:
                return failed._replace(
                    position=position,
                    loss=self.squares.loss(position, batch),
                    evaluations=state.evaluations + halving + 3,
                    step=tf.norm(move),
                    status=state.status,
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


def svd_step(pieces: Pieces, size: int, resolved: float) -> Array:
    """Return the step d [p] that `GaussNewtonSVD` describes.

    Args:
        pieces: r [k] and Jᵀ [p, k], piece by piece.
        size: p.
        resolved: ε.
    """
    return _steps(Triangle(pieces, size).triangle, [resolved])[0]


def _validated_step(
    halves: Sequence[Sequence[tuple[Array, Array]]], size: int
) -> tuple[Array, Array]:
    """Return the step d [p] with the ε of `SHARES` that predicts best, and Jᵀr [p].

    Of the steps from one half of the rows, the best one leaves the least of the linear residuals on
    the other half.

    Args:
        halves: r [k] and Jᵀ [p, k] of either half, piece by piece.
        size: p.
    """
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
    """Return the steps [p] for several ε, from R [p + 1, p + 1] of [J r] = QR."""
    size = triangle.shape[1] - 1
    u, s, vt = scipy.linalg.svd(triangle[:, :size], full_matrices=False, check_finite=False)
    seen = u.T @ triangle[:, size]
    return [-vt.T @ (s / (s**2 + (share * s[0]) ** 2) * seen) for share in shares]
