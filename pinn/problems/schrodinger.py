"""The nonlinear Schrödinger equation: two bound solitons that focus and separate again."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Interval
from pinn.problem import Problem, residual
from pinn.references import schrodinger, schrodinger_error
from pinn.symmetry import Mirror


class Schrodinger(Problem):
    """Focusing nonlinear Schrödinger equation for h = u + iv; dimensionless.

        i h_t + ½ h_xx + |h|² h = 0      -5 < x < 5,  0 < t ≤ π/2
        h(x, 0) = 2 sech(x),  h periodic in x

    The network is periodic, because it embeds x.  The periodic extension of 2 sech(x) has a
    kink at x = ±5, where its slope jumps by 0.054.  Dispersion moves the kink away at once, so
    there is no ansatz: 2 sech(x) + t·net would keep the kink at ±5 at all times.  No point of the
    interior would detect its second derivative there, and the solution would be wrong.  With the
    initial state as a term of the loss, the network approximates it by a smooth function.

    Source: Raissi, Perdikaris & Karniadakis (2019), doi:10.1016/j.jcp.2018.10.045, who report the
    error of |h|.
    Reference: Fourier modes and splitting, with the error in `reference_error`.
    """

    fields = ("u", "v")
    space = Interval(x=(-5.0, 5.0))
    time = (0.0, pi / 2)
    periodic = ("x",)
    symmetries = (Mirror(("x",)),)

    @residual(on="interior")
    def schrodinger_u(self, u, v, v_t, u_xx):
        return -v_t + 0.5 * u_xx + (u * u + v * v) * u

    @residual(on="interior")
    def schrodinger_v(self, u, v, u_t, v_xx):
        return u_t + 0.5 * v_xx + (u * u + v * v) * v

    @residual(on="initial")
    def start_u(self, x, u):
        return u - 2 / tf.cosh(x)

    @residual(on="initial")
    def start_v(self, v):
        return v

    def derived(self, u: np.ndarray, v: np.ndarray) -> dict[str, Any]:
        return {"abs_h": np.hypot(u, v)}

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        h = schrodinger(x, t)
        return {"u": np.real(h), "v": np.imag(h)}

    def reference_error(self) -> dict[str, float]:
        return schrodinger_error()
