# pyright: strict, reportMissingTypeStubs=false
"""Disks and balls, with exact maps from the unit cube to their interior and their surface."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import betaincinv

from pinn.arrays import Array, Quantity
from pinn.errors import InputError
from pinn.geometry.domain import Domain, check_coordinates, minimum


class Ball(Domain):
    """A ball in at least two dimensions, e.g. `Ball(x=0, y=0, z=1, radius=2)`.

    Its boundary is one face, `"sphere"`.  Lengths are in the problem's own units.

    Raises:
        InputError: for fewer than two coordinates, or a number out of range.
    """

    faces = ("sphere",)

    def __init__(self, *, radius: float, **center: float) -> None:
        name = type(self).__name__
        self.center = center_of(name, center)
        if not (np.isfinite(radius) and radius > 0):
            raise InputError(f"{name}: radius={radius}; give a positive number.")
        self.coordinates = tuple(center)
        self.radius = float(radius)

    def __repr__(self) -> str:
        center = told_point(self.coordinates, self.center)
        return f"{type(self).__name__}({center}, radius={self.radius:g})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the bounding box."""
        return self.center - self.radius, self.center + self.radius

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d] of the unit cube.

        The first column gives the radius, r u^(1/d), and the others give the direction.
        """
        radii = self.radius * unit[:, :1] ** (1 / unit.shape[1])
        return self.center + radii * directions(unit[:, 1:])

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on the sphere and their outward normals [n, d].

        `unit` [n, d - 1] is a sample of the unit cube.
        """
        normals = directions(unit)
        return self.center + self.radius * normals, normals

    def measure(self, face: str) -> float:
        """Return the measure of the sphere, 2 π^(d/2) r^(d-1) / Γ(d/2)."""
        return _area(len(self.center), self.radius)

    @property
    def volume(self) -> float:
        """The volume, π^(d/2) r^d / Γ(d/2 + 1)."""
        return _content(len(self.center), self.radius)

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the exact signed distance [n], r - |x - c|, which has a kink at the center."""
        return self.radius - _square(self.center, coordinates) ** 0.5

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return (r² - |x - c|²)/2r [n], which is smooth at the center too."""
        self.members(on)  # raises an error for an unknown part
        return (self.radius**2 - _square(self.center, coordinates)) / (2 * self.radius)

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return (r² - |x - c|²)/2r [n]."""
        return self.smooth_distance(*coordinates)

    def smooth_distance_outside(self, *coordinates: Quantity) -> Any:
        """Return |x - c| - r [n], which is smooth outside."""
        return -self.distance(*coordinates)


class Disk(Ball):
    """A disk in the plane, e.g. `Disk(x=0.3, y=0.3, radius=0.1)`; its face is `"sphere"` too."""

    def __init__(self, *, radius: float, **center: float) -> None:
        if len(center) != 2:
            raise InputError(f"Disk: {len(center)} coordinates; a disk has two (use Ball).")
        super().__init__(radius=radius, **center)


class Shell(Domain):
    """What lies between two spheres, or circles, e.g. `Shell(x=0, y=0, radii=(1, 2))`.

    Its faces are the inner sphere `"r-"` and the outer one `"r+"`.  Lengths are in the problem's
    own units.

    Raises:
        InputError: for fewer than two coordinates, or a number out of range.
    """

    faces = ("r-", "r+")

    def __init__(self, *, radii: Sequence[float], **center: float) -> None:
        self.center = center_of("Shell", center)
        if np.shape(radii) != (2,) or not 0 < radii[0] < radii[1] < np.inf:
            raise InputError(
                f"Shell: radii={radii!r}; give the inner and the outer one, such as (1.0, 2.0)."
            )
        self.coordinates = tuple(center)
        self.radii = (float(radii[0]), float(radii[1]))

    def __repr__(self) -> str:
        center = told_point(self.coordinates, self.center)
        return f"Shell({center}, radii=({self.radii[0]:g}, {self.radii[1]:g}))"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the bounding box."""
        return self.center - self.radii[1], self.center + self.radii[1]

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d] of the unit cube, as for a ball."""
        inner, outer = self.radii
        d = unit.shape[1]
        radii = (inner**d + unit[:, :1] * (outer**d - inner**d)) ** (1 / d)
        return self.center + radii * directions(unit[:, 1:])

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on a sphere and their outward normals [n, d].

        `unit` [n, d - 1] is a sample of the unit cube.
        """
        away = directions(unit)
        is_outer = name == "r+"
        return self.center + self.radii[is_outer] * away, away if is_outer else -away

    def measure(self, face: str) -> float:
        """Return the measure of a sphere."""
        return _area(len(self.center), self.radii[face == "r+"])

    @property
    def volume(self) -> float:
        """The difference of the balls' volumes."""
        inner, outer = (_content(len(self.center), r) for r in self.radii)
        return outer - inner

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the exact signed distance [n], which has a kink half-way."""
        radius = _square(self.center, coordinates) ** 0.5
        return minimum(radius - self.radii[0], self.radii[1] - radius)

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return the distance [n] to one sphere, or d₁d₂/(d₁ + d₂) for both."""
        radius = _square(self.center, coordinates) ** 0.5
        inner, outer = radius - self.radii[0], self.radii[1] - radius
        faces = self.members(on)
        if len(faces) == 2:
            return inner * outer / (self.radii[1] - self.radii[0])
        return inner if faces == ("r-",) else outer

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return d₁d₂/(d₁ + d₂) [n], with the distances from both spheres."""
        return self.smooth_distance(*coordinates)


def told_point(coordinates: Sequence[str], point: Array) -> str:
    """Return a point [d] in words, such as "x=0, y=1"."""
    return ", ".join(f"{c}={v:g}" for c, v in zip(coordinates, point, strict=True))


def center_of(name: str, center: Mapping[str, float]) -> Array:
    """Return a center [d]; raise an InputError for coordinates that cannot be."""
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
    return np.array(list(center.values()), float)


def _square(center: Array, coordinates: Sequence[Quantity]) -> Any:
    """Return |x - c|² [n]."""
    squares: list[Any] = []
    for x, c in zip(coordinates, center.tolist(), strict=True):
        squares.append((x - c) * (x - c))
    return sum(squares[1:], start=squares[0])


def _area(d: int, radius: float) -> float:
    """Return the measure of a sphere in d dimensions, 2 π^(d/2) r^(d-1) / Γ(d/2)."""
    return 2 * math.pi ** (d / 2) * radius ** (d - 1) / math.gamma(d / 2)


def _content(d: int, radius: float) -> float:
    """Return the volume of a ball in d dimensions, π^(d/2) r^d / Γ(d/2 + 1)."""
    return math.pi ** (d / 2) * radius**d / math.gamma(d / 2 + 1)


def directions(unit: Array) -> Array:
    """Return unit vectors [n, k + 1] for a sample [n, k] of the unit cube.

    Uniform samples give uniform directions.  In d dimensions one component, mapped to [0, 1], has
    the beta distribution with both parameters (d - 1)/2.  The rest of the vector is a vector of
    d - 1 dimensions, and so on down to two dimensions, where it is an angle.
    """
    length = np.ones(len(unit))  # of the rest of the vector
    components: list[Array] = []
    for d in range(unit.shape[1] + 1, 2, -1):
        parameter = (d - 1) / 2
        cosine: Array = 2 * betaincinv(parameter, parameter, unit[:, d - 2]) - 1
        components.append(length * cosine)
        length = length * np.sqrt(1 - cosine**2)
    angle = 2 * np.pi * unit[:, 0]
    components += [length * np.sin(angle), length * np.cos(angle)]
    return np.stack(components[::-1], axis=1)
