# pyright: strict, reportMissingTypeStubs=false, reportUnnecessaryIsInstance=false
"""Domains made of others: differences, unions and intersections."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import qmc

from pinn.arrays import Array, BoolArray, Quantity
from pinn.errors import InputError
from pinn.geometry.domain import (
    Domain,
    check_part,
    conjunction,
    join_distances,
    maximum,
    minimum,
    trimmed,
)

_SAMPLE = 4096  # points that estimate which share of a face is left
_VOLUME_SAMPLE = 1 << 16  # points that estimate which share of the volume is left
_STEP = 1e-7  # of the size: how far from a face it is tested on which side the domain lies
_ROUNDING = 1e-12  # of the size, within which a point lies on a face


class _Owned(NamedTuple):
    """A face of one of the domains that are combined.

    Attributes:
        operand: the number of the domain.
        face: what that domain calls it.
    """

    operand: int
    face: str


class Combination(Domain):
    """What several domains make together; a face is what the others leave of one of theirs.

    Where faces of two domains coincide, the one that comes first has the points.
    """

    _empty = "the domains have nothing in common; move or enlarge one"

    def __init__(self, operands: Sequence[Domain], owners: Mapping[str, _Owned]) -> None:
        self.operands = tuple(operands)
        self.coordinates = operands[0].coordinates
        self.is_mapped = all(operand.is_mapped for operand in operands)
        self._owners = dict(owners)
        lower, upper = self.bounds
        self._size = float(np.max(upper - lower))
        # Faces of which nothing is left are left out.
        self._shares = {face: self._share(face) for face in self._owners}
        self.faces = tuple(face for face, share in self._shares.items() if share > 0)
        points = self.interior(_sample(len(self.coordinates)))
        if not np.any(self.accepts(points)):
            raise InputError(f"{self!r}: {self._empty}.")
        for number, operand in enumerate(self.operands):
            own = [s for f, s in self._shares.items() if self._owners[f].operand == number]
            if not any(own):
                raise InputError(
                    f"{type(self).__name__}: {operand!r} has no effect: it lies outside, or in "
                    "another; remove or move it."
                )

    def _remaining(self, parts: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        """Return the parts without the faces of which nothing is left."""
        found: dict[str, tuple[str, ...]] = {}
        for name, members in parts.items():
            faces = tuple(face for face in members if face in self.faces)
            if faces:
                found[name] = faces
        return found

    @abstractmethod
    def _is_inside(self, points: Array) -> BoolArray:
        """Return which points [n, d] lie inside: [n]."""

    def _is_complement(self, operand: int) -> bool:
        """Return whether the domain is what lies outside of an operand."""
        return False

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of a box around the domain."""
        return self.operands[0].bounds

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d]; `accepts` rejects those outside."""
        return self.operands[0].interior(unit)

    def accepts(self, points: Array, face: str | None = None) -> BoolArray:
        """Return which points [n, d] of `interior`, or of a face, belong to the domain: [n]."""
        if face is None:
            return self._is_inside(points)
        number, own = self._owners[face]
        operand = self.operands[number]
        normals = self._normals_at(points, face)
        step = _STEP * self._size * normals
        accepted = operand.accepts(points, own)
        accepted &= self._is_inside(points - step) & ~self._is_inside(points + step)
        # Near a place where two faces touch, the steps reach across both.
        accepted &= self._is_near(self, points)
        for earlier in self.operands[:number]:
            accepted &= ~self._is_near(earlier, points)
        return accepted

    def _is_near(self, domain: Domain, points: Array) -> BoolArray:
        """Return which points [n, d] lie on the boundary of a domain, up to rounding: [n]."""
        return np.abs(np.asarray(domain.distance(*points.T))) <= _ROUNDING * self._size

    def _normals_at(self, points: Array, face: str) -> Array:
        """Return the outward normals [n, d] at points [n, d] of a face, −∇d by differences."""
        number, _ = self._owners[face]
        step = _STEP * self._size
        slopes: list[Array] = []
        for axis in range(points.shape[1]):
            ahead, behind = points.copy(), points.copy()
            ahead[:, axis] += step
            behind[:, axis] -= step
            distance = self.operands[number].distance
            slopes.append(np.asarray(distance(*behind.T)) - np.asarray(distance(*ahead.T)))
        normals = np.stack(slopes, axis=1)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        normals /= np.where(length > 0, length, 1.0)
        return -normals if self._is_complement(number) else normals

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on a face and their outward normals [n, d].

        The outward normals on what is cut off point into it.
        """
        number, own = self._owners[name]
        points, normals = self.operands[number].face(own, unit)
        return points, -normals if self._is_complement(number) else normals

    def measure(self, face: str) -> float:
        """Return the measure of what is left of a face."""
        number, own = self._owners[face]
        return self._shares[face] * self.operands[number].measure(own)

    @property
    def volume(self) -> float:
        """The volume, estimated from a sample where it is not the sum of the domains'."""
        if all(share == 1 for share in self._shares.values()):
            return self._apart
        unit = qmc.Sobol(len(self.coordinates), rng=0).random(_VOLUME_SAMPLE)
        points = self.interior(unit)
        base = self.operands[0]
        return float(np.mean(self.accepts(points)) / np.mean(base.accepts(points))) * base.volume

    @property
    @abstractmethod
    def _apart(self) -> float:
        """The volume where no two boundaries touch."""

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return the smooth distances [n] to the faces of each domain, joined."""
        faces = self.members(on)
        distances: list[Any] = []
        for number, operand in enumerate(self.operands):
            own = [self._owners[f].face for f in faces if self._owners[f].operand == number]
            if own:
                distances.append(self._distance_to(operand, number, own, coordinates))
        return reduce(join_distances, distances)

    def _distance_to(
        self, operand: Domain, number: int, own: Sequence[str], coordinates: Sequence[Quantity]
    ) -> Any:
        """Return the smooth distance [n] to faces of one domain, from inside the combination."""
        if not self._is_complement(number):
            return operand.smooth_distance(*coordinates, on=own)
        if len(own) < sum(self._owners[face].operand == number for face in self.faces):
            raise InputError(
                f"{self!r}: no smooth distance to a part of hole {operand!r}; name all of its "
                "faces."
            )
        return operand.smooth_distance_outside(*coordinates)

    def _share(self, face: str) -> float:
        """Return the share of a face that is left, exactly 1 where nothing is cut off."""
        number, own = self._owners[face]
        dimension = len(self.coordinates) - 1
        unit = _sample(dimension) if dimension else np.zeros((1, 0))
        points, _ = self.operands[number].face(own, unit)
        return float(np.mean(self.accepts(points, face)))


class Difference(Combination):
    """A base domain minus holes, e.g. `Difference(Rectangle(…), pipe=Disk(x=1, y=1, radius=0.2))`.

    The name of a hole is the name of its boundary.  If a hole has several faces, as a box has, they
    are called `step_x-` and so on, and `step` is the part of all of them.  The part `"holes"` is
    the boundary of all holes, and `"outer"` is what they leave of the base's boundary.  Holes may
    overlap each other and the base's boundary; a face is then what the other holes leave of it.

    `base - hole` is the same with a hole of the name `"hole"`, or the next number that is free.

    Raises:
        InputError: for a name that is taken, for a hole with other coordinates or without effect,
            or if nothing is left.
    """

    _empty = "the holes leave nothing; make them smaller"

    def __init__(self, base: Domain, **holes: Domain) -> None:
        self.base = base
        self.holes = holes
        if not holes:
            raise InputError(
                f"Difference: {base!r} has no hole; give at least one, such as hole=Disk(…)."
            )
        owners = {face: _Owned(0, face) for face in base.faces}
        parts: dict[str, tuple[str, ...]] = {"outer": base.faces, "holes": (), **base.parts}
        for number, (name, hole) in enumerate(holes.items(), start=1):
            check_part(name, (*owners, *parts), "Difference")
            _check_coordinates("Difference", f"hole {name}={hole!r}", hole, base)
            single = len(hole.faces) == 1
            names = {face: name if single else f"{name}_{face}" for face in hole.faces}
            owners |= {names[face]: _Owned(number, face) for face in hole.faces}
            faces = tuple(names.values())
            parts["holes"] += faces
            if not single:
                parts[name] = faces
            _take_parts(parts, hole, names)
        super().__init__([base, *holes.values()], owners)
        self.parts = self._remaining(parts)

    def __repr__(self) -> str:
        holes = ", ".join(f"{name}={hole!r}" for name, hole in self.holes.items())
        return f"Difference({self.base!r}, {holes})"

    def _is_complement(self, operand: int) -> bool:
        return operand > 0

    def _is_inside(self, points: Array) -> BoolArray:
        accepted = self.base.accepts(points) & (np.asarray(self.base.distance(*points.T)) > 0)
        for hole in self.holes.values():
            accepted &= np.asarray(hole.distance(*points.T)) < 0
        return accepted

    @property
    def _apart(self) -> float:
        return self.base.volume - sum(hole.volume for hole in self.holes.values())

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the signed distance [n]; it is exact inside if the holes' distances are."""
        distances = [self.base.distance(*coordinates)]
        for hole in self.holes.values():
            distances.append(-hole.distance(*coordinates))
        return reduce(minimum, distances)

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return the conjunction [n] of the base's function and the negative ones of the holes."""
        outside = [-hole.implicit(*coordinates) for hole in self.holes.values()]
        return reduce(conjunction, [self.base.implicit(*coordinates), *outside])


class _Joined(Combination):
    """A combination of domains on an equal footing.

    A face whose name is taken by an earlier domain gets a number, such as `sphere2`.  Parts of one
    name are one part.

    Raises:
        InputError: for fewer than two domains, other coordinates, a domain without effect, or if
            nothing is left.
    """

    def __init__(self, *domains: Domain) -> None:
        label = type(self).__name__
        if len(domains) < 2:
            raise InputError(f"{label}: {len(domains)} domains; give at least two.")
        owners: dict[str, _Owned] = {}
        parts: dict[str, tuple[str, ...]] = {}
        for number, domain in enumerate(domains):
            _check_coordinates(label, repr(domain), domain, domains[0])
            names: dict[str, str] = {}
            for face in domain.faces:
                names[face] = free_name(face, (*owners, *parts))
                owners[names[face]] = _Owned(number, face)
            _take_parts(parts, domain, names)
        super().__init__(domains, owners)
        self.parts = self._remaining(parts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.operands))})"

    def _distances(self, coordinates: Sequence[Quantity]) -> list[Any]:
        """Return the signed distances [n] of all domains."""
        distances: list[Any] = []
        for operand in self.operands:
            distances.append(operand.distance(*coordinates))
        return distances


class Union(_Joined):
    """What lies in any of several domains, e.g. `Union(Rectangle(…), Disk(…))` or `a | b`."""

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the bounding box of all domains."""
        lower, upper = zip(*(operand.bounds for operand in self.operands), strict=True)
        return np.min(lower, axis=0), np.max(upper, axis=0)

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] of the bounding box; `accepts` rejects those outside."""
        lower, upper = self.bounds
        return lower + unit * (upper - lower)

    def _is_inside(self, points: Array) -> BoolArray:
        return np.asarray(self.distance(*points.T)) > 0

    @property
    def volume(self) -> float:
        """The volume, estimated from a sample where the domains touch or overlap."""
        if all(share == 1 for share in self._shares.values()):
            return self._apart
        unit = qmc.Sobol(len(self.coordinates), rng=0).random(_VOLUME_SAMPLE)
        lower, upper = self.bounds
        return float(np.mean(self.accepts(self.interior(unit))) * np.prod(upper - lower))

    @property
    def _apart(self) -> float:
        return sum(operand.volume for operand in self.operands)

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the largest signed distance [n], which is a lower bound inside."""
        return reduce(maximum, self._distances(coordinates))

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return the disjunction [n] of the functions of all domains."""
        outside: list[Any] = []
        for operand in self.operands:
            outside.append(-operand.implicit(*coordinates))
        return -reduce(conjunction, outside)

    def _distance_to(
        self, operand: Domain, number: int, own: Sequence[str], coordinates: Sequence[Quantity]
    ) -> Any:
        """Return the distance [n] to faces of one domain, as far as they lie outside the others."""
        distance = operand.smooth_distance(*coordinates, on=own)
        for other, domain in enumerate(self.operands):
            if other != number:
                distance = trimmed(distance, -domain.implicit(*coordinates))
        return distance


class Intersection(_Joined):
    """What lies in all of several domains, e.g. `Intersection(Box(…), Ball(…))` or `a & b`."""

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the box that all bounding boxes share."""
        lower, upper = zip(*(operand.bounds for operand in self.operands), strict=True)
        return np.max(lower, axis=0), np.min(upper, axis=0)

    def _is_inside(self, points: Array) -> BoolArray:
        accepted = self.operands[0].accepts(points)
        for operand in self.operands:
            accepted &= np.asarray(operand.distance(*points.T)) > 0
        return accepted

    @property
    def _apart(self) -> float:
        return self.operands[0].volume

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the least signed distance [n]; it is exact inside if the domains' are."""
        return reduce(minimum, self._distances(coordinates))

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return the conjunction [n] of the functions of all domains."""
        functions: list[Any] = []
        for operand in self.operands:
            functions.append(operand.implicit(*coordinates))
        return reduce(conjunction, functions)


def subtract(base: Domain, hole: Domain) -> Difference:
    """Return a base without a hole, as `base - hole` does."""
    taken = (*base.boundaries, "outer", "holes")
    if isinstance(base, Difference):
        return Difference(base.base, **base.holes, **{free_name("hole", taken): hole})
    return Difference(base, **{free_name("hole", taken): hole})


def free_name(name: str, taken: Sequence[str]) -> str:
    """Return a name, or the first with a number after it that is not taken."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}{number}"
    return found


def _take_parts(
    parts: dict[str, tuple[str, ...]], domain: Domain, names: Mapping[str, str]
) -> None:
    """Add the named parts of a domain, whose faces have other names here, to those of all."""
    for part, members in domain.parts.items():
        parts[part] = (*parts.get(part, ()), *(names[face] for face in members))


def _check_coordinates(label: str, told: str, domain: Any, first: Domain) -> None:
    """Raise an InputError for what is no domain in the coordinates of the first one."""
    if not isinstance(domain, Domain) or domain.coordinates != first.coordinates:
        names = ", ".join(first.coordinates)
        raise InputError(f"{label}: {told}; give a domain in {names}, such as Disk(…).")


def _sample(dimension: int) -> Array:
    """Return a fixed sample [n, dimension] of the unit cube."""
    return qmc.Halton(dimension, rng=0).random(_SAMPLE)
