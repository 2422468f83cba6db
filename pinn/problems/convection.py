"""Linear convection: a sine that travels several times around its period."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Interval
from pinn.problem import Problem, positive, residual, satisfies


class Convection(Problem):
    """Convection of a sine at constant speed; dimensionless.

        u_t + β u_x = 0      0 < x < 2π,  0 < t ≤ 1
        u(x, 0) = sin(x),  u periodic in x

    The network is periodic, because it embeds x.

    Source: Krishnapriyan et al. (2021), arXiv:2109.01050, with β = 30; Rathore et al. (2024),
    arXiv:2402.01868, with β = 40.  Other papers have β = 50, some of them up to t = 2.
    Reference: u = sin(x - βt).

    Attributes:
        beta: speed β > 0.
    """

    beta: float = positive(30.0)

    fields = ("u",)
    space = Interval(x=(0.0, 2 * pi))
    time = (0.0, 1.0)
    periodic = ("x",)

    @residual(on="interior")
    def convection(self, u_t, u_x):
        return u_t + self.beta * u_x

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(x)

    @satisfies("start")
    def ansatz(self, x, t, net):
        # With the factor t instead, the network's output would have to be β times larger at the
        # start than at the end.
        return tf.sin(x) + (1 - tf.exp(-self.beta * t)) * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": np.sin(x - self.beta * t)}
