"""Driven cavities: steady flow in a closed square under a moving lid; two benchmarks of one name."""

# ruff: noqa: D102 (a residual's line is its own documentation)
from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Rectangle
from pinn.problem import positive, residual, satisfies
from pinn.problems.navier_stokes import SteadyPlaneFlow
from pinn.references import cavity, cavity_error
from pinn.references.corner import CUTOFF, SCALE

_TINY = 1e-30  # beside a corner itself, where the angle is not defined
_NEAR = 0.05  # the weight of momentum is a quarter at this distance


@dataclass(frozen=True, kw_only=True)
class Cavity(SteadyPlaneFlow):
    """Steady incompressible Navier–Stokes equations in a cavity whose lid speeds up from the corners; dimensionless.

        u u_x + v u_y = -p_x + (u_xx + u_yy) / Re,  u v_x + v v_y = -p_y + (v_xx + v_yy) / Re,  u_x
        + v_y = 0 u = 4x (1 - x) and v = 0 on y = 1,  u = v = 0 on the other walls      0 < x, y < 1

    The pressure is determined up to a constant; it grows as log r beside the upper corners.

    Source: PINNacle's NS2d-C (Hao et al. 2023), arXiv:2306.08827, with Re = 100.  Other lids of
    other papers are u = 1 (here `CavityUniformLid`) and 1 - cosh(50 (x - ½)) / cosh 25.
    Reference: Legendre polynomials beside the corners' singular functions, with the error that
    `reference_error` states.

    Attributes:
        Re: Reynolds number Re > 0, by the lid's largest speed and its length.
    """

    Re: float = positive(100.0)

    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

    @residual(on="boundary")
    def walls_u(self, x, y, u):
        return (
            u - 4 * x * (1 - x) * y
        )  # y is 1 on the lid and 0 on the floor; x (1 - x) is 0 on the sides

    @residual(on="boundary")
    def walls_v(self, v):
        return v

    @satisfies("walls_u", "walls_v")
    def ansatz(self, x, y, net):
        inside = 16 * x * (1 - x) * y * (1 - y)
        return 4 * x * (1 - x) * y + inside * net[0], inside * net[1], net[2]

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return dict(zip(self.fields, cavity(x, y, self.Re, "parabolic"), strict=True))

    def reference_error(self) -> dict[str, float]:
        return dict(zip(self.fields, cavity_error(self.Re, "parabolic"), strict=True))


@dataclass(frozen=True, kw_only=True)
class CavityUniformLid(SteadyPlaneFlow):
    """Steady incompressible Navier–Stokes equations in a cavity whose lid has one speed; dimensionless.

        u u_x + v u_y = -p_x + (u_xx + u_yy) / Re,  u v_x + v v_y = -p_y + (v_xx + v_yy) / Re,  u_x
        + v_y = 0 u = 1 and v = 0 on y = 1,  u = v = 0 on the other walls      0 < x, y < 1

    The velocity jumps in the upper corners.  There the flow is Stokes' (Taylor 1962), which is
    built in, cut off smoothly towards the other walls; a network adds what vanishes on all walls.
    Beside the corners the inertia of that flow grows as 1/r, and so does the rest of the momentum:
    it is weighted by (r² / (r² + 1/400))², r from either corner, so that no draw of points is ruled
    by the one that comes nearest.

    The pressure, determined up to a constant, grows as 1/r there and has no L² norm.  The reference
    holds it within 10⁻³ of the corners; what is reported of p tells about them, and u and v about
    the flow.

    Source: Ghia, Ghia & Shin (1982), doi:10.1016/0021-9991(82)90058-4, one of whose Reynolds
    numbers is 3200.
    Reference: as of `Cavity`.

    Attributes:
        Re: Reynolds number Re > 0, by the lid's speed and its length.
    """

    Re: float = positive(3200.0)

    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

    @residual(on="y+")
    def lid(self, u):
        return u - 1

    @residual(on="y-")
    def floor(self, u):
        return u

    @residual(on="x-")
    def left(self, u):
        return u

    @residual(on="x+")
    def right(self, u):
        return u

    @residual(on="boundary")
    def walls_v(self, v):
        return v

    @residual(on="interior")
    def momentum_x(self, x, y, u, v, u_x, u_y, p_x, u_xx, u_yy):
        return _weight(x, y) * super().momentum_x(u, v, u_x, u_y, p_x, u_xx, u_yy)

    @residual(on="interior")
    def momentum_y(self, x, y, u, v, v_x, v_y, p_y, v_xx, v_yy):
        return _weight(x, y) * super().momentum_y(u, v, v_x, v_y, p_y, v_xx, v_yy)

    @satisfies("lid", "floor", "left", "right", "walls_v")
    def ansatz(self, x, y, net):
        """Cut the corners' stream functions off: ψ = y² (3 - 2y) ((1 - x)² (1 + 2x) ψ₁ + x² (3 - 2x) ψ₂)."""
        left, right = _Corner(x, 1 - y), _Corner(1 - x, 1 - y)
        up, by_left, by_right = (
            y * y * (3 - 2 * y),
            (1 - x) * (1 - x) * (1 + 2 * x),
            x * x * (3 - 2 * x),
        )
        slope = 6 * x * (1 - x)  # of by_right; that of by_left is its negative
        stream = by_left * left.stream + by_right * right.stream
        u = 6 * y * (1 - y) * stream - up * (by_left * left.by_b + by_right * right.by_b)
        v = up * (
            slope * (left.stream - right.stream) - by_left * left.by_a + by_right * right.by_a
        )
        p = up * (by_left * left.pressure - by_right * right.pressure) / self.Re
        inside = 16 * x * (1 - x) * y * (1 - y)
        return u + inside * net[0], v + inside * net[1], p + net[2]

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return dict(zip(self.fields, cavity(x, y, self.Re, "uniform"), strict=True))

    def reference_error(self) -> dict[str, float]:
        return dict(zip(self.fields, cavity_error(self.Re, "uniform"), strict=True))


class _Corner:
    """Stokes' flow in a corner, at distances a along the lid and b below it; as in `pinn.references.corner`.

    ψ = c (θ (a + ½π b) - ¼π² b),  c = 1 / (¼π² - 1),  p = -2c (a + ½π b) / r²
    """

    def __init__(self, a: Any, b: Any) -> None:
        a = a + _TINY
        square, angle, w = a * a + b * b, tf.atan(b / a), a + pi / 2 * b
        self.stream = SCALE * (angle * w - pi**2 / 4 * b)
        self.by_a = SCALE * (angle - b * w / square)
        self.by_b = SCALE * (a * w / square + pi / 2 * angle - pi**2 / 4)
        self.pressure = -2 * SCALE * w / (square + CUTOFF**2)


def _weight(x: Any, y: Any) -> Any:
    """Return how much the momentum counts: (r² / (r² + 1/400))² of both upper corners."""
    left, right = ((a * a + (1 - y) * (1 - y)) for a in (x, 1 - x))
    found = left / (left + _NEAR**2) * right / (right + _NEAR**2)
    return found * found
