"""Corners of a driven cavity, where the moving lid meets a wall at rest: the singular part of the stream function."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import NamedTuple

import numpy as np

from pinn.errors import InputError

Array = np.ndarray

_TINY = 1e-30  # beside the corner itself, where the angle is not defined
HELD = 1e-3  # the pressure is held within this distance
SCALE = 1 / (pi**2 / 4 - 1)  # c, of the uniform lid


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
    """Stokes' flow in an upper corner of the unit square, r and θ from the corner, θ = 0 along the lid.

        uniform lid, u = 1:     ψ = c (θ (a + ½π b) - ¼π² b),  c = 1 / (¼π² - 1),  p = -2c (a + ½π b) / r²
        parabolic, u = 4a:      ψ = π b² - 2θ r² - 2ab,                            p = 8 log r

    where a = r cos θ, b = r sin θ and p is for Re = 1.  Both are biharmonic with ψ = 0 on both
    walls.

    Source: Goodier (1934), doi:10.1080/14786443409462524; Taylor (1962); subtracted from a spectral
    solution by Botella & Peyret (1998), doi:10.1016/S0045-7930(98)00002-4.

    Attributes:
        uniform: whether the lid's speed does not vanish in the corner.
        right: the right corner, where a = 1 - x and the pressure has the other sign; else the left
            one.
    """

    uniform: bool
    right: bool

    def derivatives(self, x: Array, y: Array) -> Derivatives:
        """Return ψ and its derivatives at positions of one shape."""
        a, b = np.maximum(1 - x if self.right else x, _TINY), 1 - y
        square, angle = a * a + b * b, np.arctan2(b, a)
        found = (self._uniform if self.uniform else self._parabolic)(a, b, square, angle)
        value, by_a, by_b, by_aa, by_ab, by_bb = found
        sign = -1 if self.right else 1
        return Derivatives(value, sign * by_a, -by_b, by_aa, -sign * by_ab, by_bb)

    def pressure(self, x: Array, y: Array) -> Array:
        """Return the pressure for Re = 1, held within a small distance from the corner."""
        a, b = 1 - x if self.right else x, 1 - y
        square = np.maximum(a * a + b * b, HELD**2)
        found = -2 * SCALE * (a + pi / 2 * b) / square if self.uniform else 4 * np.log(square)
        return -found if self.right else found

    @staticmethod
    def _uniform(a: Array, b: Array, square: Array, angle: Array) -> tuple[Array, ...]:
        by_a, by_b = -b / square, a / square
        by_aa, by_ab = 2 * by_b * -by_a, by_a * by_a - by_b * by_b
        w = a + pi / 2 * b
        return (
            SCALE * (angle * w - pi**2 / 4 * b),
            SCALE * (by_a * w + angle),
            SCALE * (by_b * w + pi / 2 * angle - pi**2 / 4),
            SCALE * (by_aa * w + 2 * by_a),
            SCALE * (by_ab * w + pi / 2 * by_a + by_b),
            SCALE * (-by_aa * w + pi * by_b),
        )

    @staticmethod
    def _parabolic(a: Array, b: Array, square: Array, angle: Array) -> tuple[Array, ...]:
        ratio = 4 * a * b / square
        return (
            pi * b * b - 2 * angle * square - 2 * a * b,
            -4 * a * angle,
            2 * pi * b - 4 * a - 4 * b * angle,
            -4 * angle + ratio,
            -4 * a * a / square,
            2 * pi - 4 * angle - ratio,
        )


def corners(lid: str) -> tuple[Corner, Corner]:
    """Return the left and the right corner under a "uniform" or a "parabolic" lid.

    Raises:
        InputError: for another lid.
    """
    if lid not in ("uniform", "parabolic"):
        raise InputError(f"corners: lid={lid!r}; choose uniform or parabolic.")
    return Corner(lid == "uniform", False), Corner(lid == "uniform", True)


def corner_flow(x: Array, y: Array, lid: str) -> Derivatives:
    """Return the sum of both corners' stream functions, with its derivatives, at positions of one shape."""
    left, right = (corner.derivatives(x, y) for corner in corners(lid))
    return Derivatives(*(a + b for a, b in zip(left, right, strict=True)))
