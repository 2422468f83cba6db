"""The Klein–Gordon equation with a quadratic term, and a source that makes x cos t its solution."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Interval
from pinn.problem import Problem, residual, satisfies


class KleinGordon(Problem):
    """Nonlinear Klein–Gordon equation; dimensionless.

        u_tt - u_xx + u² = -x cos(t) + x² cos²(t)      -1 < x < 1,  0 < t ≤ 10
        u(x, 0) = x,  u_t(x, 0) = 0,  u(±1, t) = ±cos(t)

    The ansatz does not contain the values on the walls: their interpolant is the solution itself.

    Source: a demonstration of DeepXDE, Lu et al. (2021), doi:10.1137/19M1274067.  Other papers have
    the solution x cos(5πt) + x³t³ on [0, 1]², with u³ instead of u² (Wang, Teng & Perdikaris 2021,
    doi:10.1137/20M1318043).
    Reference: u = x cos(t).
    """

    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))
    time = (0.0, 10.0)

    @residual(on="interior")
    def klein_gordon(self, x, t, u, u_tt, u_xx):
        wave = x * tf.cos(t)
        return u_tt - u_xx + u * u + wave - wave * wave

    @residual(on="initial")
    def start(self, x, u):
        return u - x

    @residual(on="initial")
    def start_velocity(self, u_t):
        return u_t

    @residual(on="boundary")
    def walls(self, x, t, u):
        return u - x * tf.cos(t)

    @satisfies("start", "start_velocity")
    def ansatz(self, x, t, net):
        # The factor is about t² until t ≈ 1, and stays below 1 until t = 10.
        return x + t * t / (1 + t * t) * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": x * np.cos(t)}
