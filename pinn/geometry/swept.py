# pyright: strict, reportMissingTypeStubs=false
"""Solids from plane domains: extrusions, cylinders and bodies of revolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from pinn.arrays import Array, BoolArray, Quantity
from pinn.errors import InputError
from pinn.geometry.ball import Disk
from pinn.geometry.box import Interval
from pinn.geometry.domain import (
    Domain,
    check_coordinates,
    conjunction,
    join_distances,
    minimum,
    parts_among,
)

_TABLE = 4097  # places along a face at which its distance from the axis is taken
_ON_AXIS = 1e-12  # of the size, within which a face lies on the axis


class Extrusion(Domain):
    """A domain times an interval, e.g. `Extrusion(Polygon(…), z=(0.0, 2.0))`.

    The faces are those of the domain, now walls, and the two ends `z-` and `z+`.

    Args:
        base: the domain.
        along: the range of one further coordinate, by name.

    Raises:
        InputError: for no or several ranges, one that is empty, or a coordinate that is taken.
    """

    def __init__(self, base: Domain, **along: tuple[float, float]) -> None:
        label = type(self).__name__
        if len(along) != 1:
            raise InputError(
                f"{label}: {len(along)} ranges; give that of one more coordinate, such as z=(0, 1)."
            )
        self.base = base
        self.ends = Interval(**along)
        if set(self.ends.coordinates) & set(base.coordinates):
            raise InputError(
                f"{label}: {self.ends.coordinates[0]} is a coordinate of {base!r}; name another."
            )
        self.coordinates = (*base.coordinates, *self.ends.coordinates)
        self.faces = (*base.faces, *self.ends.faces)
        self.parts = {**base.parts, "ends": self.ends.faces}
        self.is_mapped = base.is_mapped

    def __repr__(self) -> str:
        ((name, ends),) = self.ends.ranges.items()
        return f"{type(self).__name__}({self.base!r}, {name}={ends})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the bounding box."""
        (lower, upper), (first, last) = self.base.bounds, self.ends.bounds
        return np.append(lower, first), np.append(upper, last)

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d] of the unit cube."""
        return np.hstack([self.base.interior(unit[:, :-1]), self.ends.interior(unit[:, -1:])])

    def accepts(self, points: Array, face: str | None = None) -> BoolArray:
        """Return which points [n, d] of `interior`, or of a face, belong to the domain: [n]."""
        return self.base.accepts(points[:, :-1], face if face in self.base.faces else None)

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on a face and their outward normals [n, d]."""
        if name in self.ends.faces:
            across = self.base.interior(unit)
            ends, direction = self.ends.face(name, unit[:, :0])
            return np.hstack([across, ends]), np.hstack([np.zeros_like(across), direction])
        across, normals = self.base.face(name, unit[:, :-1])
        points = np.hstack([across, self.ends.interior(unit[:, -1:])])
        return points, np.hstack([normals, np.zeros((len(unit), 1))])

    def measure(self, face: str) -> float:
        """Return the measure of a face."""
        if face in self.ends.faces:
            return self.base.volume
        return self.base.measure(face) * self.ends.volume

    @property
    def volume(self) -> float:
        """The base's volume times the length."""
        return self.base.volume * self.ends.volume

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the signed distance [n]; it is exact inside, and a lower bound outside."""
        *across, last = coordinates
        return minimum(self.base.distance(*across), self.ends.distance(last))

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return the smooth distances [n] to the walls and the ends of a part, joined."""
        faces = self.members(on)
        *across, last = coordinates
        distances: list[Any] = []
        walls = [face for face in faces if face in self.base.faces]
        if walls:
            distances.append(self.base.smooth_distance(*across, on=walls))
        ends = [face for face in faces if face in self.ends.faces]
        if ends:
            distances.append(self.ends.smooth_distance(last, on=ends))
        return reduce(join_distances, distances)

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return the conjunction [n] of the functions of the base and of the range."""
        *across, last = coordinates
        return conjunction(self.base.implicit(*across), self.ends.implicit(last))


class Cylinder(Extrusion):
    """A cylinder, e.g. `Cylinder(x=0.0, y=0.0, radius=1.0, z=(0.0, 2.0))`.

    Its faces are `sphere`, the wall, and the ends `z-` and `z+`; the wall is the part `"wall"`.

    Raises:
        InputError: for other than two numbers, a radius, and a range.
    """

    def __init__(self, *, radius: float, **coordinates: Any) -> None:
        center = {c: v for c, v in coordinates.items() if np.ndim(v) == 0}
        along = {c: v for c, v in coordinates.items() if c not in center}
        if len(center) != 2 or len(along) != 1:
            raise InputError(
                "Cylinder: give the center by two numbers and the length by a range, such as "
                "x=0.0, y=0.0, z=(0.0, 1.0)."
            )
        super().__init__(Disk(radius=radius, **center).named(wall=["sphere"]), **along)


class Revolution(Domain):
    """A body of revolution, e.g. `Revolution(Rectangle(r=(1, 2), z=(0, 3)), around="z")`.

    The domain in the half-plane has the distance r ≥ 0 from the axis as one coordinate and the
    place along the axis as the other.  The faces keep their names; those on the axis are left out.

    Args:
        base: the domain in the half-plane.
        around: its coordinate along the axis.
        across: the names of the two coordinates that take the place of r.

    Raises:
        InputError: for a domain that is not plane, unknown or taken names, and one that reaches
            beyond the axis.
    """

    is_mapped = False  # points of the bounding cylinder outside are rejected

    def __init__(self, base: Domain, *, around: str, across: Sequence[str] = ("x", "y")) -> None:
        if len(base.coordinates) != 2 or around not in base.coordinates:
            raise InputError(
                f"Revolution: around={around!r} of {base!r}; give a plane domain, and name its "
                f"coordinate along the axis."
            )
        check_coordinates(across, "Revolution")
        if len(across) != 2 or around in across:
            raise InputError(
                f"Revolution: across={tuple(across)}; give two names other than {around!r}."
            )
        self.base = base
        self.coordinates = (*across, around)
        self._axis = base.coordinates.index(around)
        lower, upper = base.bounds
        self._outer = float(upper[1 - self._axis])
        size = float(np.max(upper - lower))
        if lower[1 - self._axis] < -_ON_AXIS * size:
            raise InputError(
                f"Revolution: {base!r} reaches beyond the axis; keep "
                f"{base.coordinates[1 - self._axis]} from zero on."
            )
        self._tables = {face: self._table(face) for face in base.faces}
        negligible = _ON_AXIS * size**2
        self.faces = tuple(f for f, (_, total) in self._tables.items() if total > negligible)
        self.parts = parts_among(base.parts, self.faces)

    def __repr__(self) -> str:
        return f"Revolution({self.base!r}, around={self.coordinates[-1]!r})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [3] of the bounding box."""
        lower, upper = self.base.bounds
        first, last = lower[self._axis], upper[self._axis]
        r = self._outer
        return np.array([-r, -r, first]), np.array([r, r, last])

    def interior(self, unit: Array) -> Array:
        """Return points [n, 3] of the bounding cylinder; `accepts` rejects those outside."""
        radius = self._outer * np.sqrt(unit[:, 0])
        lower, upper = self.base.bounds
        first, last = lower[self._axis], upper[self._axis]
        return self._turned(radius, first + unit[:, 2] * (last - first), unit[:, 1])

    def accepts(self, points: Array, face: str | None = None) -> BoolArray:
        """Return which points [n, 3] of `interior`, or of a face, belong to the domain: [n]."""
        plane = np.stack(self._seen(list(points.T)), axis=1)
        if face is not None:
            return self.base.accepts(plane, face)
        return self.base.contains(plane)

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, 3] on a face, even by its area, and their outward normals [n, 3]."""
        table, total = self._tables[name]
        share = np.interp(unit[:, 0] * total, table, np.linspace(0, 1, _TABLE))
        plane, normals = self.base.face(name, share[:, None])
        radius, height = plane[:, 1 - self._axis], plane[:, self._axis]
        points = self._turned(radius, height, unit[:, 1])
        return points, self._turned(normals[:, 1 - self._axis], normals[:, self._axis], unit[:, 1])

    def measure(self, face: str) -> float:
        """Return the area of a face, 2π ∫ r ds."""
        return self._tables[face][1]

    @property
    def volume(self) -> float:
        """The volume, 2π ∫ r dA, by a fixed sample of the plane domain."""
        side = 1024
        middle = (np.arange(side) + 0.5) / side
        grid = np.stack(np.meshgrid(middle, middle, indexing="ij"), axis=-1).reshape(-1, 2)
        lower, upper = self.base.bounds
        points = lower + grid * (upper - lower)
        radius = points[:, 1 - self._axis]
        inside = self.base.contains(points)
        return float(2 * math.pi * np.mean(inside * radius) * np.prod(upper - lower))

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the signed distance [n], as exact as the plane domain's."""
        return self.base.distance(*self._seen(coordinates))

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return the plane domain's smooth distance [n] to the faces that are not on the axis."""
        return self.base.smooth_distance(*self._seen(coordinates), on=self.members(on))

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return the plane domain's function [n]; one with a face on the axis has none.

        Raises:
            InputError: for a face on the axis.
        """
        if len(self.faces) < len(self.base.faces):
            raise InputError(
                f"{self!r}: has no smooth distance outside, since a face lies on the axis; use "
                "constraints=soft."
            )
        return self.base.implicit(*self._seen(coordinates))

    def _table(self, face: str) -> tuple[Array, float]:
        """Return the area [k] of a face up to places even along it, and in all."""
        unit = np.linspace(0, 1, _TABLE)[:, None]
        points, _ = self.base.face(face, np.clip(unit, 0, 1 - 1e-15))
        radius = np.abs(points[:, 1 - self._axis])
        steps = 0.5 * (radius[1:] + radius[:-1]) / (_TABLE - 1)
        area = 2 * math.pi * self.base.measure(face) * np.append(0.0, np.cumsum(steps))
        return area, float(area[-1])

    def _turned(self, radius: Array, height: Array, turn: Array) -> Array:
        """Return points or vectors [n, 3] at an angle, given as a share [n] of the full turn."""
        angle = 2 * math.pi * turn
        return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)

    def _seen(self, coordinates: Sequence[Any]) -> list[Any]:
        """Return the coordinates [n] of the plane domain."""
        x, y, z = coordinates
        radius = (x * x + y * y) ** 0.5
        return [z, radius] if self._axis == 0 else [radius, z]
