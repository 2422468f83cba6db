"""Poisson's equation with manufactured sources: on the unit square, and on the unit cube of R⁵."""

# ruff: noqa: D102 (a residual's line is its own documentation)
from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Box, Rectangle
from pinn.problem import Problem, residual, satisfies


@dataclass(frozen=True, kw_only=True)
class Poisson(Problem):
    """Poisson equation on the unit square; dimensionless.

        -(u_xx + u_yy) = 2π² sin(πx) sin(πy)      0 < x, y < 1
        u = 0 on the boundary

    Source: Müller & Zeinhofer (2023), arXiv:2302.13163.
    Reference: u = sin(πx) sin(πy).
    """

    fields = ("u",)
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

    @residual(on="interior")
    def poisson(self, x, y, u_xx, u_yy):
        return u_xx + u_yy + 2 * pi**2 * tf.sin(pi * x) * tf.sin(pi * y)

    @residual(on="boundary")
    def walls(self, u):
        return u

    @satisfies("walls")
    def ansatz(self, x, y, net):
        return 16 * (x * (1 - x)) * (y * (1 - y)) * net

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return {"u": np.sin(pi * x) * np.sin(pi * y)}


@dataclass(frozen=True, kw_only=True)
class Poisson5D(Problem):
    """Poisson equation on the unit cube of R⁵; dimensionless.

        -Δu = (π²/4) Σᵢ sin(πxᵢ/2)      0 < x₁, …, x₅ < 1
        u = Σᵢ sin(πxᵢ/2) on the boundary

    There is no ansatz: the transfinite interpolant of the boundary values reproduces every sum of functions of
    fewer than five coordinates, and so would be the solution itself.

    Source: PoissonNd of PINNacle, Hao et al. (2023), arXiv:2306.08827.
    Reference: u = Σᵢ sin(πxᵢ/2).
    """

    fields = ("u",)
    space = Box(x1=(0.0, 1.0), x2=(0.0, 1.0), x3=(0.0, 1.0), x4=(0.0, 1.0), x5=(0.0, 1.0))

    @residual(on="interior")
    def poisson(self, x1, x2, x3, x4, x5, lap_u):
        return lap_u + pi**2 / 4 * _sines(x1, x2, x3, x4, x5)

    @residual(on="boundary")
    def walls(self, x1, x2, x3, x4, x5, u):
        return u - _sines(x1, x2, x3, x4, x5)

    def reference(self, **coordinates: np.ndarray) -> dict[str, Any]:
        return {"u": _sines(*coordinates.values(), sine=np.sin)}


def _sines(*coordinates: Any, sine: Any = tf.sin) -> Any:
    """Return Σᵢ sin(πxᵢ/2)."""
    return sum(sine(pi / 2 * c) for c in coordinates)
