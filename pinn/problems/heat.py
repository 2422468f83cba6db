"""The heat equation: a sine on a rod, fine stripes on a plate, and a heated ball in R⁵."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.arrays import Quantity
from pinn.geometry import Ball, Interval, Rectangle
from pinn.problem import Problem, positive, residual, satisfies
from pinn.symmetry import Mirror


class Heat(Problem):
    """Heat equation on a rod with cold ends; dimensionless.

        u_t = α u_xx      0 < x < 1,  0 < t ≤ 1
        u(x, 0) = sin(πx),  u(0, t) = u(1, t) = 0

    Source: Müller & Zeinhofer (2023), arXiv:2302.13163, with α = ¼.
    Reference: u = e^{-απ²t} sin(πx).

    Attributes:
        alpha: diffusivity α > 0.
    """

    alpha: float = positive(0.25)

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)
    symmetries = (Mirror(("x",)),)

    @residual(on="interior")
    def heat(self, u_t, u_xx):
        return u_t - self.alpha * u_xx

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(pi * x)

    @residual(on="boundary")
    def walls(self, u):
        return u

    @satisfies("start", "walls")
    def ansatz(self, x, t, net):
        return tf.sin(pi * x) + 4 * t * (x * (1 - x)) * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": np.exp(-self.alpha * pi**2 * t) * np.sin(pi * x)}


class HeatMultiscale(Problem):
    """Heat equation on a plate that conducts differently in x and y; dimensionless.

        u_t = α_x u_xx + α_y u_yy      0 < x, y < 1,  0 < t ≤ 5
        u(x, y, 0) = sin(20πx) sin(πy),  u = 0 on the boundary

    Source: Heat2d-MS of PINNacle, Hao et al. (2023), arXiv:2306.08827, with α_x = 1/(500π)² and
    α_y = 1/π².  The errors published there are against a finite-element solution that is itself off
    by 1.3 %.
    Reference: u = e^{-(400 α_x + α_y) π² t} sin(20πx) sin(πy).

    Attributes:
        alpha_x: diffusivity α_x > 0 across the stripes.
        alpha_y: diffusivity α_y > 0 along the stripes.
    """

    alpha_x: float = positive(1 / (500 * pi) ** 2)
    alpha_y: float = positive(1 / pi**2)

    fields = ("u",)
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))
    time = (0.0, 5.0)
    symmetries = (Mirror(("x",), odd=("u",)), Mirror(("y",)))

    @residual(on="interior")
    def heat(self, u_t, u_xx, u_yy):
        return u_t - self.alpha_x * u_xx - self.alpha_y * u_yy

    @residual(on="initial")
    def start(self, x, y, u):
        return u - tf.sin(20 * pi * x) * tf.sin(pi * y)

    @residual(on="boundary")
    def walls(self, u):
        return u

    @satisfies("start", "walls")
    def ansatz(self, x, y, t, net):
        inside = 16 * (x * (1 - x)) * (y * (1 - y))
        return tf.sin(20 * pi * x) * tf.sin(pi * y) + (1 - tf.exp(-t)) * inside * net

    def reference(self, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        rate = (400 * self.alpha_x + self.alpha_y) * pi**2
        return {"u": np.exp(-rate * t) * np.sin(20 * pi * x) * np.sin(pi * y)}


class Heat5D(Problem):
    """Heat equation in the unit ball of R⁵, with the flux given on its surface; dimensionless.

        u_t = Δu/5 - (|x|²/5) e^{|x|²/2 + t}      |x| < 1,  0 < t ≤ 1
        u(x, 0) = e^{|x|²/2}
        u_n = e^{½ + t} for |x| = 1

    Source: HeatNd of PINNacle, Hao et al. (2023), arXiv:2306.08827.
    Reference: u = e^{|x|²/2 + t}.
    """

    fields = ("u",)
    space = Ball(x1=0.0, x2=0.0, x3=0.0, x4=0.0, x5=0.0, radius=1.0)
    time = (0.0, 1.0)

    @residual(on="interior")
    def heat(self, x1, x2, x3, x4, x5, t, u_t, lap_u):
        square = _square(x1, x2, x3, x4, x5)
        return u_t - lap_u / 5 + square / 5 * tf.exp(square / 2 + t)

    @residual(on="initial")
    def start(self, x1, x2, x3, x4, x5, u):
        return u - tf.exp(_square(x1, x2, x3, x4, x5) / 2)

    @residual(on="boundary")
    def flux(self, t, u_n):
        return u_n - tf.exp(0.5 + t)

    @satisfies("start")
    def ansatz(self, x1, x2, x3, x4, x5, t, net):
        return tf.exp(_square(x1, x2, x3, x4, x5) / 2) + t * net

    def reference(self, t: np.ndarray, **position: np.ndarray) -> dict[str, Any]:
        return {"u": np.exp(_square(*position.values()) / 2 + t)}


def _square(*coordinates: Quantity) -> Any:
    """Return |x|²."""
    return sum(c * c for c in coordinates)
