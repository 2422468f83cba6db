# pyright: strict
"""Intervals, rectangles and boxes: named faces, outward normals, points inside and on the faces."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import mul
from typing import Any

import numpy as np

from pinn.arrays import Array, Quantity
from pinn.errors import InputError
from pinn.geometry.domain import Domain, check_coordinates, conjunction, minimum


class Box(Domain):
    """An axis-parallel box, e.g. `Box(x=(0, 1), y=(0, 1), z=(0, 2))`.

    Coordinate and side name a face: `"x-"` is the lower face of x, `"x+"` the upper one.  Lengths
    are in the problem's own units.

    Raises:
        InputError: if there is no coordinate, or if a range is empty or not finite.
    """

    def __init__(self, **ranges: tuple[float, float]) -> None:
        name = type(self).__name__
        if not ranges:
            raise InputError(f"{name}: no coordinate; give ranges such as x=(0.0, 1.0).")
        check_coordinates(ranges, name)
        for c, (a, b) in ranges.items():
            if not (np.isfinite(a) and np.isfinite(b) and a < b):
                raise InputError(
                    f"{name}: range {c}=({a}, {b}) is empty; "
                    f"give (lower, upper) with lower < upper."
                )
        self.ranges = {c: (float(a), float(b)) for c, (a, b) in ranges.items()}
        self.coordinates = tuple(ranges)
        self.faces = tuple(f"{c}{side}" for c in ranges for side in "-+")

    def __repr__(self) -> str:
        ranges = ", ".join(f"{c}={interval}" for c, interval in self.ranges.items())
        return f"{type(self).__name__}({ranges})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner, [d] each."""
        lower, upper = np.array(list(self.ranges.values())).T
        return lower, upper

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d] of the unit cube."""
        lower, upper = self.bounds
        return lower + unit * (upper - lower)

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on a face and their outward normals [n, d].

        `unit` [n, d - 1] is a sample of the unit cube.
        """
        axis = self.coordinates.index(name[:-1])
        is_upper = name[-1] == "+"
        lower, upper = self.bounds
        points = self.interior(np.insert(unit, axis, 0.5, axis=1))
        points[:, axis] = upper[axis] if is_upper else lower[axis]
        normals = np.zeros_like(points)
        normals[:, axis] = 1.0 if is_upper else -1.0
        return points, normals

    def measure(self, face: str) -> float:
        """Return the measure of a face: 1 for an end point, else its length, area, …"""
        lengths = [b - a for c, (a, b) in self.ranges.items() if c != face[:-1]]
        return float(np.prod(lengths))

    @property
    def volume(self) -> float:
        """The product of the edges' lengths."""
        return float(np.prod([b - a for a, b in self.ranges.values()]))

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the signed distance [n].

        Outside it is the distance to the nearest plane of a face, which is a lower bound.
        """
        distances: list[Any] = []
        for c, (a, b) in zip(coordinates, self.ranges.values(), strict=True):
            distances.append(minimum(c - a, b - c))
        return reduce(minimum, distances)

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return a product [n] of one factor per coordinate that has a face in the part.

        The factor is the distance d to a single face, or d₁d₂/(d₁ + d₂) for two opposite ones.  All
        factors except the one with the least maximum are divided by their maximum, so that the
        slope on a face is at most one.
        """
        faces = self.members(on)
        factors: list[Any] = []
        maxima: list[float] = []
        for name, c in zip(self.coordinates, coordinates, strict=True):
            a, b = self.ranges[name]
            has_lower = f"{name}-" in faces
            has_upper = f"{name}+" in faces
            if has_lower and has_upper:
                factors.append((c - a) * (b - c) / (b - a))
                maxima.append((b - a) / 4)
            elif has_lower or has_upper:
                factors.append(c - a if has_lower else b - c)
                maxima.append(b - a)
        scaled: list[Any] = []
        for factor, maximum in zip(factors, maxima, strict=True):
            scaled.append(factor / maximum)
        return min(maxima) * reduce(mul, scaled)

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return the conjunction [n] of the distances to the planes of all faces."""
        distances: list[Any] = []
        for c, (a, b) in zip(coordinates, self.ranges.values(), strict=True):
            distances += [c - a, b - c]
        return reduce(conjunction, distances)


class Interval(Box):
    """A one-dimensional domain, e.g. `Interval(x=(-1.0, 1.0))`; faces `"x-"` and `"x+"`."""

    def __init__(self, **ranges: tuple[float, float]) -> None:
        if len(ranges) != 1:
            raise InputError(
                f"Interval: {len(ranges)} coordinates; an interval has one (use Rectangle or Box)."
            )
        super().__init__(**ranges)


class Rectangle(Box):
    """A two-dimensional domain, e.g. `Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))`."""

    def __init__(self, **ranges: tuple[float, float]) -> None:
        if len(ranges) != 2:
            raise InputError(
                f"Rectangle: {len(ranges)} coordinates; a rectangle has two (use Interval or Box)."
            )
        super().__init__(**ranges)
