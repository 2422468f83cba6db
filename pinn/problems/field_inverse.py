"""Conductivities from temperatures: a coefficient that is a function, in a steady and in a decaying field."""

# ruff: noqa: D102 (a residual's line is its own documentation)
from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from pinn.geometry import Rectangle
from pinn.problem import Problem, residual
from pinn.unknowns import UnknownField


@dataclass(frozen=True, kw_only=True)
class PoissonFieldInverse(Problem):
    """Poisson's equation with an unknown conductivity a(x, y), from noisy values of u; dimensionless.

        -∇·(a ∇u) = f      0 < x, y < 1
        a given on the boundary

    Source: Hao et al. (2024, PINNacle), arXiv:2306.08827, "PInv": 2500 values of u with noise of
    standard deviation 0.1, which is 0.3415 of that of u.  f belongs to the solution below; the
    published code's, which has 2x + 1 and 2y + 1 where the derivatives of a give 2x - 1 and 2y - 1,
    does not.
    Reference: u = sin(πx) sin(πy),  a = 1 / (1 + x² + y² + (x-1)² + (y-1)²).
    """

    fields = ("u",)
    unknown_fields: ClassVar = {"a": UnknownField(("x", "y"), lower=0.0)}
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

    @residual(on="interior")
    def poisson(self, x, y, u_x, u_y, lap_u, a, a_x, a_y):
        return a * lap_u + a_x * u_x + a_y * u_y + self._source(x, y)

    @residual(on="boundary")
    def walls_a(self, x, y, a):
        return a - _bump(x, y)

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return {"u": np.sin(pi * x) * np.sin(pi * y), "a": _bump(x, y)}

    def _source(self, x: Any, y: Any) -> Any:
        a, (sx, sy), (cx, cy) = (
            _bump(x, y),
            (tf.sin(pi * x), tf.sin(pi * y)),
            (tf.cos(pi * x), tf.cos(pi * y)),
        )
        # a_x = -2a² (2x - 1), and so for y.
        return 2 * pi * a * (pi * sx * sy + a * ((2 * x - 1) * cx * sy + (2 * y - 1) * sx * cy))


@dataclass(frozen=True, kw_only=True)
class HeatFieldInverse(Problem):
    """Heat equation with an unknown conductivity a(x, y), from noisy values of u; dimensionless.

        u_t = ∇·(a ∇u) + f      -1 < x, y < 1,  0 < t ≤ 1
        a given on the boundary

    a does not depend on time, and neither does its network.

    Source: Hao et al. (2024, PINNacle), arXiv:2306.08827, "HInv": 2500 values of u with noise of
    standard deviation 0.1, which is 0.3042 of that of u.
    Reference: u = e^{-t} sin(πx) sin(πy),  a = 2 + sin(πx) sin(πy).
    """

    fields = ("u",)
    unknown_fields: ClassVar = {"a": UnknownField(("x", "y"), lower=0.0)}
    space = Rectangle(x=(-1.0, 1.0), y=(-1.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def heat(self, x, y, t, u_t, u_x, u_y, lap_u, a, a_x, a_y):
        return u_t - a * lap_u - a_x * u_x - a_y * u_y - self._source(x, y, t)

    @residual(on="boundary")
    def walls_a(self, x, y, a):
        return a - (2 + tf.sin(pi * x) * tf.sin(pi * y))

    def reference(self, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        wave = np.sin(pi * x) * np.sin(pi * y)
        return {"u": np.exp(-t) * wave, "a": 2 + wave}

    def _source(self, x: Any, y: Any, t: Any) -> Any:
        sx, sy, cx, cy = tf.sin(pi * x), tf.sin(pi * y), tf.cos(pi * x), tf.cos(pi * y)
        # With w = sin(πx) sin(πy): f = e^{-t} (-w + 2π² (2 + w) w - |∇w|²).
        slopes = pi**2 * (cx * cx * sy * sy + sx * sx * cy * cy)
        return tf.exp(-t) * ((4 * pi**2 - 1) * sx * sy + 2 * pi**2 * (sx * sy) ** 2 - slopes)


def _bump(x: Any, y: Any) -> Any:
    return 1 / (1 + x * x + y * y + (x - 1) ** 2 + (y - 1) ** 2)
