"""Quasi-Newton methods on the full matrix: BFGS and self-scaled Broyden."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.optimizers import line_search
from pinn.optimizers.minimizer import RUNNING, SEARCH_FAILED, Function, Minimizer, State

Measure = Literal["loss", "root", "log"]


@dataclass(frozen=True, kw_only=True)
class _FullMatrix(Minimizer):
    """A matrix H [p, p] that stands for the inverse Hessian, of Broyden's family, scaled.

        H⁺ = (H − Hy yᵀH / yᵀHy + φ (yᵀHy) v vᵀ) / τ + ρ s sᵀ,   v = ρ s − Hy / yᵀHy,   ρ = 1 / yᵀs

    Attributes:
        measure: what is minimized: the loss, its root or its logarithm, which are sharper late.
        first_step: length of the first step of an empty memory (at most the gradient itself).
        line_search_iterations: most iterations of one line search.

    Raises:
        InputError: for numbers that are not positive, or an unknown measure.
    """

    measure: Measure = "loss"
    first_step: float = 1.0
    line_search_iterations: int = 50

    def __post_init__(self) -> None:
        for name in ("first_step", "line_search_iterations"):
            if not getattr(self, name) > 0:
                raise InputError(f"{self.label}: {name}={getattr(self, name)}; give a positive number.")
        if self.measure not in ("loss", "root", "log"):
            raise InputError(f"{self.label}: measure={self.measure!r}; use loss, root or log.")

    @abstractmethod
    def factors(self, b: tf.Tensor, h: tf.Tensor, fresh: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return (τ, φ) from b = ρ sᵀH⁻¹s and h = ρ yᵀHy; `fresh` says that H is still a multiple of one."""

    def memory(self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return a multiple of one, whose scale the first step sets."""
        one = tf.eye(int(position.shape[0] or 0), dtype=position.dtype)
        return {"inverse": one, "scale": shrink, "fresh": tf.constant(True)}

    def renewed(self, old: State, new: State) -> State:
        """Keep H: the curvature of the loss on some points is nearly that on others."""
        return new._replace(memory=old.memory)

    def iterate(self, function: Function, state: State, batch: object) -> State:
        """Return the state after one iteration."""
        value, gradient = self._measured(state.loss, state.gradient)
        memory = state.memory
        norm = tf.norm(gradient)
        shortened = memory["scale"] * tf.minimum(self.first_step / norm, 1.0) * gradient
        step = tf.where(memory["fresh"], shortened, tf.linalg.matvec(memory["inverse"], gradient))
        descends = tf.reduce_sum(step * gradient) > 0
        direction = -tf.where(descends, step, shortened)
        fresh = memory["fresh"] | ~descends
        found = line_search.search(
            lambda at: self._measured(*function(at, batch)),
            state.position,
            direction,
            (value, gradient),
            self.line_search_iterations,
        )
        position = state.position + found.length * direction
        loss = self._loss(found.value)
        inverse = self._updated(
            memory["inverse"], found.length * direction, found.gradient - gradient, gradient, found.length, fresh
        )
        return state._replace(
            position=position,
            loss=loss,
            gradient=found.gradient / self._slope(loss),
            iterations=state.iterations + 1,
            evaluations=state.evaluations + found.evaluations,
            step=tf.norm(position - state.position),
            status=tf.where(found.failed, SEARCH_FAILED, RUNNING),
            memory={"inverse": inverse, "scale": memory["scale"], "fresh": tf.constant(False)},
        )

    @tf.function(autograph=False, jit_compile=True)
    def _updated(
        self, inverse: tf.Tensor, s: tf.Tensor, y: tf.Tensor, gradient: tf.Tensor, length: tf.Tensor, fresh: tf.Tensor
    ) -> tf.Tensor:
        """Return H⁺; H where the pair has no positive curvature."""
        size = int(s.shape[0] or 0)
        sy = tf.reduce_sum(s * y)
        # A fresh H is the multiple of one with which the step was made: s = −α κ g.
        scale = -tf.reduce_sum(s * s) / (length * tf.reduce_sum(s * gradient))
        hy = tf.where(fresh, scale * y, tf.linalg.matvec(inverse, y))
        rho = 1 / sy
        yhy = tf.reduce_sum(y * hy)
        b = -length * rho * tf.reduce_sum(s * gradient)
        h = rho * yhy
        tau, phi = self.factors(b, h, fresh, size)
        v = rho * s - hy / yhy
        before = tf.where(fresh, scale * tf.eye(size, dtype=s.dtype), inverse)
        outer = lambda a, c: a[:, None] * c[None, :]  # noqa: E731
        after = (before - outer(hy, hy) / yhy + phi * yhy * outer(v, v)) / tau + rho * outer(s, s)
        good = (sy > 0) & (yhy > 0) & tf.math.is_finite(tau) & tf.math.is_finite(phi) & (tau > 0)
        return tf.where(good, after, before)

    def _slope(self, loss: tf.Tensor) -> tf.Tensor:
        """Return the derivative of what is minimized by the loss."""
        slopes = {
            "loss": tf.ones_like,
            "root": lambda f: 0.5 / tf.sqrt(f + _tiny(f)),
            "log": lambda f: 1 / (f + _tiny(f)),
        }
        return slopes[self.measure](loss)

    def _measured(self, loss: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        values = {"loss": tf.identity, "root": tf.sqrt, "log": lambda f: tf.math.log(f + _tiny(f))}
        return values[self.measure](loss), self._slope(loss) * gradient

    def _loss(self, value: tf.Tensor) -> tf.Tensor:
        return {"loss": tf.identity, "root": tf.square, "log": tf.exp}[self.measure](value)


def _tiny(loss: tf.Tensor) -> tf.Tensor:
    """Return what keeps roots and logarithms of a loss of zero finite."""
    return tf.constant(np.finfo(loss.dtype.name).tiny, loss.dtype)


@dataclass(frozen=True, kw_only=True)
class BFGS(_FullMatrix):
    """BFGS (Nocedal & Wright 2006, section 6.1), its first matrix scaled by the first pair (ibid., 6.20)."""

    label: ClassVar[str] = "BFGS"

    def factors(self, b: tf.Tensor, h: tf.Tensor, fresh: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return (τ, φ)."""
        return tf.where(fresh, h, tf.ones_like(h)), tf.ones_like(h)


@dataclass(frozen=True, kw_only=True)
class SSBroyden(_FullMatrix):
    """Self-scaled Broyden (Al-Baali & Khalfan; Urbán, Stefanou & Pons 2025, arXiv:2405.04230)."""

    label: ClassVar[str] = "SSBroyden"

    def factors(self, b: tf.Tensor, h: tf.Tensor, fresh: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return (τ, φ)."""
        a = h * b - 1
        c = tf.sqrt(tf.abs(a) / (1 + a))
        rho_minus = tf.minimum(h * (1 - c), 1.0)
        theta_minus, theta_plus = (rho_minus - 1) / a, 1 / rho_minus
        theta = tf.maximum(theta_minus, tf.minimum(theta_plus, (1 - b) / b))
        sigma = 1 + theta * a
        sigma_n = tf.abs(sigma) ** (1 / (1 - size))
        rho_plus = tf.minimum(1 / b, 1.0)
        later = tf.where(theta <= 0, tf.minimum(rho_plus * sigma_n, sigma), rho_plus * tf.minimum(sigma_n, 1 / theta))
        return tf.where(fresh, h / sigma, later), (1 - theta) / sigma
