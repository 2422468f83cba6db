"""Beltrami flow: an exact solution of the Navier–Stokes equations in three dimensions."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from pinn.arrays import Quantity
from pinn.geometry import Box
from pinn.problem import Problem, positive, residual, satisfies


class Beltrami(Problem):
    """Incompressible Navier–Stokes equations in space; dimensionless.

        U_t + (U·∇) U = -∇p + ΔU / Re,  ∇·U = 0,  U = (u, v, w)      -1 < x, y, z < 1,  0 < t ≤ 1

    u, v and w are given at the start and on the boundary.  The pressure is determined up to a
    function of time.  The vorticity of this flow is parallel to its velocity.

    Source: Ethier & Steinman (1994), doi:10.1002/fld.1650190502, with a = d = 1; as a benchmark Jin
    et al. (2021, NSFnets), doi:10.1016/j.jcp.2020.109951, with Re = 1.
    Reference, where v and w follow by the cycle x → y → z → x:
        u = -[e^x sin(y + z) + e^z cos(x + y)] e^{-t/Re}
        p = -½ [e^{2x} + 2 sin(x + y) cos(z + x) e^{y + z} + two more by the cycle] e^{-2t/Re}.

    Attributes:
        Re: Reynolds number Re > 0.
    """

    Re: float = positive(1.0)
    # 1/Re in the given data, which have the true Re where Re is an unknown.  Each instance has its
    # own; ClassVar, as it is no coefficient.
    _decay: ClassVar[float]

    fields = ("u", "v", "w", "p")
    space = Box(x=(-1.0, 1.0), y=(-1.0, 1.0), z=(-1.0, 1.0))
    time = (0.0, 1.0)
    gauge = ("p",)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_decay", 1 / self.Re)

    @residual(on="interior")
    def momentum_x(self, u, v, w, u_t, u_x, u_y, u_z, p_x, u_xx, u_yy, u_zz):
        return u_t + u * u_x + v * u_y + w * u_z + p_x - (u_xx + u_yy + u_zz) / self.Re

    @residual(on="interior")
    def momentum_y(self, u, v, w, v_t, v_x, v_y, v_z, p_y, v_xx, v_yy, v_zz):
        return v_t + u * v_x + v * v_y + w * v_z + p_y - (v_xx + v_yy + v_zz) / self.Re

    @residual(on="interior")
    def momentum_z(self, u, v, w, w_t, w_x, w_y, w_z, p_z, w_xx, w_yy, w_zz):
        return w_t + u * w_x + v * w_y + w * w_z + p_z - (w_xx + w_yy + w_zz) / self.Re

    @residual(on="interior")
    def continuity(self, u_x, v_y, w_z):
        return u_x + v_y + w_z

    @residual(on="initial")
    def start_u(self, x, y, z, u):
        return u - _velocity(*_factors(x, y, z))

    @residual(on="initial")
    def start_v(self, x, y, z, v):
        return v - _velocity(*_factors(y, z, x))

    @residual(on="initial")
    def start_w(self, x, y, z, w):
        return w - _velocity(*_factors(z, x, y))

    @residual(on="boundary")
    def wall_u(self, x, y, z, t, u):
        return u - tf.exp(-self._decay * t) * _velocity(*_factors(x, y, z))

    @residual(on="boundary")
    def wall_v(self, x, y, z, t, v):
        return v - tf.exp(-self._decay * t) * _velocity(*_factors(y, z, x))

    @residual(on="boundary")
    def wall_w(self, x, y, z, t, w):
        return w - tf.exp(-self._decay * t) * _velocity(*_factors(z, x, y))

    @satisfies("start_u", "start_v", "start_w", "wall_u", "wall_v", "wall_w")
    def ansatz(self, x, y, z, t, net):
        # The state at the start, plus the change of the boundary values since then, blended into
        # the interior.
        change = tf.exp(-self._decay * t) - 1
        inside = t * (1 - x * x) * (1 - y * y) * (1 - z * z)
        fields = []
        for coordinates, free in zip(((x, y, z), (y, z, x), (z, x, y)), net[:3], strict=True):
            factors = _factors(*coordinates)
            start = _velocity(*factors)
            # The transfinite interpolant of a product of functions of one coordinate each is the
            # product, minus the product of these functions without their straight lines (Gordon &
            # Hall 1973, doi:10.1007/BF01436298).
            without_lines = map(_without_line, factors, coordinates)
            blended = start - _velocity(*without_lines)
            fields.append(start + change * blended + inside * free)
        u, v, w = fields
        return u, v, w, net[3]

    def reference(
        self, x: np.ndarray, y: np.ndarray, z: np.ndarray, t: np.ndarray
    ) -> dict[str, Any]:
        decay = np.exp(-t / self.Re)
        cycles = {"u": (x, y, z), "v": (y, z, x), "w": (z, x, y)}
        fields: dict[str, Any] = {}
        pressure = 0
        for name, (a, b, c) in cycles.items():
            fields[name] = -(np.exp(a) * np.sin(b + c) + np.exp(c) * np.cos(a + b)) * decay
            products = 2 * np.sin(a + b) * np.cos(c + a) * np.exp(b + c)
            pressure = pressure + (np.exp(2 * a) + products)
        fields["p"] = -0.5 * pressure * decay**2
        return fields


Factors = Mapping[str, Any]
"""Functions of one coordinate by name."""


def _factors(*coordinates: Any) -> tuple[Factors, ...]:
    """Return exp, sin and cos of each coordinate."""
    return tuple({"exp": tf.exp(c), "sin": tf.sin(c), "cos": tf.cos(c)} for c in coordinates)


def _without_line(factors: Factors, c: Quantity) -> Factors:
    """Return the functions of c minus the straight lines between their values at -1 and 1."""
    functions = {"exp": math.exp, "sin": math.sin, "cos": math.cos}
    remainders = {}
    for name, function in functions.items():
        line = (1 - c) / 2 * function(-1.0) + (1 + c) / 2 * function(1.0)
        remainders[name] = factors[name] - line
    return remainders


def _velocity(a: Factors, b: Factors, c: Factors) -> Any:
    """Return -[e^a sin(b + c) + e^c cos(a + b)] from functions of one coordinate each."""
    first = a["exp"] * (b["sin"] * c["cos"] + b["cos"] * c["sin"])
    return -(first + c["exp"] * (a["cos"] * b["cos"] - a["sin"] * b["sin"]))
