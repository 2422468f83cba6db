"""A reaction without diffusion: logistic growth, everywhere for itself."""

# ruff: noqa: D102 (a residual's line is its own documentation)
from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Interval
from pinn.problem import Problem, positive, residual, satisfies
from pinn.symmetry import Mirror


@dataclass(frozen=True, kw_only=True)
class Reaction(Problem):
    """Logistic growth from a Gaussian bell; dimensionless.

        u_t = ρ u (1 - u)      0 < x < 2π,  0 < t ≤ 1
        u(x, 0) = b(x) = exp(-(x - π)² / (2 (π/4)²))

    The source asks for u(0, t) = u(2π, t) besides, which is no further condition: the equation
    holds at every x for itself, and the bell has the same value at both ends.  Nor is the network
    made periodic, because the bell's slope, -0.0017 to 0.0017 at the ends, is not, and grows a
    hundredfold.

    Source: Krishnapriyan et al. (2021), arXiv:2109.01050, with ρ = 5.
    Reference: u = b e^{ρt} / (b e^{ρt} + 1 - b).

    Attributes:
        rho: rate of growth ρ > 0.
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
        grown = _bell(x, exp=np.exp) * np.exp(self.rho * t)
        return {"u": grown / (grown + 1 - _bell(x, exp=np.exp))}


def _bell(x: Any, *, exp: Any = tf.exp) -> Any:
    """Return exp(-(x - π)² / (2 (π/4)²))."""
    return exp(-0.5 * (4 / pi) ** 2 * ((x - pi) * (x - pi)))
