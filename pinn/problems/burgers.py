"""Burgers' equation: a sine wave that steepens into a viscous shock."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Interval
from pinn.problem import Problem, positive, residual, satisfies
from pinn.references import cole_hopf
from pinn.symmetry import Mirror


class Burgers(Problem):
    """Viscous Burgers equation; dimensionless.

        u_t + λ₁ u u_x = ν u_xx      -1 < x < 1,  0 < t ≤ 1
        u(x, 0) = -sin(πx),  u(±1, t) = 0

    At ν = 0.01/π the shock at x = 0 is about 0.006 wide when it is steepest, at t ≈ 0.5.

    Source: Raissi, Perdikaris & Karniadakis (2019), doi:10.1016/j.jcp.2018.10.045, also for the
    inverse problem in (λ₁, ν).
    Reference: the Cole–Hopf integral by the trapezoidal rule.

    Attributes:
        nu: viscosity ν > 0.
        lambda1: strength λ₁ of the convection.
    """

    nu: float = positive(0.01 / pi)
    lambda1: float = 1.0

    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))
    time = (0.0, 1.0)
    symmetries = (Mirror(("x",), odd=("u",)),)

    @residual(on="interior")
    def momentum(self, u, u_t, u_x, u_xx):
        return u_t + self.lambda1 * u * u_x - self.nu * u_xx

    @residual(on="initial")
    def start(self, x, u):
        return u + tf.sin(pi * x)

    @residual(on="boundary")
    def walls(self, u):
        return u

    @satisfies("start", "walls")
    def ansatz(self, x, t, net):
        return -tf.sin(pi * x) + t * (1 - x * x) * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": cole_hopf(x, t, self.nu, self.lambda1)}
