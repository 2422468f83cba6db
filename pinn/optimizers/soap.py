# pyright: strict, reportOperatorIssue=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner, matrix by matrix of a flat vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from pinn.arrays import static_size
from pinn.errors import InputError
from pinn.optimizers.interface import BatchT, Minimization, Shape, State
from pinn.optimizers.moments import (
    RATES,
    MomentOptimizer,
    Moments,
    Schedule,
    move,
    zero_moments,
)
from pinn.optimizers.schedules import WarmupExponentialDecay
from pinn.settings import between, count, positive

_RATE = WarmupExponentialDecay(peak=3e-3, warmup_steps=100, decay_steps=500, decay_rate=0.8)


class Preconditioner(NamedTuple):
    """Shampoo's preconditioner of a matrix [a, b] and its approximate eigenvectors."""

    left: tf.Tensor  # L [a, a]
    right: tf.Tensor  # R [b, b]
    left_basis: tf.Tensor  # Qₗ [a, a]
    right_basis: tf.Tensor  # Qᵣ [b, b]


class SOAPMemory(NamedTuple):
    """Moments, that of squares in the eigenbases, and one preconditioner per matrix."""

    moments: Moments
    preconditioners: tuple[Preconditioner, ...]


@dataclass(frozen=True, kw_only=True)
class SOAP(MomentOptimizer[SOAPMemory]):
    """SOAP (Vyas et al. 2024, arXiv:2409.11321; on PINNs Wang et al. 2025, arXiv:2502.00604).

    For a kernel W [a, b] with gradient G, in iteration t:

        G' = Qₗᵀ G Qᵣ,   M ← β₁ M + (1 − β₁) G,   V ← β₂ V + (1 − β₂) G'²
        W ← W − η Qₗ (Qₗᵀ M Qᵣ / (1 − β₁ᵗ) / (√(V / (1 − β₂ᵗ)) + ε)) Qᵣᵀ
        L ← β₂ L + (1 − β₂) G Gᵀ,   R ← β₂ R + (1 − β₂) GᵀG

    and every `precondition_frequency` iterations one step of orthogonal iteration updates the
    eigenvectors: Qₗ ← QR(L Qₗ), Qᵣ ← QR(R Qᵣ), columns (and V with them) in descending order of
    their Rayleigh quotients, as in the authors' program.  The first Qₗ and Qᵣ are the eigenvectors
    of G Gᵀ and GᵀG at the start.  Biases and coefficients have no matrix; for them SOAP is Adam.  A
    kernel of more than two dimensions [.., b] counts as [a, b].  The trainer, `fit` and
    `minimize(shapes=…)` provide the shapes; without shapes, SOAP is Adam.

    Attributes:
        learning_rate: η, a positive number, or a schedule from iteration to learning rate; see
            `Adam`.
        beta_1: β₁, decay of the mean of gradients.
        beta_2: β₂, decay of the mean of squared gradients, and of L and R.
        epsilon: ε, added to the root.
        precondition_frequency: iterations between two updates of the bases: 10 in the first paper,
            2 in the second, whose kernels are small.

    Raises:
        InputError: for a learning rate that is not positive, a decay outside [0, 1), a frequency
            below 1, or shapes that do not add up to the vector.
    """

    label: ClassVar[str] = "SOAP"
    learning_rate: float | Schedule = positive(_RATE, words=RATES)
    beta_1: float = between(0, 1, 0.95, closed="left")
    beta_2: float = between(0, 1, 0.95, closed="left")
    precondition_frequency: int = count(2)

    def memory(
        self,
        minimization: Minimization[BatchT],
        position: tf.Tensor,
        gradient: tf.Tensor,
        shrink: tf.Tensor,
    ) -> SOAPMemory:
        """Return zero moments, zero L and R, and the eigenvectors for the first gradient."""
        preconditioners: list[Preconditioner] = []
        for matrix in _Layout(minimization.shapes, gradient).matrices(gradient):
            left, right = _squares(matrix)
            preconditioners.append(
                Preconditioner(
                    left=tf.zeros_like(left),
                    right=tf.zeros_like(right),
                    left_basis=_eigenvectors(left),
                    right_basis=_eigenvectors(right),
                )
            )
        return SOAPMemory(zero_moments(gradient, shrink), tuple(preconditioners))

    def iterate(
        self, minimization: Minimization[BatchT], state: State[SOAPMemory], batch: BatchT
    ) -> State[SOAPMemory]:
        """Return the state after one update and one evaluation."""
        moments, preconditioners = state.memory
        gradient = state.gradient
        layout = _Layout(minimization.shapes, gradient)
        updates = moments.updates + 1
        # Update the biased moments, that of squares in the eigenbases.
        mean = self.beta_1 * moments.mean + (1 - self.beta_1) * gradient
        rotated = layout.rotate(gradient, preconditioners)
        square = self.beta_2 * moments.square + (1 - self.beta_2) * rotated**2
        # Adam's step in the eigenbases, rotated back.
        scale = tf.sqrt(square / (1 - self.beta_2**updates)) + self.epsilon
        direction = layout.rotate(mean, preconditioners) / (1 - self.beta_1**updates) / scale
        rate = self.rate(state, moments)
        position = state.position - rate * layout.rotate_back(direction, preconditioners)
        # Update the preconditioners and, when they are due, their bases.
        moments = Moments(mean=mean, square=square, updates=updates, shrink=moments.shrink)
        memory = SOAPMemory(moments, self._accumulate(preconditioners, layout.matrices(gradient)))
        due = tf.equal(tf.math.floormod(updates, self.precondition_frequency), 0)
        memory = tf.cond(due, lambda: _update_bases(memory, layout), lambda: memory)
        return move(minimization, state, batch, position=position, rate=rate, memory=memory)

    def _accumulate(
        self, preconditioners: Sequence[Preconditioner], gradients: Sequence[tf.Tensor]
    ) -> tuple[Preconditioner, ...]:
        """Return the preconditioners with the gradients [a, b] added to L and R."""
        beta = self.beta_2
        updated: list[Preconditioner] = []
        for preconditioner, gradient in zip(preconditioners, gradients, strict=True):
            left, right = _squares(gradient)
            updated.append(
                preconditioner._replace(
                    left=beta * preconditioner.left + (1 - beta) * left,
                    right=beta * preconditioner.right + (1 - beta) * right,
                )
            )
        return tuple(updated)


class _Layout:
    """How a vector [p] is made up of variables, some of which are matrices."""

    def __init__(self, shapes: Sequence[Shape] | None, vector: tf.Tensor) -> None:
        size = static_size(vector)
        self.shapes = list(shapes or [(size,)])
        self.sizes = [math.prod(shape) for shape in self.shapes]
        if sum(self.sizes) != size:
            raise InputError(
                f"SOAP: shapes {self.shapes} hold {sum(self.sizes)} numbers, the vector {size}."
            )
        self.places = [place for place, shape in enumerate(self.shapes) if len(shape) > 1]

    def matrices(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """Return the matrices [a, b] in a vector."""
        pieces = tf.split(vector, self.sizes)
        matrices: list[tf.Tensor] = []
        for place in self.places:
            matrices.append(tf.reshape(pieces[place], [-1, self.shapes[place][-1]]))
        return matrices

    def replace(self, vector: tf.Tensor, matrices: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return a vector with other matrices [a, b]."""
        pieces = tf.split(vector, self.sizes)
        for place, matrix in zip(self.places, matrices, strict=True):
            pieces[place] = tf.reshape(matrix, [-1])
        return tf.concat(pieces, 0)

    def rotate(self, vector: tf.Tensor, preconditioners: Sequence[Preconditioner]) -> tf.Tensor:
        """Return a vector in the eigenbases: Qₗᵀ G Qᵣ for every matrix G."""
        rotated: list[tf.Tensor] = []
        for matrix, basis in zip(self.matrices(vector), preconditioners, strict=True):
            product = tf.matmul(basis.left_basis, matrix, transpose_a=True)
            rotated.append(tf.matmul(product, basis.right_basis))
        return self.replace(vector, rotated)

    def rotate_back(
        self, vector: tf.Tensor, preconditioners: Sequence[Preconditioner]
    ) -> tf.Tensor:
        """Return a vector given in the eigenbases: Qₗ G Qᵣᵀ for every matrix G."""
        rotated: list[tf.Tensor] = []
        for matrix, basis in zip(self.matrices(vector), preconditioners, strict=True):
            product = tf.matmul(basis.left_basis, matrix)
            rotated.append(tf.matmul(product, basis.right_basis, transpose_b=True))
        return self.replace(vector, rotated)


def _squares(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return G Gᵀ and GᵀG of a matrix G [a, b]."""
    transposed = tf.transpose(matrix)
    left = tf.matmul(matrix, matrix, transpose_b=True)
    right = tf.matmul(transposed, transposed, transpose_b=True)
    return left, right


def _eigenvectors(matrix: tf.Tensor) -> tf.Tensor:
    """Return the eigenvectors of a symmetric matrix as columns, largest eigenvalue first."""
    # The loop reports a gradient that is not finite; it must not end the program in `eigh`.
    finite = tf.where(tf.math.is_finite(matrix), matrix, tf.zeros_like(matrix))
    return tf.reverse(tf.linalg.eigh(finite)[1], [1])


def _update_bases(memory: SOAPMemory, layout: _Layout) -> SOAPMemory:
    """Return the memory after a step of orthogonal iteration; V follows the order of columns."""
    moments = memory.moments
    updated: list[Preconditioner] = []
    squares: list[tf.Tensor] = []
    matrices = layout.matrices(moments.square)
    for preconditioner, square in zip(memory.preconditioners, matrices, strict=True):
        left_basis, rows = _orthogonal_iteration(preconditioner.left, preconditioner.left_basis)
        right_basis, columns = _orthogonal_iteration(
            preconditioner.right, preconditioner.right_basis
        )
        updated.append(preconditioner._replace(left_basis=left_basis, right_basis=right_basis))
        squares.append(tf.gather(tf.gather(square, rows, axis=0), columns, axis=1))
    square = layout.replace(moments.square, squares)
    return SOAPMemory(moments._replace(square=square), tuple(updated))


def _orthogonal_iteration(matrix: tf.Tensor, basis: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the next basis of a matrix, and the order of the old columns by Rayleigh quotients."""
    product = matrix @ basis
    quotients = tf.reduce_sum(basis * product, 0)
    order = tf.argsort(quotients, direction="DESCENDING", stable=True)
    return tf.linalg.qr(tf.gather(product, order, axis=1))[0], order
