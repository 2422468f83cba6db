"""Navier–Stokes equations: their two coefficients and the pressure from measured velocities."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from pinn.geometry import Rectangle
from pinn.problem import Problem, positive, residual

STREAM = 1.0


class NavierStokesInverse(Problem):
    """Incompressible Navier–Stokes equations in the plane with measured velocities; dimensionless.

        u_t + λ₁ (u u_x + v u_y) = -p_x + λ₂ (u_xx + u_yy)      -1 < x, y < 1,  0 < t ≤ 1
        v_t + λ₁ (u v_x + v v_y) = -p_y + λ₂ (v_xx + v_yy)
        u_x + v_y = 0

    There are no conditions except the measurements.  The pressure is determined up to a function of
    time.

    Source: Raissi, Perdikaris & Karniadakis (2019), doi:10.1016/j.jcp.2018.10.045, on the wake of a
    cylinder.
    Reference: vortices of Taylor & Green (1937), doi:10.1098/rspa.1937.0036, in a stream U = 1.
    (Vortices at rest do not determine λ₁: their convection is a gradient, which the pressure
    balances for any λ₁.)  With ξ = x - λ₁Ut and E = e^{-2π²λ₂t}:
        u = U - cos(πξ) sin(πy) E,  v = sin(πξ) cos(πy) E,  p = -¼ λ₁ (cos(2πξ) + cos(2πy)) E².

    Attributes:
        lambda1: strength λ₁ of the convection.
        lambda2: viscosity λ₂ > 0.
    """

    lambda1: float = 1.0
    lambda2: float = positive(0.01)

    fields = ("u", "v", "p")
    space = Rectangle(x=(-1.0, 1.0), y=(-1.0, 1.0))
    time = (0.0, 1.0)
    gauge = ("p",)

    @residual(on="interior")
    def momentum_x(self, u, v, u_t, u_x, u_y, p_x, u_xx, u_yy):
        return u_t + self.lambda1 * (u * u_x + v * u_y) + p_x - self.lambda2 * (u_xx + u_yy)

    @residual(on="interior")
    def momentum_y(self, u, v, v_t, v_x, v_y, p_y, v_xx, v_yy):
        return v_t + self.lambda1 * (u * v_x + v * v_y) + p_y - self.lambda2 * (v_xx + v_yy)

    @residual(on="interior")
    def continuity(self, u_x, v_y):
        return u_x + v_y

    def reference(self, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> dict[str, Any] | None:
        xi = pi * (x - self.lambda1 * STREAM * t)
        decay = np.exp(-2 * pi**2 * self.lambda2 * t)
        return {
            "u": STREAM - np.cos(xi) * np.sin(pi * y) * decay,
            "v": np.sin(xi) * np.cos(pi * y) * decay,
            "p": -self.lambda1 / 4 * (np.cos(2 * xi) + np.cos(2 * pi * y)) * decay**2,
        }


class CylinderWake(NavierStokesInverse):
    """The same equations behind a cylinder at Re = 100, with measurements from a file.

    There is no reference.

    Source: Raissi, Perdikaris & Karniadakis (2019), doi:10.1016/j.jcp.2018.10.045,
    `cylinder_nektar_wake.mat`.
    """

    space = Rectangle(x=(1.0, 8.0), y=(-2.0, 2.0))
    time = (0.0, 20.0)

    def reference(self, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> dict[str, Any] | None:
        return None
