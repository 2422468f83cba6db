"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner, matrix by matrix of a flat vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import tensorflow as tf

from pinn.arrays import static_size
from pinn.errors import InputError
from pinn.optimizers.adam import Schedule, arrived, check, rate_at
from pinn.optimizers.interface import Function, Optimizer, Shape, State, Stepper
from pinn.optimizers.least_squares import SumOfSquares

Memory = dict[str, tf.Tensor]


@dataclass(frozen=True, kw_only=True)
class SOAP(Optimizer):
    """SOAP (Vyas et al. 2024, arXiv:2409.11321; on PINNs Wang et al. 2025, arXiv:2502.00604).

    For a kernel W [a, b] with gradient G, in iteration t:

        G' = Qₗᵀ G Qᵣ,   M ← β₁ M + (1 − β₁) G,   V ← β₂ V + (1 − β₂) G'²
        W ← W − η Qₗ (Qₗᵀ M Qᵣ / (1 − β₁ᵗ) / (√(V / (1 − β₂ᵗ)) + ε)) Qᵣᵀ
        L ← β₂ L + (1 − β₂) G Gᵀ,   R ← β₂ R + (1 − β₂) GᵀG

    and every `precondition_frequency` iterations one step of orthogonal iteration follows the
    eigenvectors: Qₗ ← QR(L Qₗ), Qᵣ ← QR(R Qᵣ), columns (and V with them) in falling order of their
    Rayleigh quotients, as in the authors' own program.  The first Qₗ and Qᵣ are the eigenvectors of
    G Gᵀ and GᵀG at the start.  Biases and coefficients have no matrix and go by plain Adam; a
    kernel of more than two dimensions [.., b] counts as [a, b].  Only the trainer, `fit` and
    `minimize(shapes=…)` know shapes; without any, SOAP is Adam.

    Attributes:
        learning_rate: η, a positive number, or a schedule from iteration to learning rate; see
            `Adam`.
        beta_1: β₁, decay of the mean of gradients.
        beta_2: β₂, decay of the mean of squared gradients, and of L and R.
        epsilon: ε, added to the root.
        precondition_frequency: iterations between two changes of the basis: 10 in the first paper,
            2 in the second, whose kernels are small.

    Raises:
        InputError: for a learning rate that is not positive, a decay outside [0, 1), a frequency
            below 1, or shapes that do not add up to the vector.
    """

    label: ClassVar[str] = "SOAP"
    single_steps: ClassVar[bool] = True
    learning_rate: float | Schedule = 3e-3
    beta_1: float = 0.95
    beta_2: float = 0.95
    epsilon: float = 1e-8
    precondition_frequency: int = 2

    def __post_init__(self) -> None:
        check(self)
        if not isinstance(self.precondition_frequency, int) or self.precondition_frequency < 1:
            found = self.precondition_frequency
            raise InputError(
                f"SOAP: precondition_frequency={found!r}; give a whole number of at least 1."
            )

    def compile(
        self,
        function: Function,
        squares: SumOfSquares | None = None,
        *,
        shapes: Sequence[Shape] | None = None,
        **_: Any,
    ) -> Stepper:
        """Return the compiled start, advance and restart for a function whose vector has these shapes."""
        return Stepper(_OnShapes(settings=self, shapes=tuple(shapes or ())), function)

    def memory(self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor) -> Memory:
        """Return the memory for a vector without matrices."""
        return _OnShapes(settings=self, shapes=()).memory(position, gradient, shrink)

    def iterate(self, function: Function, state: State, batch: Any) -> State:
        """Return the state after one update and one evaluation, for a vector without matrices."""
        return _OnShapes(settings=self, shapes=()).iterate(function, state, batch)


@dataclass(frozen=True, kw_only=True)
class _OnShapes(Optimizer):
    """SOAP for a vector of known shapes; none stand for one vector."""

    label: ClassVar[str] = SOAP.label
    settings: SOAP
    shapes: tuple[Shape, ...]

    def memory(self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor) -> Memory:
        """Return zero moments, empty L and R, and the eigenvectors of the first gradient's."""
        zero = tf.zeros_like(position)
        found = {
            "mean": zero,
            "square": zero,
            "count": tf.zeros([], position.dtype),
            "shrink": shrink,
        }
        for i, part in self._matrices(gradient).items():
            for side, matrix in (("left", part), ("right", tf.transpose(part))):
                product = tf.matmul(matrix, matrix, transpose_b=True)
                # A gradient that is not finite is reported by the loop, and must not end the
                # program here.
                product = tf.where(tf.math.is_finite(product), product, tf.zeros_like(product))
                found[f"{side}_{i}"] = tf.zeros_like(product)
                found[f"{side}_basis_{i}"] = tf.reverse(tf.linalg.eigh(product)[1], [1])
        return found

    def iterate(self, function: Function, state: State, batch: Any) -> State:
        """Return the state after one update and one evaluation."""
        soap, m, g = self.settings, state.memory, state.gradient
        count = m["count"] + 1
        mean = soap.beta_1 * m["mean"] + (1 - soap.beta_1) * g
        square = soap.beta_2 * m["square"] + (1 - soap.beta_2) * self._rotated(g, m) ** 2
        unbiased = tf.sqrt(square / (1 - soap.beta_2**count)) + soap.epsilon
        step = self._rotated(
            self._rotated(mean, m) / (1 - soap.beta_1**count) / unbiased, m, back=True
        )
        rate = m["shrink"] * rate_at(soap, state)
        position = state.position - rate * step
        memory = self._followed(m | {"mean": mean, "square": square, "count": count}, g)
        return arrived(function, state._replace(position=position, step=rate, memory=memory), batch)

    def renewed(self, old: State, new: State) -> State:
        """Keep moments and bases: they average over many losses anyway."""
        return new._replace(memory=old.memory)

    def _followed(self, memory: Memory, gradient: tf.Tensor) -> Memory:
        """Return the memory with a gradient added to L and R, and now and then with new bases."""
        memory, beta = dict(memory), self.settings.beta_2
        for i, part in self._matrices(gradient).items():
            for side, matrix in (("left", part), ("right", tf.transpose(part))):
                product = tf.matmul(matrix, matrix, transpose_b=True)
                memory[f"{side}_{i}"] = beta * memory[f"{side}_{i}"] + (1 - beta) * product
        due = tf.equal(tf.math.floormod(memory["count"], self.settings.precondition_frequency), 0)
        return tf.cond(due, lambda: self._turned(memory), lambda: memory)

    def _turned(self, memory: Memory) -> Memory:
        """Return the memory after a step of orthogonal iteration; V's entries follow their columns."""
        memory = dict(memory)
        squares = self._parts(memory["square"])
        for i, part in self._matrices(memory["square"]).items():
            for axis, side in enumerate(("left", "right")):
                basis = memory[f"{side}_basis_{i}"]
                product = memory[f"{side}_{i}"] @ basis
                order = tf.argsort(
                    tf.reduce_sum(basis * product, 0), direction="DESCENDING", stable=True
                )
                memory[f"{side}_basis_{i}"] = tf.linalg.qr(tf.gather(product, order, axis=1))[0]
                part = tf.gather(part, order, axis=axis)
            squares[i] = tf.reshape(part, [-1])
        return memory | {"square": tf.concat(squares, 0)}

    def _rotated(self, vector: tf.Tensor, memory: Memory, *, back: bool = False) -> tf.Tensor:
        """Return a vector in the eigenbases, or one there back."""
        parts = self._parts(vector)
        for i, part in self._matrices(vector).items():
            left, right = memory[f"left_basis_{i}"], memory[f"right_basis_{i}"]
            turned = tf.matmul(tf.matmul(left, part, transpose_a=not back), right, transpose_b=back)
            parts[i] = tf.reshape(turned, [-1])
        return tf.concat(parts, 0)

    def _parts(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """Return a vector's parts, flat."""
        size = static_size(vector)
        sizes = [math.prod(shape) for shape in self.shapes] or [size]
        if sum(sizes) != size:
            raise InputError(
                f"SOAP: shapes {list(self.shapes)} hold {sum(sizes)} numbers, the vector {size}."
            )
        return tf.split(vector, sizes)

    def _matrices(self, vector: tf.Tensor) -> dict[int, tf.Tensor]:
        """Return the parts that are matrices [a, b], by their place."""
        parts = self._parts(vector)
        return {
            i: tf.reshape(parts[i], [-1, s[-1]]) for i, s in enumerate(self.shapes) if len(s) > 1
        }
