"""Poisson's equation with known solutions on the unit square and the unit cubes of R⁵ and R¹⁰."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.arrays import Quantity
from pinn.geometry import Box, Rectangle
from pinn.problem import Problem, residual, satisfies
from pinn.references.points import Elementwise
from pinn.symmetry import Mirror


class Poisson(Problem):
    """Poisson equation on the unit square; dimensionless.

        -(u_xx + u_yy) = 2π² sin(πx) sin(πy)      0 < x, y < 1
        u = 0 on the boundary

    Source: Müller & Zeinhofer (2023), arXiv:2302.13163.
    Reference: u = sin(πx) sin(πy).
    """

    fields = ("u",)
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))
    symmetries = (Mirror(("x",)), Mirror(("y",)))

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


_WAVES = (4, 8, 12, 16)


class LaplacianMultiscale(Problem):
    """Poisson equation on the unit square with a solution of four scales; dimensionless.

        -(u_xx + u_yy) = ½ Σ_ω (ωπ)² sin(ωπx) sin(ωπy),  ω = 4, 8, 12, 16      0 < x, y < 1
        u = 0 on the boundary

    Source: Webb, Jerad & Cartis (2026), arXiv:2607.02194, "multi-scale Laplacian".
    Reference: u = ¼ Σ_ω sin(ωπx) sin(ωπy).
    """

    fields = ("u",)
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))
    symmetries = (Mirror(("x",), odd=("u",)), Mirror(("y",), odd=("u",)))

    @residual(on="interior")
    def poisson(self, x, y, u_xx, u_yy):
        waves = [(w * pi) ** 2 * tf.sin(w * pi * x) * tf.sin(w * pi * y) for w in _WAVES]
        return u_xx + u_yy + 0.5 * sum(waves)

    @residual(on="boundary")
    def walls(self, u):
        return u

    @satisfies("walls")
    def ansatz(self, x, y, net):
        return 16 * (x * (1 - x)) * (y * (1 - y)) * net

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        waves = [np.sin(w * pi * x) * np.sin(w * pi * y) for w in _WAVES]
        return {"u": 0.25 * sum(waves)}


class Poisson5D(Problem):
    """Poisson equation on the unit cube of R⁵; dimensionless.

        -Δu = (π²/4) Σᵢ sin(πxᵢ/2)      0 < x₁, …, x₅ < 1
        u = Σᵢ sin(πxᵢ/2) on the boundary

    There is no ansatz: the transfinite interpolant of the boundary values reproduces any sum of
    functions of fewer than five coordinates, so that it would be the solution itself.

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


def _sines(*coordinates: Quantity, sine: Elementwise = tf.sin) -> Any:
    """Return Σᵢ sin(πxᵢ/2)."""
    return sum(sine(pi / 2 * c) for c in coordinates)


class Poisson10D(Problem):
    """Laplace's equation on the unit cube of R¹⁰; dimensionless.

        Δu = 0      0 < x₁, …, x₁₀ < 1
        u = x₁x₂ + x₃x₄ + x₅x₆ + x₇x₈ + x₉x₁₀ on the boundary

    There is no ansatz, for the same reason as in `Poisson5D`.

    Source: E & Yu (2018), doi:10.1007/s40304-018-0127-z; as a benchmark Webb, Jerad & Cartis
    (2026), arXiv:2607.02194.
    Reference: u = x₁x₂ + x₃x₄ + x₅x₆ + x₇x₈ + x₉x₁₀.
    """

    fields = ("u",)
    space = Box(**{f"x{i}": (0.0, 1.0) for i in range(1, 11)})

    @residual(on="interior")
    def laplace(self, lap_u):
        return lap_u

    @residual(on="boundary")
    def walls(self, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, u):
        return u - _products(x1, x2, x3, x4, x5, x6, x7, x8, x9, x10)

    def reference(self, **coordinates: np.ndarray) -> dict[str, Any]:
        return {"u": _products(*coordinates.values())}


def _products(*coordinates: Quantity) -> Any:
    """Return x₁x₂ + x₃x₄ + …"""
    return sum(a * b for a, b in zip(coordinates[::2], coordinates[1::2], strict=True))
