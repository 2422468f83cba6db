"""Disks and balls in any dimension, with exact maps from the unit cube to their inside and their surface."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import betaincinv

from pinn.errors import InputError
from pinn.geometry.domain import Array, Domain, check_coordinates


class Ball(Domain):
    """A ball by its center and radius, e.g. `Ball(x=0, y=0, z=1, radius=2)`; lengths in the problem's own units.

    Its boundary is one face, `"sphere"`.

    Raises:
        InputError: if there are fewer than two coordinates, or a number is out of range.
    """

    faces = ("sphere",)

    def __init__(self, *, radius: float, **center: float) -> None:
        name = type(self).__name__
        if len(center) < 2:
            raise InputError(
                f"{name}: {len(center)} coordinates; give at least two (use Interval for one)."
            )
        check_coordinates(center, name)
        for c, value in center.items():
            if not np.isfinite(value):
                raise InputError(
                    f"{name}: {c}={value} is not finite; give the center, such as {c}=0.0."
                )
        if not (np.isfinite(radius) and radius > 0):
            raise InputError(f"{name}: radius={radius}; give a positive number.")
        self.coordinates, self.radius = tuple(center), float(radius)
        self.center = np.array(list(center.values()), float)

    def __repr__(self) -> str:
        center = ", ".join(f"{c}={v:g}" for c, v in zip(self.coordinates, self.center, strict=True))
        return f"{type(self).__name__}({center}, radius={self.radius:g})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the smallest axis-parallel box around the ball."""
        return self.center - self.radius, self.center + self.radius

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d] of the unit cube: radii as u^(1/d), and directions."""
        radii = self.radius * unit[:, :1] ** (1 / unit.shape[1])
        return self.center + radii * directions(unit[:, 1:])

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on the sphere and their outward normals [n, d], for a sample [n, d - 1]."""
        normals = directions(unit)
        return self.center + self.radius * normals, normals

    def measure(self, face: str) -> float:
        """Return the size of the sphere, 2 π^(d/2) r^(d-1) / Γ(d/2): a length, an area …"""
        d = len(self.center)
        return 2 * math.pi ** (d / 2) * self.radius ** (d - 1) / math.gamma(d / 2)

    def distance(self, *coordinates: Any) -> Any:
        """Return the signed distance [n], r - |x - c|; it is exact, and has no derivative at the center."""
        return self.radius - self._square(coordinates) ** 0.5

    def smooth_distance(self, *coordinates: Any, on: str | Sequence[str] = "boundary") -> Any:
        """Return (r² - |x - c|²)/2r, which is smooth at the center, too."""
        self.members(on)
        return (self.radius**2 - self._square(coordinates)) / (2 * self.radius)

    def smooth_distance_outside(self, *coordinates: Any) -> Any:
        """Return the distance |x - c| - r itself."""
        return -self.distance(*coordinates)

    def _square(self, coordinates: tuple[Any, ...]) -> Any:
        """Return |x - c|² [n]."""
        squares = [
            (x - c) * (x - c) for x, c in zip(coordinates, self.center.tolist(), strict=True)
        ]
        return sum(squares[1:], start=squares[0])


class Disk(Ball):
    """A disk in the plane, e.g. `Disk(x=0.3, y=0.3, radius=0.1)`; its boundary is `"sphere"`, a circle here."""

    def __init__(self, *, radius: float, **center: float) -> None:
        if len(center) != 2:
            raise InputError(f"Disk: {len(center)} coordinates; a disk has two (use Ball).")
        super().__init__(radius=radius, **center)


def directions(unit: Array) -> Array:
    """Return unit vectors [n, k + 1] for a sample [n, k] of the unit cube, which covers the sphere evenly.

    In d dimensions one component, moved to [0, 1], has the beta distribution with both parameters
    (d - 1)/2; what is left of the vector is one of d - 1 dimensions.  In two it is an angle.
    """
    height, found = np.ones(len(unit)), []
    for d in range(unit.shape[1] + 1, 2, -1):
        component = 2 * betaincinv((d - 1) / 2, (d - 1) / 2, unit[:, d - 2]) - 1
        found.append(height * component)
        height = height * np.sqrt(1 - component**2)
    angle = 2 * np.pi * unit[:, 0]
    return np.stack([height * np.cos(angle), height * np.sin(angle), *reversed(found)], axis=1)
