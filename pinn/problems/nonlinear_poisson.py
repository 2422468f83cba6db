"""A nonlinear Poisson equation, Δu - e^u = f, with a known solution."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

import math
from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.geometry import Rectangle
from pinn.problem import Problem, residual, satisfies


class NonlinearPoisson(Problem):
    """Nonlinear Poisson equation on the unit square; dimensionless.

        u_xx + u_yy - e^u = f      0 < x, y < 1
        u = 1 + sin(kπx) cos(kπy) on the boundary

    f is such that the same formula holds inside.

    Source: Urbán, Stefanou & Pons (2025), doi:10.1016/j.jcp.2024.113656 (arXiv:2405.04230), with
    k = 4.
    Reference: u = 1 + sin(kπx) cos(kπy).

    Attributes:
        k: half waves of the solution along each side, a whole number.
    """

    k: int = 4

    fields = ("u",)
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k != round(self.k) or self.k < 1:
            raise InputError(
                f"NonlinearPoisson: k={self.k}; give a whole number of half waves, such as 4."
            )
        if "k" in self.unknowns:
            raise InputError(
                "NonlinearPoisson: unknown k is a number of half waves, not a coefficient; "
                "leave it out."
            )

    @residual(on="interior")
    def poisson(self, x, y, u, u_xx, u_yy):
        wave = tf.sin(self.k * pi * x) * tf.cos(self.k * pi * y)
        source = -2 * (self.k * pi) ** 2 * wave - tf.exp(1 + wave)
        return u_xx + u_yy - tf.exp(u) - source

    @residual(on="boundary")
    def walls(self, x, y, u):
        return u - 1 - tf.sin(self.k * pi * x) * tf.cos(self.k * pi * y)

    @satisfies("walls")
    def ansatz(self, x, y, net):
        # The wave is replaced by a straight line in y between its values on the lower and the upper
        # wall; on the other two walls it is zero.
        wave = tf.sin(self.k * pi * x) * (1 - y + math.cos(self.k * pi) * y)
        return 1 + wave + 16 * (x * (1 - x)) * (y * (1 - y)) * net

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return {"u": 1 + np.sin(self.k * pi * x) * np.cos(self.k * pi * y)}
