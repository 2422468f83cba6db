"""Intervals, rectangles and boxes: named faces, outward normals, points inside and on the boundary."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import mul
from typing import Any

import numpy as np

from pinn.errors import InputError
from pinn.geometry.domain import Array, Domain, check_coordinates, minimum


class Box(Domain):
    """An axis-parallel box, e.g. `Box(x=(0, 1), y=(0, 1), z=(0, 2))`; lengths in the problem's own units.

    Faces are named by coordinate and side: `"x-"` is the lower face of x, `"x+"` the upper one.

    Raises:
        InputError: if there is no coordinate or a range is empty or not finite.
    """

    def __init__(self, **ranges: tuple[float, float]) -> None:
        name = type(self).__name__
        if not ranges:
            raise InputError(f"{name}: no coordinate; give ranges such as x=(0.0, 1.0).")
        check_coordinates(ranges, name)
        for c, (a, b) in ranges.items():
            if not (np.isfinite(a) and np.isfinite(b) and a < b):
                raise InputError(
                    f"{name}: range {c}=({a}, {b}) is empty; give (lower, upper) with lower < upper."
                )
        self.ranges = {c: (float(a), float(b)) for c, (a, b) in ranges.items()}
        self.coordinates = tuple(ranges)
        self.faces = tuple(f"{c}{side}" for c in ranges for side in "-+")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{c}={r}' for c, r in self.ranges.items())})"

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
        """Return points [n, d] on a face and their outward normals [n, d], for a sample [n, d - 1] of the unit cube."""
        axis, side = self.coordinates.index(name[:-1]), name[-1]
        points = self.interior(np.insert(unit, axis, 0.5, axis=1))
        points[:, axis] = self.bounds[side == "+"][axis]
        normals = np.zeros_like(points)
        normals[:, axis] = 1.0 if side == "+" else -1.0
        return points, normals

    def measure(self, face: str) -> float:
        """Return the size of a face: 1 for an end point, a length, an area …"""
        return float(np.prod([b - a for c, (a, b) in self.ranges.items() if c != face[:-1]]))

    def distance(self, *coordinates: Any) -> Any:
        """Return the signed distance [n]; outside, that to the nearest of the faces' planes, which is a lower bound."""
        pairs = zip(coordinates, self.ranges.values(), strict=True)
        return reduce(minimum, [minimum(c - a, b - c) for c, (a, b) in pairs])

    def smooth_distance(self, *coordinates: Any, on: str | Sequence[str] = "boundary") -> Any:
        """Return the product, over coordinates, of the distance to a face or d₁d₂/(d₁ + d₂) for two opposite ones.

        All factors but the one of the least range are divided by their largest value, so that the
        slope on a face is at most one.
        """
        faces, found = self.members(on), []
        for name, c in zip(self.coordinates, coordinates, strict=True):
            (a, b), sides = self.ranges[name], [side for side in "-+" if f"{name}{side}" in faces]
            if len(sides) == 2:
                found.append(((b - a) / 4, (c - a) * (b - c) / (b - a)))
            elif sides:
                found.append((b - a, c - a if sides == ["-"] else b - c))
        least = min(largest for largest, _ in found)
        return least * reduce(mul, [factor / largest for largest, factor in found])


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
