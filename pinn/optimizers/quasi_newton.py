"""Quasi-Newton methods on the full matrix: BFGS and self-scaled Broyden."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import tensorflow as tf

from pinn.arrays import static_size
from pinn.errors import InputError, require_memory
from pinn.optimizers import line_search
from pinn.optimizers.in_place import InPlaceStepper, MatrixOptimizer, Pair, Update
from pinn.optimizers.interface import RUNNING, SEARCH_FAILED, Function, State, Stepper

Transform = Literal["loss", "root", "log"]
MATRICES = (
    5  # of the size of H, that are there at once where a chunk of iterations ends and is saved
)
SHORTEST_TRIAL = 0.2  # of −Hg; a step that should have been shorter yet says little of the next one


@dataclass(frozen=True, kw_only=True)
class _FullMatrix(MatrixOptimizer):
    """A matrix H [p, p] that stands for the inverse Hessian, of Broyden's family, scaled.

        H⁺ = (H − Hy yᵀH / yᵀHy + φ (yᵀHy) v vᵀ) / τ + ρ s sᵀ,   v = ρ s − Hy / yᵀHy,   ρ = 1 / yᵀs

    Attributes:
        transform: what is minimized: the loss, its root or its logarithm, which are sharper late.
        first_step: length of the first step of an empty memory (at most the gradient itself).
        line_search_iterations: most iterations of one line search.

    Raises:
        InputError: for numbers that are not positive, or an unknown transform.
    """

    transform: Transform = "loss"
    first_step: float = 1.0
    line_search_iterations: int = 50

    def __post_init__(self) -> None:
        for name in ("first_step", "line_search_iterations"):
            if not getattr(self, name) > 0:
                raise InputError(
                    f"{self.label}: {name}={getattr(self, name)}; give a positive number."
                )
        if self.transform not in ("loss", "root", "log"):
            raise InputError(f"{self.label}: transform={self.transform!r}; use loss, root or log.")

    @abstractmethod
    def factors(
        self, b: tf.Tensor, h: tf.Tensor, fresh: tf.Tensor, size: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return (τ, φ) from b = ρ sᵀH⁻¹s and h = ρ yᵀHy; `fresh` says that H is still a multiple of one."""

    def memory(
        self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return a multiple of one, whose scale the first step sets; H is `factor` times `inverse`."""
        one, whole = tf.eye(static_size(position), dtype=position.dtype), tf.ones_like(shrink)
        scalars = {"factor": whole, "scale": shrink, "trial": whole, "fresh": tf.constant(True)}
        return {"inverse": one, "step": position * np.nan, **scalars}

    def check(self, size: int, dtype: str) -> None:
        """Raise an InputError where the matrix does not fit into the machine's memory."""
        require_memory(
            MATRICES * size**2 * np.dtype(dtype).itemsize,
            f"{self.label}: a matrix of {size:,} x {size:,} weights",
            "use lbfgs (optimizer@phases.polish=lbfgs), or a smaller network",
        )

    def renewed(self, old: State, new: State) -> State:
        """Keep H: the curvature of the loss on some points is nearly that on others."""
        return new._replace(memory={**old.memory, "step": new.memory["step"]})

    def compile(self, function: Function, squares: Any = None, **_: Any) -> Stepper:
        """Return the stepper for this machine: on a CPU one that changes H where it lies."""
        on_gpu = bool(tf.config.get_visible_devices("GPU"))
        return Stepper(self, function) if on_gpu else InPlaceStepper(self, function)

    def iterate(self, function: Function, state: State, batch: Any) -> State:
        """Return the state after one iteration."""
        memory = state.memory
        _, gradient = self.measured(state.loss, state.gradient)
        inverse = memory["factor"] * memory["inverse"]
        step = tf.linalg.matvec(inverse, gradient)
        slope, square = tf.reduce_sum(step * gradient), tf.reduce_sum(gradient * gradient)
        lift = self.lift(slope, square, tf.linalg.trace(inverse))
        step = step + lift * gradient
        direction, fresh = self.direction(step, gradient, memory["scale"], memory["fresh"])
        new, pair = self.searched(function, state, direction, fresh, batch)
        inverse = self._updated(inverse, lift, pair, fresh)
        rest = {"factor": tf.ones_like(memory["factor"]), "fresh": tf.constant(False)}
        return new._replace(memory={**new.memory, "inverse": inverse, **rest})

    def direction(
        self, step: tf.Tensor, gradient: tf.Tensor, scale: tf.Tensor, fresh: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the direction of search for a step H g, and whether it is the gradient's own, shortened."""
        shortened = scale * tf.minimum(self.first_step / tf.norm(gradient), 1.0) * gradient
        fresh = fresh | ~(tf.reduce_sum(step * gradient) > 0)
        return -tf.where(fresh, shortened, step), fresh

    def searched(
        self, function: Function, state: State, direction: tf.Tensor, fresh: tf.Tensor, batch: Any
    ) -> tuple[State, Pair]:
        """Return the state after a line search, its memory but for the first trial as it was, and the step's pair.

        The first trial is what the last steps should have been, as slopes at their ends tell: along
        a narrow valley that is half of −Hg, and trying all of it costs every other iteration a
        second evaluation.
        """
        value, gradient = self.measured(state.loss, state.gradient)
        last, one = state.memory["trial"], tf.ones([], state.position.dtype)
        trial = tf.where(fresh, one, last)
        found = line_search.search(
            lambda at: self.measured(*function(at, batch)),
            state.position,
            trial * direction,
            (value, gradient),
            self.line_search_iterations,
        )
        length = found.length * trial
        before, after = (
            tf.reduce_sum(gradient * direction),
            tf.reduce_sum(found.gradient * direction),
        )
        best = tf.clip_by_value(length * before / (before - after), SHORTEST_TRIAL, 1.0)
        known = ~fresh & (after > before)  # NaN is not
        position, loss = state.position + length * direction, self._loss(found.value)
        new = state._replace(
            position=position,
            loss=loss,
            gradient=found.gradient / self._slope(loss),
            iterations=state.iterations + 1,
            evaluations=state.evaluations + found.evaluations,
            step=tf.norm(position - state.position),
            status=tf.where(found.failed, SEARCH_FAILED, RUNNING),
            memory={**state.memory, "trial": tf.where(known, tf.sqrt(last * best), last)},
        )
        return new, Pair(length * direction, found.gradient - gradient, gradient, length)

    def coefficients(self, pair: Pair, hy: tf.Tensor, fresh: tf.Tensor) -> Update:
        """Return the update of H for a pair and Hy [p]; the factor 1 and nothing else where a pair has no use."""
        s, y, gradient, length = pair
        sy, yhy = tf.reduce_sum(s * y), tf.reduce_sum(y * hy)
        rho = 1 / sy
        tau, phi = self.factors(
            -length * rho * tf.reduce_sum(s * gradient), rho * yhy, fresh, static_size(s)
        )
        found = Update(
            1 / tau, rho + phi * yhy * rho**2 / tau, -phi * rho / tau, (phi - 1) / (yhy * tau)
        )
        good = (sy > 0) & (yhy > 0) & (tau > 0) & tf.reduce_all(tf.math.is_finite(tf.stack(found)))
        return Update(*(tf.where(good, v, tf.cast(i == 0, v.dtype)) for i, v in enumerate(found)))

    @tf.function(autograph=False, jit_compile=True)
    def _updated(
        self, inverse: tf.Tensor, lift: tf.Tensor, pair: Pair, fresh: tf.Tensor
    ) -> tf.Tensor:
        s = pair.s
        one = tf.eye(static_size(s), dtype=s.dtype)
        before = tf.where(fresh, pair.scale * one, inverse + lift * one)
        hy = tf.linalg.matvec(before, pair.y)
        factor, ss, sh, hh = self.coefficients(pair, hy, fresh)
        outer = lambda a, c: a[:, None] * c[None, :]  # noqa: E731
        return factor * before + outer(s, ss * s + sh * hy) + outer(hy, sh * s + hh * hy)

    def _slope(self, loss: tf.Tensor) -> tf.Tensor:
        """Return the derivative of what is minimized by the loss."""
        slopes = {
            "loss": tf.ones_like,
            "root": lambda f: 0.5 / tf.sqrt(f + _tiny(f)),
            "log": lambda f: 1 / (f + _tiny(f)),
        }
        return slopes[self.transform](loss)

    def measured(self, loss: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return what is minimized, and its gradient."""
        values = {"loss": tf.identity, "root": tf.sqrt, "log": lambda f: tf.math.log(f + _tiny(f))}
        return values[self.transform](loss), self._slope(loss) * gradient

    def _loss(self, value: tf.Tensor) -> tf.Tensor:
        return {"loss": tf.identity, "root": tf.square, "log": tf.exp}[self.transform](value)


def _tiny(loss: tf.Tensor) -> tf.Tensor:
    """Return what keeps roots and logarithms of a loss of zero finite."""
    return tf.constant(np.finfo(loss.dtype.name).tiny, loss.dtype)


def _bfgs(h: tf.Tensor, fresh: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return (τ, φ) of BFGS, its first matrix scaled by the first pair."""
    return tf.where(fresh, h, tf.ones_like(h)), tf.ones_like(h)


@dataclass(frozen=True, kw_only=True)
class BFGS(_FullMatrix):
    """BFGS (Nocedal & Wright 2006, section 6.1), its first matrix scaled by the first pair (ibid., 6.20)."""

    label: ClassVar[str] = "BFGS"

    def factors(
        self, b: tf.Tensor, h: tf.Tensor, fresh: tf.Tensor, size: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return (τ, φ)."""
        return _bfgs(h, fresh)


@dataclass(frozen=True, kw_only=True)
class SSBroyden(_FullMatrix):
    """Self-scaled Broyden (Al-Baali & Khalfan; Urbán, Stefanou & Pons 2025, arXiv:2405.04230)."""

    label: ClassVar[str] = "SSBroyden"

    def factors(
        self, b: tf.Tensor, h: tf.Tensor, fresh: tf.Tensor, size: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return (τ, φ)."""
        a = h * b - 1  # not negative but by rounding, where the matrix is that of BFGS
        c = tf.sqrt(tf.abs(a) / (1 + a))
        rho_minus = tf.minimum(h * (1 - c), 1.0)
        theta_minus, theta_plus = (rho_minus - 1) / a, 1 / rho_minus
        theta = tf.maximum(theta_minus, tf.minimum(theta_plus, (1 - b) / b))
        sigma = 1 + theta * a
        sigma_n = tf.abs(sigma) ** (1 / (1 - size))
        rho_plus = tf.minimum(1 / b, 1.0)
        later = tf.where(
            theta <= 0,
            tf.minimum(rho_plus * sigma_n, sigma),
            rho_plus * tf.minimum(sigma_n, 1 / theta),
        )
        found = tf.where(fresh, h / sigma, later), (1 - theta) / sigma
        tau, phi = (
            tf.where(a > 0, v, plain) for v, plain in zip(found, _bfgs(h, fresh), strict=True)
        )
        return tau, phi
