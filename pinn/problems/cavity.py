"""Driven cavities: steady flow in a closed square under a moving lid, with two kinds of lid."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.arrays import Quantity
from pinn.geometry import Rectangle
from pinn.problem import positive, residual, satisfies
from pinn.problems.navier_stokes import SteadyPlaneFlow
from pinn.references import cavity, cavity_error
from pinn.references.corner import CUTOFF, SCALE

_TINY = 1e-30  # keeps points away from the corner itself, where the angle is not defined
_NEAR = 0.05  # the weight of the momentum equations is a quarter at this distance


class Cavity(SteadyPlaneFlow):
    """Steady Navier–Stokes equations in a cavity, under a lid at rest at its ends; dimensionless.

        u u_x + v u_y = -p_x + (u_xx + u_yy) / Re      0 < x, y < 1
        u v_x + v v_y = -p_y + (v_xx + v_yy) / Re
        u_x + v_y = 0
        u = 4x (1 - x) and v = 0 on y = 1,  u = v = 0 on the other walls

    The pressure is determined up to a constant; it grows as log r near the upper corners.

    Source: PINNacle's NS2d-C (Hao et al. 2023), arXiv:2306.08827, with Re = 100.  Other papers have
    the lids u = 1 (`CavityUniformLid`) and u = 1 - cosh(50 (x - ½)) / cosh 25.
    Reference: Legendre polynomials and singular functions for the corners, with the error in
    `reference_error`.

    Attributes:
        Re: Reynolds number Re > 0, based on the lid's largest speed and its length.
    """

    Re: float = positive(100.0)

    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

    @residual(on="boundary")
    def walls_u(self, x, y, u):
        # y is 1 on the lid and 0 on the floor; x (1 - x) is 0 on the sides.
        return u - 4 * x * (1 - x) * y

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


class CavityUniformLid(SteadyPlaneFlow):
    """Steady Navier–Stokes equations in a cavity, under a lid of uniform speed; dimensionless.

        u u_x + v u_y = -p_x + (u_xx + u_yy) / Re      0 < x, y < 1
        u v_x + v v_y = -p_y + (v_xx + v_yy) / Re
        u_x + v_y = 0
        u = 1 and v = 0 on y = 1,  u = v = 0 on the other walls

    The velocity jumps in the upper corners, where the flow is Stokes flow (Taylor 1962).  The
    ansatz contains this flow, cut off smoothly towards the other walls; the network's part vanishes
    on all walls.  Near the corners the inertia of the Stokes flow grows as 1/r, and so does the
    residual of the momentum equations.  They are weighted by (r² / (r² + 1/400))² for the distance
    r to each corner, so that the nearest point does not dominate the loss.

    The pressure is determined up to a constant.  It grows as 1/r near the corners and has no L²
    norm; the reference bounds it within 10⁻³ of the corners.  So the error of p describes the
    corners, and the errors of u and v describe the flow.

    Source: Ghia, Ghia & Shin (1982), doi:10.1016/0021-9991(82)90058-4, where one of the Reynolds
    numbers is 3200.
    Reference: as for `Cavity`.

    Attributes:
        Re: Reynolds number Re > 0, based on the lid's speed and its length.
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
        """Cut off the corners' stream functions ψ₁ and ψ₂.

        ψ = y² (3 - 2y) ((1 - x)² (1 + 2x) ψ₁ + x² (3 - 2x) ψ₂)
        """
        left = _Corner(x, 1 - y)
        right = _Corner(1 - x, 1 - y)
        to_lid = y * y * (3 - 2 * y)
        to_left = (1 - x) * (1 - x) * (1 + 2 * x)
        to_right = x * x * (3 - 2 * x)
        slope = 6 * x * (1 - x)  # of `to_right`; that of `to_left` is -slope
        stream = to_left * left.stream + to_right * right.stream
        u = 6 * y * (1 - y) * stream - to_lid * (to_left * left.by_b + to_right * right.by_b)
        v = to_lid * (
            slope * (left.stream - right.stream) - to_left * left.by_a + to_right * right.by_a
        )
        p = to_lid * (to_left * left.pressure - to_right * right.pressure) / self.Re
        inside = 16 * x * (1 - x) * y * (1 - y)
        return u + inside * net[0], v + inside * net[1], p + net[2]

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return dict(zip(self.fields, cavity(x, y, self.Re, "uniform"), strict=True))

    def reference_error(self) -> dict[str, float]:
        return dict(zip(self.fields, cavity_error(self.Re, "uniform"), strict=True))


class _Corner:
    """Stokes flow in a corner, at distances a along the lid and b below it.

    As in `pinn.references.corner`, but with tensors:
    ψ = c (θ (a + ½π b) - ¼π² b),  c = 1 / (¼π² - 1),  p = -2c (a + ½π b) / r²
    """

    def __init__(self, a: Quantity, b: Quantity) -> None:
        a = a + _TINY
        square = a * a + b * b
        angle = tf.atan(b / a)
        w = a + pi / 2 * b
        self.stream = SCALE * (angle * w - pi**2 / 4 * b)
        self.by_a = SCALE * (angle - b * w / square)
        self.by_b = SCALE * (a * w / square + pi / 2 * angle - pi**2 / 4)
        self.pressure = -2 * SCALE * w / (square + CUTOFF**2)


def _weight(x: Quantity, y: Quantity) -> Any:
    """Return the weight of the momentum equations, (r² / (r² + 1/400))² for both upper corners."""
    left = x * x + (1 - y) * (1 - y)
    right = (1 - x) * (1 - x) + (1 - y) * (1 - y)
    root = left / (left + _NEAR**2) * right / (right + _NEAR**2)
    return root * root
