"""The wave equation: two standing waves on a string, one four times as fast as the other."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Interval
from pinn.problem import Problem, positive, residual, satisfies


class Wave(Problem):
    """Wave equation on a string that is fixed at both ends; dimensionless.

        u_tt = c² u_xx      0 < x < 1,  0 < t ≤ 1
        u(x, 0) = sin(πx) + ½ sin(4πx),  u_t(x, 0) = 0,  u(0, t) = u(1, t) = 0

    Source: Wang, Yu & Perdikaris (2022), doi:10.1016/j.jcp.2021.110768.
    Reference: u = sin(πx) cos(cπt) + ½ sin(4πx) cos(4cπt).

    Attributes:
        c: speed of sound c > 0.
    """

    c: float = positive(2.0)

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def wave(self, u_tt, u_xx):
        return u_tt - self.c**2 * u_xx

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(pi * x) - 0.5 * tf.sin(4 * pi * x)

    @residual(on="initial")
    def start_velocity(self, u_t):
        return u_t

    @residual(on="boundary")
    def walls(self, u):
        return u

    @satisfies("start", "start_velocity", "walls")
    def ansatz(self, x, t, net):
        # With the factor t² alone, the network would have to fit the remainder divided by t²:
        # hundreds near the start, and a few at the end.  This factor reaches one within a period of
        # the fast wave.
        factor = t * t / (t * t + 1 / (2 * self.c) ** 2)
        return tf.sin(pi * x) + 0.5 * tf.sin(4 * pi * x) + factor * (4 * x * (1 - x)) * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        slow = np.sin(pi * x) * np.cos(self.c * pi * t)
        fast = np.sin(4 * pi * x) * np.cos(4 * self.c * pi * t)
        return {"u": slow + 0.5 * fast}
