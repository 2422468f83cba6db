# pyright: strict, reportMissingTypeStubs=false, reportUnnecessaryIsInstance=false
"""Domains made of others: differences, unions and intersections."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import qmc

from pinn.arrays import Array, BoolArray, Quantity
from pinn.errors import InputError
from pinn.geometry.box import Box
from pinn.geometry.domain import (
    Domain,
    check_part,
    conjunction,
    disjunction,
    join_distances,
    maximum,
    minimum,
    outward,
    parts_among,
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

    Where faces of two domains coincide, the one that comes first has the points.  Unless a subclass
    says otherwise, it is what the domains, or what lies outside of them, have in common.

    Args:
        operands: the domains.
        owners: by name of a face, whose it is.
        image: the domain whose points are drawn, of which some are rejected.
    """

    _empty = "the domains have nothing in common; move or enlarge one"

    def __init__(
        self, operands: Sequence[Domain], owners: Mapping[str, _Owned], image: Domain
    ) -> None:
        self.operands = tuple(operands)
        self._image = image
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
        for number in range(len(self.operands)):
            own = [s for f, s in self._shares.items() if self._owners[f].operand == number]
            if not any(own):
                raise InputError(
                    f"{type(self).__name__}: {self._told(number)} lies outside, or in another; "
                    "remove or move it."
                )

    def _is_complement(self, operand: int) -> bool:
        """Return whether the domain is what lies outside of an operand."""
        return False

    def _told(self, operand: int) -> str:
        """Return how messages call an operand."""
        return repr(self.operands[operand])

    def _of_all(self, function: Callable[[Domain], Any]) -> list[Any]:
        """Return a signed function [n] of all operands, with the other sign outside of one."""
        values: list[Any] = []
        for number, operand in enumerate(self.operands):
            value = function(operand)
            values.append(-value if self._is_complement(number) else value)
        return values

    def _is_inside(self, points: Array) -> BoolArray:
        """Return which points [n, d] lie inside: [n]."""
        accepted = self._image.accepts(points)
        for distance in self._of_all(lambda domain: domain.distance(*points.T)):
            accepted &= np.asarray(distance) > 0
        return accepted

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of a box around the domain."""
        return self._image.bounds

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d]; `accepts` rejects those outside."""
        return self._image.interior(unit)

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the least signed distance [n]; it is exact inside if the domains' are."""
        return reduce(minimum, self._of_all(lambda domain: domain.distance(*coordinates)))

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return the conjunction [n] of the functions of all domains."""
        return reduce(conjunction, self._of_all(lambda domain: domain.implicit(*coordinates)))

    def accepts(self, points: Array, face: str | None = None) -> BoolArray:
        """Return which points [n, d] of `interior`, or of a face, belong to the domain: [n]."""
        if face is None:
            return self._is_inside(points)
        number, own = self._owners[face]
        operand = self.operands[number]
        size = _STEP * self._size
        normals = outward(operand, points, size)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        step = size * normals / np.where(length > 0, length, 1.0)
        if self._is_complement(number):
            step = -step
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
        share = np.mean(self.accepts(points)) / np.mean(self._image.accepts(points))
        return float(share) * self._image.volume

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
        return operand.smooth_distance(*coordinates, on=own)

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
        super().__init__([base, *holes.values()], owners, base)
        self.parts = parts_among(parts, self.faces)

    def __repr__(self) -> str:
        holes = ", ".join(f"{name}={hole!r}" for name, hole in self.holes.items())
        return f"Difference({self.base!r}, {holes})"

    def _is_complement(self, operand: int) -> bool:
        return operand > 0

    def _told(self, operand: int) -> str:
        if not operand:
            return super()._told(operand)
        return f"hole {[*self.holes][operand - 1]}={self.operands[operand]!r}"

    def _distance_to(
        self, operand: Domain, number: int, own: Sequence[str], coordinates: Sequence[Quantity]
    ) -> Any:
        if not self._is_complement(number):
            return super()._distance_to(operand, number, own, coordinates)
        if len(own) < sum(self._owners[face].operand == number for face in self.faces):
            raise InputError(
                f"{self!r}: no smooth distance to a part of hole {[*self.holes][number - 1]}; name "
                "all of its faces."
            )
        return operand.smooth_distance_outside(*coordinates)

    @property
    def _apart(self) -> float:
        return self.base.volume - sum(hole.volume for hole in self.holes.values())


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
        super().__init__(domains, owners, self._drawn_from(domains))
        self.parts = parts_among(parts, self.faces)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.operands))})"

    def _drawn_from(self, domains: Sequence[Domain]) -> Domain:
        """Return the domain whose points are drawn."""
        return domains[0]


class Union(_Joined):
    """What lies in any of several domains, e.g. `Union(Rectangle(…), Disk(…))` or `a | b`."""

    def _drawn_from(self, domains: Sequence[Domain]) -> Domain:
        """Return the bounding box of all domains."""
        lower, upper = zip(*(domain.bounds for domain in domains), strict=True)
        corners = zip(np.min(lower, axis=0), np.max(upper, axis=0), strict=True)
        return Box(**dict(zip(domains[0].coordinates, corners, strict=True)))

    def _is_inside(self, points: Array) -> BoolArray:
        return np.asarray(self.distance(*points.T)) > 0

    @property
    def _apart(self) -> float:
        return sum(operand.volume for operand in self.operands)

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the largest signed distance [n], which is a lower bound inside."""
        return reduce(maximum, self._of_all(lambda domain: domain.distance(*coordinates)))

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return the disjunction [n] of the functions of all domains."""
        return reduce(disjunction, self._of_all(lambda domain: domain.implicit(*coordinates)))

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

    @property
    def _apart(self) -> float:
        return self.operands[0].volume


def subtract(base: Domain, hole: Domain) -> Difference:
    """Return a base without a hole, as `base - hole` does."""
    taken = (*base.boundaries, "outer", "holes")
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
