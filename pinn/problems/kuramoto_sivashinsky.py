"""The Kuramoto–Sivashinsky equation: waves that grow, interact and become chaotic."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.geometry import Interval
from pinn.problem import Problem, final_time, positive, residual, satisfies
from pinn.references import kuramoto_sivashinsky, kuramoto_sivashinsky_error


class KuramotoSivashinsky(Problem):
    """Kuramoto–Sivashinsky equation; dimensionless.

        u_t + α u u_x + β u_xx + γ u_xxxx = 0      0 < x < 2π,  0 < t ≤ `end`
        u(x, 0) = cos(x) (1 + sin(x)),  u periodic in x

    The network is periodic, because it embeds x.  Waves with about 11 crests per period grow
    fastest, at the rate 25.  At t ≈ 0.4 they are as high as the start; from then on they move,
    merge and arise chaotically.

    Source: Wang, Sankaran & Perdikaris (2024), doi:10.1016/j.cma.2024.116813, with α = 100/16,
    β = 100/16², γ = 100/16⁴: a rescaling of the equation without coefficients on 0 < x < 32π,
    0 < t ≤ 100.  Other papers start from -sin(πx) on [-1, 1], with α = 5, β = 0.5, γ = 0.005 or
    α = 5/π, β = 5/(3π²), γ = 5/(27π⁴).
    Reference: Fourier modes and ETDRK4, with the error in `reference_error`.

    Attributes:
        alpha: strength α of the convection.
        beta: strength β > 0 of the growth; waves longer than 2π √(γ/β) grow.
        gamma: strength γ > 0 of the damping.
        end: final time, at most 1, up to which errors are published.

    Raises:
        InputError: for a later final time, or if the final time is an unknown.
    """

    alpha: float = 6.25
    beta: float = positive(0.390625)
    gamma: float = positive(0.00152587890625)
    end: float = final_time(1.0)

    fields = ("u",)
    space = Interval(x=(0.0, 2 * pi))
    time = (0.0, 1.0)
    periodic = ("x",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.end > 1:
            raise InputError(
                f"KuramotoSivashinsky: end={self.end}, but the reference ends at 1; "
                "set problem.end."
            )

    @residual(on="interior")
    def kuramoto_sivashinsky(self, u, u_t, u_x, u_xx, u_xxxx):
        return u_t + self.alpha * u * u_x + self.beta * u_xx + self.gamma * u_xxxx

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.cos(x) * (1 + tf.sin(x))

    @satisfies("start")
    def ansatz(self, x, t, net):
        return tf.cos(x) * (1 + tf.sin(x)) + t * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": kuramoto_sivashinsky(x, t, self.alpha, self.beta, self.gamma)}

    def reference_error(self) -> dict[str, float]:
        return {"u": kuramoto_sivashinsky_error(self.alpha, self.beta, self.gamma)}
