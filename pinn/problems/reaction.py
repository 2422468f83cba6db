"""A reaction without diffusion: logistic growth at each position."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.arrays import Quantity
from pinn.geometry import Interval
from pinn.problem import Problem, positive, residual, satisfies
from pinn.references.points import Elementwise
from pinn.symmetry import Mirror


class Reaction(Problem):
    """Logistic growth from a Gaussian bell; dimensionless.

        u_t = ρ u (1 - u)      0 < x < 2π,  0 < t ≤ 1
        u(x, 0) = b(x) = exp(-(x - π)² / (2 (π/4)²))

    The source also requires u(0, t) = u(2π, t).  This is no further condition: the equation holds
    at each x separately, and the bell has the same value at both ends.  The network is not periodic
    either, because the slope of the bell is not: it is 0.0017 at one end and -0.0017 at the other,
    and grows by a factor of a hundred.

    Source: Krishnapriyan et al. (2021), arXiv:2109.01050, with ρ = 5.
    Reference: u = b e^{ρt} / (b e^{ρt} + 1 - b).

    Attributes:
        rho: growth rate ρ > 0.
    """

    rho: float = positive(5.0)

    fields = ("u",)
    space = Interval(x=(0.0, 2 * pi))
    time = (0.0, 1.0)
    symmetries = (Mirror(("x",)),)

    @residual(on="interior")
    def reaction(self, u, u_t):
        return u_t - self.rho * u * (1 - u)

    @residual(on="initial")
    def start(self, x, u):
        return u - _bell(x)

    @satisfies("start")
    def ansatz(self, x, t, net):
        return _bell(x) + t * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        bell = _bell(x, exp=np.exp)
        growth = bell * np.exp(self.rho * t)
        return {"u": growth / (growth + 1 - bell)}


def _bell(x: Quantity, *, exp: Elementwise = tf.exp) -> Any:
    """Return exp(-(x - π)² / (2 (π/4)²))."""
    return exp(-0.5 * (4 / pi) ** 2 * ((x - pi) * (x - pi)))
