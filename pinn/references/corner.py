"""Upper corners of a driven cavity, where the lid meets a wall: the singular part of the flow."""

# pyright: strict
from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Literal, NamedTuple

import numpy as np

from pinn.errors import InputError
from pinn.references.points import Array

Lid = Literal["uniform", "parabolic"]

LIDS = ("uniform", "parabolic")
CUTOFF = 1e-3  # the pressure is bounded within this distance from a corner
SCALE = 1 / (pi**2 / 4 - 1)  # c of the uniform lid
_TINY = 1e-30  # keeps positions away from the corner itself, where the angle is not defined


class Derivatives(NamedTuple):
    """ψ and its derivatives by x and y."""

    value: Array
    x: Array
    y: Array
    xx: Array
    xy: Array
    yy: Array


@dataclass(frozen=True)
class Corner:
    """Stokes flow in an upper corner of the unit square.

    Polar coordinates r and θ start from the corner, with θ = 0 along the lid.

        uniform lid, u = 1:     ψ = c (θ (a + ½π b) - ¼π² b),  c = 1 / (¼π² - 1),
                                p = -2c (a + ½π b) / r²
        parabolic, u = 4a:      ψ = π b² - 2θ r² - 2ab,
                                p = 8 log r

    where a = r cos θ, b = r sin θ and p is for Re = 1.  Both stream functions are biharmonic with
    ψ = 0 on both walls.

    Source: Goodier (1934), doi:10.1080/14786443409462524; Taylor (1962); subtracted from a spectral
    solution by Botella & Peyret (1998), doi:10.1016/S0045-7930(98)00002-4.

    Attributes:
        uniform: whether the lid moves with u = 1, and not with a speed that vanishes in the corner.
        right: the right corner, where a = 1 - x and the pressure has the other sign; else the left
            one.
    """

    uniform: bool
    right: bool

    def derivatives(self, x: Array, y: Array) -> Derivatives:
        """Return ψ and its derivatives at positions of one shape."""
        a = np.maximum(1 - x if self.right else x, _TINY)
        b = 1 - y
        in_corner = self._uniform(a, b) if self.uniform else self._parabolic(a, b)
        # The chain rule: b = 1 - y, and a = 1 - x in the right corner.
        sign = -1 if self.right else 1
        return Derivatives(
            value=in_corner.value,
            x=sign * in_corner.a,
            y=-in_corner.b,
            xx=in_corner.aa,
            xy=-sign * in_corner.ab,
            yy=in_corner.bb,
        )

    def pressure(self, x: Array, y: Array) -> Array:
        """Return the pressure for Re = 1, bounded within a small distance from the corner."""
        a = 1 - x if self.right else x
        b = 1 - y
        square = np.maximum(a * a + b * b, CUTOFF**2)
        sign = -1 if self.right else 1
        if self.uniform:
            return sign * -2 * SCALE * (a + pi / 2 * b) / square
        return sign * 4 * np.log(square)

    @staticmethod
    def _uniform(a: Array, b: Array) -> _InCorner:
        square = a * a + b * b
        theta = np.arctan2(b, a)
        # Derivatives of θ by a and b; θ_bb = -θ_aa, as θ is harmonic.
        theta_a = -b / square
        theta_b = a / square
        theta_aa = 2 * theta_b * -theta_a
        theta_ab = theta_a * theta_a - theta_b * theta_b
        w = a + pi / 2 * b
        return _InCorner(
            value=SCALE * (theta * w - pi**2 / 4 * b),
            a=SCALE * (theta_a * w + theta),
            b=SCALE * (theta_b * w + pi / 2 * theta - pi**2 / 4),
            aa=SCALE * (theta_aa * w + 2 * theta_a),
            ab=SCALE * (theta_ab * w + pi / 2 * theta_a + theta_b),
            bb=SCALE * (-theta_aa * w + pi * theta_b),
        )

    @staticmethod
    def _parabolic(a: Array, b: Array) -> _InCorner:
        square = a * a + b * b
        theta = np.arctan2(b, a)
        ratio = 4 * a * b / square
        return _InCorner(
            value=pi * b * b - 2 * theta * square - 2 * a * b,
            a=-4 * a * theta,
            b=2 * pi * b - 4 * a - 4 * b * theta,
            aa=-4 * theta + ratio,
            ab=-4 * a * a / square,
            bb=2 * pi - 4 * theta - ratio,
        )


class _InCorner(NamedTuple):
    """ψ and its derivatives by a and b."""

    value: Array
    a: Array
    b: Array
    aa: Array
    ab: Array
    bb: Array


def corners(lid: str) -> tuple[Corner, Corner]:
    """Return the left and the right corner under a "uniform" or a "parabolic" lid.

    Raises:
        InputError: for another lid.
    """
    if lid not in LIDS:
        raise InputError(f"corners: lid={lid!r}; choose uniform or parabolic.")
    uniform = lid == "uniform"
    return Corner(uniform, right=False), Corner(uniform, right=True)


def corner_flow(x: Array, y: Array, lid: str) -> Derivatives:
    """Return the sum of both corners' stream functions, with derivatives, at equal shapes."""
    left, right = corners(lid)
    pairs = zip(left.derivatives(x, y), right.derivatives(x, y), strict=True)
    return Derivatives(*(a + b for a, b in pairs))
