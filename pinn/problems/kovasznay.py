"""Kovasznay flow: the steady wake behind a row of cylinders, an exact solution of Navier–Stokes."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

import math
from math import pi
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from pinn.arrays import Quantity
from pinn.geometry import Rectangle
from pinn.problem import positive, residual, satisfies
from pinn.problems.navier_stokes import SteadyPlaneFlow
from pinn.symmetry import Mirror


class Kovasznay(SteadyPlaneFlow):
    """Steady incompressible Navier–Stokes equations in the plane; dimensionless.

        u u_x + v u_y = -p_x + (u_xx + u_yy) / Re      -½ < x < 1,  -½ < y < 3/2
        u v_x + v v_y = -p_y + (v_xx + v_yy) / Re
        u_x + v_y = 0

    u and v are given on the boundary.  The pressure is determined up to a constant.

    Source: Kovasznay (1948), doi:10.1017/S0305004100024130; as a benchmark Jin et al. (2021,
    NSFnets), doi:10.1016/j.jcp.2020.109951.
    Reference, with L = Re/2 - √(Re²/4 + 4π²):
        u = 1 - e^{Lx} cos(2πy),  v = L/(2π) e^{Lx} sin(2πy),  p = ½ (1 - e^{2Lx}).

    Attributes:
        Re: Reynolds number Re > 0.
    """

    Re: float = positive(40.0)
    # L.  Each instance has its own; ClassVar, as it is no coefficient.
    _rate: ClassVar[float]

    space = Rectangle(x=(-0.5, 1.0), y=(-0.5, 1.5))
    symmetries = (Mirror(("y",), odd=("v",)),)

    def __post_init__(self) -> None:
        super().__post_init__()
        # The boundary values are given data: they have the true Re where Re is an unknown.
        object.__setattr__(self, "_rate", self.Re / 2 - math.sqrt(self.Re**2 / 4 + 4 * pi**2))

    @residual(on="boundary")
    def wall_u(self, x, y, u):
        return u - (1 - tf.exp(self._rate * x) * tf.cos(2 * pi * y))

    @residual(on="boundary")
    def wall_v(self, x, y, v):
        return v - self._rate / (2 * pi) * tf.exp(self._rate * x) * tf.sin(2 * pi * y)

    @satisfies("wall_u", "wall_v")
    def ansatz(self, x, y, net):
        lower, upper = self.space.bounds
        x0, y0 = lower.tolist()
        x1, y1 = upper.tolist()
        xi = (x - x0) / (x1 - x0)
        eta = (y - y0) / (y1 - y0)
        inside = 16 * (xi * (1 - xi)) * (eta * (1 - eta))
        rate = self._rate
        # The factors of u and v, and the straight lines between their values at the ends.
        growth = tf.exp(rate * x)
        growth_line = (1 - xi) * math.exp(rate * x0) + xi * math.exp(rate * x1)
        cosine = tf.cos(2 * pi * y)
        cosine_line = (1 - eta) * math.cos(2 * pi * y0) + eta * math.cos(2 * pi * y1)
        sine = tf.sin(2 * pi * y)
        sine_line = (1 - eta) * math.sin(2 * pi * y0) + eta * math.sin(2 * pi * y1)
        blended_u = _transfinite(growth, growth_line, cosine, cosine_line)
        blended_v = _transfinite(growth, growth_line, sine, sine_line)
        u = 1 - blended_u + inside * net[0]
        v = rate / (2 * pi) * blended_v + inside * net[1]
        return u, v, net[2]

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        growth = np.exp(self._rate * x)
        return {
            "u": 1 - growth * np.cos(2 * pi * y),
            "v": self._rate / (2 * pi) * growth * np.sin(2 * pi * y),
            "p": 0.5 * (1 - growth**2),
        }


def _transfinite(f: Quantity, f_line: Quantity, g: Quantity, g_line: Quantity) -> Any:
    """Return f(x)g(y) blended into the interior from its boundary values (Coons patch).

    `f_line` and `g_line` are the straight lines between the values at the ends.  The left and right
    sides contribute f_line g, and the lower and upper sides f g_line.  Both contain the corners, so
    f_line g_line is subtracted.

    Source: Gordon & Hall (1973), doi:10.1007/BF01436298.
    """
    return f_line * g + f * g_line - f_line * g_line
