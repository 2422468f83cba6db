"""Intervals, rectangles and boxes: named faces, outward normals, points inside and on the boundary."""

from __future__ import annotations

import numpy as np

from pinn.errors import InputError

Array = np.ndarray


class Box:
    """An axis-parallel box, e.g. `Box(x=(0, 1), y=(0, 1), z=(0, 2))`; lengths in the problem's own units.

    Faces are named by coordinate and side: `"x-"` is the lower face of x, `"x+"` the upper one.

    Raises:
        InputError: if there is no coordinate or a range is empty or not finite.
    """

    def __init__(self, **ranges: tuple[float, float]) -> None:
        name = type(self).__name__
        if not ranges:
            raise InputError(f"{name}: no coordinate; give ranges such as x=(0.0, 1.0).")
        for c, (a, b) in ranges.items():
            if c == "t" or not c.isidentifier() or "_" in c:
                raise InputError(f"{name}: {c!r} cannot name a space coordinate; use a letter such as x (t is time).")
            if not (np.isfinite(a) and np.isfinite(b) and a < b):
                raise InputError(f"{name}: range {c}=({a}, {b}) is empty; give (lower, upper) with lower < upper.")
        self.ranges = {c: (float(a), float(b)) for c, (a, b) in ranges.items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{c}={r}' for c, r in self.ranges.items())})"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The names of the coordinates, in order."""
        return tuple(self.ranges)

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner, [d] each."""
        lower, upper = np.array(list(self.ranges.values())).T
        return lower, upper

    @property
    def faces(self) -> tuple[str, ...]:
        """The names of the faces."""
        return tuple(f"{c}{side}" for c in self.ranges for side in "-+")

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d] of the unit cube."""
        lower, upper = self.bounds
        return lower + unit * (upper - lower)

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on a face and their outward normals [n, d], for a sample [n, d] of the unit cube."""
        axis, side = self.coordinates.index(name[:-1]), name[-1]
        points, normals = self.interior(unit), np.zeros_like(unit)
        points[:, axis] = self.bounds[side == "+"][axis]
        normals[:, axis] = 1.0 if side == "+" else -1.0
        return points, normals

    def measure(self, face: str) -> float:
        """Return the size of a face: 1 for an end point, a length, an area …"""
        return float(np.prod([b - a for c, (a, b) in self.ranges.items() if c != face[:-1]]))


class Interval(Box):
    """A one-dimensional domain, e.g. `Interval(x=(-1.0, 1.0))`; faces `"x-"` and `"x+"`."""

    def __init__(self, **ranges: tuple[float, float]) -> None:
        if len(ranges) != 1:
            raise InputError(f"Interval: {len(ranges)} coordinates; an interval has one (use Rectangle or Box).")
        super().__init__(**ranges)


class Rectangle(Box):
    """A two-dimensional domain, e.g. `Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))`."""

    def __init__(self, **ranges: tuple[float, float]) -> None:
        if len(ranges) != 2:
            raise InputError(f"Rectangle: {len(ranges)} coordinates; a rectangle has two (use Interval or Box).")
        super().__init__(**ranges)
