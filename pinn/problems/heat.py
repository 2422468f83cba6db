"""The heat equation: a sine on a rod, a slab in an oven, stripes on a plate, a ball in R⁵."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.arrays import Quantity
from pinn.geometry import Ball, Interval, Rectangle
from pinn.problem import Problem, positive, residual, satisfies
from pinn.references.slab import slab_in_oven
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


class HeatOven(Problem):
    """Heat equation in a slab that warms up in an oven, through a film; dimensionless.

        u_t = k u_xx                    0 < x < 1,  0 < t ≤ 1
        u(x, 0) = 0,  u_x(0, t) = 0,  k u_x(1, t) = h (a(t) − u(1, t))

    with the temperature a(t) = (1 − cos πt)/2 of the oven.  Its rise is slow at first, so that the
    conditions agree in the corner.

    Reference: the series of Carslaw & Jaeger (1959), Conduction of Heat in Solids, §3.11, by
    Duhamel's theorem (`references.slab`).

    Attributes:
        k: conductivity k > 0.
        h: heat-transfer coefficient h > 0 of the film.
    """

    k: float = positive(0.5)
    h: float = positive(1.0)

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def heat(self, u_t, u_xx):
        return u_t - self.k * u_xx

    @residual(on="initial")
    def start(self, u):
        return u

    @residual(on="x-")
    def symmetry(self, u_x):
        return u_x

    @residual(on="x+")
    def film(self, t, u, u_x):
        oven = (1 - tf.cos(pi * t)) / 2
        return self.k * u_x - self.h * (oven - u)

    @satisfies("start")
    def ansatz(self, x, t, net):
        return t * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": slab_in_oven(x, t, k=self.k, h=self.h)}


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
