"""The complex Ginzburg–Landau equation: a vortex that grows and winds up into a spiral."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Rectangle
from pinn.problem import Problem, final_time, positive, residual, satisfies
from pinn.references import ginzburg_landau, ginzburg_landau_error
from pinn.symmetry import Mirror


class GinzburgLandau(Problem):
    """Complex Ginzburg–Landau equation for A = u + iv in the plane; dimensionless.

        A_t = ε ΔA + k A - k (1 + iβ) A |A|²      -1 < x, y < 1,  0 < t ≤ `end`
        A(x, y, 0) = 10 (y + ix) exp(-25 (x² + y²)),  A periodic in x and y

    The network is periodic, because it embeds x and y.  The periodic extension of the start jumps
    by 10⁻¹⁰ at ±1, which is negligible.

    Source: Wang et al. (2024, PirateNets), arXiv:2402.00326, with ε = 0.004, k = 10, β = 1.5 up to
    t = 1.
    Reference: Fourier modes and ETDRK4, with the error in `reference_error`.

    Attributes:
        epsilon: diffusivity ε > 0; the vortex is about √(ε/k) wide.
        k: growth rate k > 0.
        beta: coefficient β of the amplitude-dependent shift of the frequency.
        end: final time.
    """

    epsilon: float = positive(0.004)
    k: float = positive(10.0)
    beta: float = 1.5
    end: float = final_time(1.0)

    fields = ("u", "v")
    space = Rectangle(x=(-1.0, 1.0), y=(-1.0, 1.0))
    time = (0.0, 1.0)
    periodic = ("x", "y")
    symmetries = (Mirror(("x", "y"), odd=("u", "v")),)

    @residual(on="interior")
    def ginzburg_landau_u(self, u, v, u_t, lap_u):
        return u_t - self.epsilon * lap_u - self.k * (u - (u - self.beta * v) * (u * u + v * v))

    @residual(on="interior")
    def ginzburg_landau_v(self, u, v, v_t, lap_v):
        return v_t - self.epsilon * lap_v - self.k * (v - (v + self.beta * u) * (u * u + v * v))

    @residual(on="initial")
    def start_u(self, x, y, u):
        return u - 10 * y * tf.exp(-25 * (x * x + y * y))

    @residual(on="initial")
    def start_v(self, x, y, v):
        return v - 10 * x * tf.exp(-25 * (x * x + y * y))

    @satisfies("start_u", "start_v")
    def ansatz(self, x, y, t, net):
        decay = tf.exp(-self.k * t)
        bell = 10 * decay * tf.exp(-25 * (x * x + y * y))
        u = y * bell + (1 - decay) * net[0]
        v = x * bell + (1 - decay) * net[1]
        return u, v

    def derived(self, u: np.ndarray, v: np.ndarray) -> dict[str, Any]:
        return {"abs_A": np.hypot(u, v)}

    def reference(self, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        A = ginzburg_landau(x, y, t, self.epsilon, self.k, self.beta, self.end)
        return {"u": np.real(A), "v": np.imag(A)}

    def reference_error(self) -> dict[str, float]:
        return ginzburg_landau_error(self.epsilon, self.k, self.beta, self.end)
