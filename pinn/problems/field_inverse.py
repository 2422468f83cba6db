"""Conductivities from temperatures: the unknown coefficient is a function of place or state."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from pinn.geometry import Interval, Rectangle
from pinn.problem import Problem, residual
from pinn.unknowns import UnknownField


class PoissonFieldInverse(Problem):
    """Poisson's equation with unknown conductivity a(x, y), from noisy values of u; dimensionless.

        -∇·(a ∇u) = f      0 < x, y < 1
        a given on the boundary

    Source: Hao et al. (2024, PINNacle), arXiv:2306.08827, "PInv": 2500 values of u with noise of
    standard deviation 0.1, which is 0.3415 of that of u.  The source f here belongs to the solution
    below.  That of the published code does not: it contains 2x + 1 and 2y + 1 where the derivatives
    of a give 2x - 1 and 2y - 1.
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
        a = _bump(x, y)
        sx = tf.sin(pi * x)
        sy = tf.sin(pi * y)
        cx = tf.cos(pi * x)
        cy = tf.cos(pi * y)
        # a_x = -2a² (2x - 1) and a_y = -2a² (2y - 1).
        return 2 * pi * a * (pi * sx * sy + a * ((2 * x - 1) * cx * sy + (2 * y - 1) * sx * cy))


class HeatFieldInverse(Problem):
    """Heat equation with unknown conductivity a(x, y), from noisy values of u; dimensionless.

        u_t = ∇·(a ∇u) + f      -1 < x, y < 1,  0 < t ≤ 1
        a given on the boundary

    Neither a nor its network depends on time.

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
        sx = tf.sin(pi * x)
        sy = tf.sin(pi * y)
        cx = tf.cos(pi * x)
        cy = tf.cos(pi * y)
        # f = e^{-t} (-w + 2π² (2 + w) w - |∇w|²), where w = sin(πx) sin(πy).
        slopes = pi**2 * (cx * cx * sy * sy + sx * sx * cy * cy)
        return tf.exp(-t) * ((4 * pi**2 - 1) * sx * sy + 2 * pi**2 * (sx * sy) ** 2 - slopes)


class HeatLawInverse(Problem):
    """Heat equation with unknown conductivity K(T), from noisy values of T; dimensionless.

        T_t = (K(T) T_x)_x + f      0 < x < 1,  0 < t ≤ 1
        T_x = 0                     at x = 0 and x = 1

    K is a function of the temperature, whose values at points are K(T(x, t)).

    Source: a manufactured solution.
    Reference: T = 1 + e^{-t} cos(πx),  K = (1 + T²)/5.
    """

    fields = ("T",)
    unknown_fields: ClassVar = {"K": UnknownField(("T",), lower=0.0, monotone="increasing")}
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def heat(self, x, t, T_t, T_x, T_xx, K, K_x):
        return T_t - K * T_xx - K_x * T_x - self._source(x, t)

    @residual(on="boundary")
    def insulated(self, T_x):
        return T_x

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        temperature = 1 + np.exp(-t) * np.cos(pi * x)
        return {"T": temperature, "K": (1 + temperature**2) / 5}

    def _source(self, x: Any, t: Any) -> Any:
        # f = -w - (K w_x)_x with w = T - 1, w_xx = -π² w and K' = 2T/5.
        w = tf.exp(-t) * tf.cos(pi * x)
        slope = -pi * tf.exp(-t) * tf.sin(pi * x)
        temperature = 1 + w
        return -w + pi**2 * w * (1 + temperature**2) / 5 - 2 * temperature / 5 * slope**2


def _bump(x: Any, y: Any) -> Any:
    return 1 / (1 + x * x + y * y + (x - 1) ** 2 + (y - 1) ** 2)
