"""Taylor–Green vortices: four vortices in a periodic square, which viscosity slows down."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Rectangle
from pinn.problem import Problem, positive, residual, satisfies
from pinn.symmetry import Mirror

_END = 10.0


class TaylorGreen(Problem):
    """Incompressible Navier–Stokes equations in the plane; dimensionless.

        u_t + λ₁ (u u_x + v u_y) = -p_x + ν (u_xx + u_yy)      0 < x, y < 2π,  0 < t ≤ 10
        v_t + λ₁ (u v_x + v v_y) = -p_y + ν (v_xx + v_yy)
        u_x + v_y = 0
        u(x, y, 0) = -cos x sin y,  v(x, y, 0) = sin x cos y,  all periodic in x and y

    The pressure is determined up to a function of time.  The coefficients are those that Raissi,
    Perdikaris & Karniadakis (2019), doi:10.1016/j.jcp.2018.10.045, identify; λ₁ = 1 in the
    Navier–Stokes equations.

    Source: Taylor & Green (1937), doi:10.1098/rspa.1937.0036.  Variants differ in the domain, the
    wavenumber and the viscosity; this one has ν = 0.01 and loses a third of its energy until
    t = 10.
    Reference: u = -cos x sin y e^{-2νt},  v = sin x cos y e^{-2νt},
    p = -¼ λ₁ (cos 2x + cos 2y) e^{-4νt}.

    Attributes:
        lambda1: coefficient λ₁ of convection.
        nu: viscosity ν > 0.
    """

    lambda1: float = 1.0
    nu: float = positive(0.01)

    fields = ("u", "v", "p")
    space = Rectangle(x=(0.0, 2 * pi), y=(0.0, 2 * pi))
    time = (0.0, _END)
    periodic = ("x", "y")
    symmetries = (Mirror(("x",), odd=("v",)), Mirror(("y",), odd=("u",)))
    gauge = ("p",)

    @residual(on="interior")
    def momentum_x(self, u, v, u_t, u_x, u_y, p_x, u_xx, u_yy):
        return u_t + self.lambda1 * (u * u_x + v * u_y) + p_x - self.nu * (u_xx + u_yy)

    @residual(on="interior")
    def momentum_y(self, u, v, v_t, v_x, v_y, p_y, v_xx, v_yy):
        return v_t + self.lambda1 * (u * v_x + v * v_y) + p_y - self.nu * (v_xx + v_yy)

    @residual(on="interior")
    def continuity(self, u_x, v_y):
        return u_x + v_y

    @residual(on="initial")
    def start_u(self, x, y, u):
        return u + tf.cos(x) * tf.sin(y)

    @residual(on="initial")
    def start_v(self, x, y, v):
        return v - tf.sin(x) * tf.cos(y)

    @satisfies("start_u", "start_v")
    def ansatz(self, x, y, t, net):
        share = t / _END
        u = -tf.cos(x) * tf.sin(y) + share * net[0]
        v = tf.sin(x) * tf.cos(y) + share * net[1]
        return u, v, net[2]

    def reference(self, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        decay = np.exp(-2 * self.nu * t)
        return {
            "u": -np.cos(x) * np.sin(y) * decay,
            "v": np.sin(x) * np.cos(y) * decay,
            "p": -self.lambda1 / 4 * (np.cos(2 * x) + np.cos(2 * y)) * decay**2,
        }
