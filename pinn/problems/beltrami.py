"""Beltrami flow: an exact solution of Navier–Stokes in three dimensions, whose vorticity runs along its velocity."""

# ruff: noqa: D102 (a residual's line is its own documentation)
from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from pinn.geometry import Box
from pinn.problem import Problem, positive, residual, satisfies


@dataclass(frozen=True, kw_only=True)
class Beltrami(Problem):
    """Incompressible Navier–Stokes equations in space; dimensionless.

        U_t + (U·∇) U = -∇p + ΔU / Re,  ∇·U = 0,  U = (u, v, w)      -1 < x, y, z < 1,  0 < t ≤ 1

    with u, v and w given at the start and on the boundary; the pressure is determined up to a
    function of time.

    Source: Ethier & Steinman (1994), doi:10.1002/fld.1650190502, with a = d = 1; as a benchmark Jin
    et al. (2021, NSFnets), doi:10.1016/j.jcp.2020.109951, with Re = 1.
    Reference, v and w by the cycle x → y → z → x:
        u = -[e^x sin(y + z) + e^z cos(x + y)] e^{-t/Re}
        p = -½ [e^{2x} + 2 sin(x + y) cos(z + x) e^{y + z} + two more by the cycle] e^{-2t/Re}.

    Attributes:
        Re: Reynolds number Re > 0.
    """

    Re: float = positive(1.0)
    _decay: ClassVar[float]  # 1/Re of the given data, the true one where Re is an unknown

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
        # The state at the start, and how the walls' values have changed since, blended into the
        # interior. Blended from its values on the walls, a product of functions of one coordinate
        # each lacks the product of what they are without their straight lines (Gordon & Hall 1973,
        # doi:10.1007/BF01436298).
        inside = t * (1 - x * x) * (1 - y * y) * (1 - z * z)
        change = tf.exp(-self._decay * t) - 1
        fields = []
        for at, free in zip(((x, y, z), (y, z, x), (z, x, y)), net[:3], strict=True):
            factors = _factors(*at)
            start = _velocity(*factors)
            blended = start - _velocity(
                *(_without_line(f, c) for f, c in zip(factors, at, strict=True))
            )
            fields.append(start + change * blended + inside * free)
        return (*fields, net[3])

    def reference(
        self, x: np.ndarray, y: np.ndarray, z: np.ndarray, t: np.ndarray
    ) -> dict[str, Any]:
        decay, cycles = np.exp(-t / self.Re), ((x, y, z), (y, z, x), (z, x, y))
        velocities = (
            -(np.exp(a) * np.sin(b + c) + np.exp(c) * np.cos(a + b)) * decay for a, b, c in cycles
        )
        pressure = sum(
            np.exp(2 * a) + 2 * np.sin(a + b) * np.cos(c + a) * np.exp(b + c) for a, b, c in cycles
        )  # fmt: skip
        return {**dict(zip("uvw", velocities, strict=True)), "p": -0.5 * pressure * decay**2}


Factors = Mapping[str, Any]
"""Functions of one coordinate by name."""

_FUNCTIONS = {"exp": (tf.exp, math.exp), "sin": (tf.sin, math.sin), "cos": (tf.cos, math.cos)}


def _factors(*coordinates: Any) -> tuple[Factors, ...]:
    """Return exp, sin and cos of each coordinate."""
    return tuple({name: f(c) for name, (f, _) in _FUNCTIONS.items()} for c in coordinates)


def _without_line(factors: Factors, c: Any) -> Factors:
    """Return the functions of c, each less the straight line between its values at -1 and 1."""
    ends = {name: (f(-1.0), f(1.0)) for name, (_, f) in _FUNCTIONS.items()}
    return {
        name: f - ((1 - c) / 2 * ends[name][0] + (1 + c) / 2 * ends[name][1])
        for name, f in factors.items()
    }


def _velocity(a: Factors, b: Factors, c: Factors) -> Any:
    """Return -[e^a sin(b + c) + e^c cos(a + b)] as a sum of products of functions of one coordinate each."""
    first = a["exp"] * (b["sin"] * c["cos"] + b["cos"] * c["sin"])
    return -(first + c["exp"] * (a["cos"] * b["cos"] - a["sin"] * b["sin"]))
