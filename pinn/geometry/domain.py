# pyright: strict
"""What all domains in space have: points inside, and a boundary of named faces with normals."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from pinn.arrays import Array, BoolArray, Quantity, choose
from pinn.errors import InputError, did_you_mean

REGIONS = ("interior", "initial", "boundary", "data", "interfaces")
"""Names of regions that mean the same for every domain."""


def is_data(region: str) -> bool:
    """Return whether a name is that of a region of measurements: "data", or "data_" and a set."""
    return region.partition("_")[0] == "data"


class Domain(ABC):
    """A domain in space; lengths are in the problem's own units.

    The boundary consists of faces.  Each face has a name, a map from the unit cube and outward
    normals.  A set of faces is a part of the boundary; `named` gives it a name.

    Attributes:
        coordinates: the names of the space coordinates.
        faces: the names of the faces.
        parts: the faces of every named part of the boundary.
        is_mapped: whether the maps from the unit cube are smooth, so that quadrature rules of the
            cube are rules of the domain.
    """

    is_mapped: bool = True
    coordinates: tuple[str, ...]
    faces: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]] = {}

    @property
    @abstractmethod
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the bounding box."""

    @abstractmethod
    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d] of the unit cube.

        The map preserves volume up to a constant factor, so uniform samples give uniform points.
        """

    @abstractmethod
    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on a face and their outward normals [n, d].

        `unit` [n, d - 1] is a sample of the unit cube.
        """

    @abstractmethod
    def measure(self, face: str) -> float:
        """Return the measure of a face: 1 for an end point, else its length, area, …"""

    @property
    @abstractmethod
    def volume(self) -> float:
        """The measure of the domain: length, area, volume, …

        Raises:
            InputError: if it is not known.
        """

    @abstractmethod
    def distance(self, *coordinates: Quantity) -> Any:
        """Return the signed distance [n] to the boundary: positive inside, negative outside.

        It has kinks where two faces are equally near; `smooth_distance` has none.  The arguments
        are the space coordinates in order, as NumPy arrays, tensors or jets.
        """

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return a smooth substitute [n] for the distance to a part of the boundary, for an ansatz.

        It is zero on the part and positive elsewhere inside.  On the part its slope is one, and
        less near corners.

        Args:
            coordinates: as for `distance`.
            on: the name or names of faces or parts.

        Raises:
            InputError: if the domain has no smooth distance, or no such part.
        """
        raise InputError(f"{self!r}: has no smooth distance; use constraints=soft.")

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return a smooth function [n]: positive inside, negative outside, zero on the boundary.

        Its slope is one on the boundary, and less near corners.

        Raises:
            InputError: if the domain has no such function.
        """
        raise InputError(f"{self!r}: has no smooth distance; use constraints=soft.")

    def smooth_distance_outside(self, *coordinates: Quantity) -> Any:
        """Return a smooth substitute [n] for the distance to the boundary from outside.

        It is zero on the boundary and positive outside.
        """
        return -self.implicit(*coordinates)

    def accepts(self, points: Array, face: str | None = None) -> BoolArray:
        """Return which points [n, d] of `interior`, or of a face, belong to the domain: [n].

        Sampling rejects the others.
        """
        return np.ones(len(points), bool)

    def contains(self, points: Array) -> BoolArray:
        """Return which points [n, d] lie inside or on the boundary, up to rounding: [n]."""
        lower, upper = self.bounds
        return np.asarray(self.distance(*points.T)) >= -1e-12 * np.max(upper - lower)

    def __or__(self, other: Domain) -> Domain:
        from pinn.geometry.combination import Union

        return Union(self, other)

    def __and__(self, other: Domain) -> Domain:
        from pinn.geometry.combination import Intersection

        return Intersection(self, other)

    def __sub__(self, other: Domain) -> Domain:
        from pinn.geometry.combination import subtract

        return subtract(self, other)

    def translate(self, **by: float) -> Domain:
        """Return the domain moved by lengths per coordinate, such as `translate(x=1.0)`.

        Raises:
            InputError: for another coordinate, or a length that is not finite.
        """
        from pinn.geometry.moved import translated

        return translated(self, by)

    def rotate(self, degrees: float, *, axis: str = "", **about: float) -> Domain:
        """Return the domain turned by an angle in degrees.

        In the plane, it turns from the first coordinate to the second; in space, about an axis,
        from the next coordinate to the one after, as a right-handed screw.

        Args:
            degrees: the angle.
            axis: in three dimensions, the coordinate that stays.
            about: the coordinates of a point that stays; those left out are zero.

        Raises:
            InputError: for another dimension, an unknown coordinate, or a number not finite.
        """
        from pinn.geometry.moved import rotated

        return rotated(self, degrees, axis, about)

    def scale(self, factor: float) -> Domain:
        """Return the domain with all lengths times a positive factor, seen from the origin.

        Raises:
            InputError: for a factor that is not positive.
        """
        from pinn.geometry.moved import scaled

        return scaled(self, factor)

    @property
    def boundaries(self) -> dict[str, tuple[str, ...]]:
        """The faces of every name: "boundary" for all, the parts, and each face itself."""
        return {"boundary": self.faces, **self.parts, **{face: (face,) for face in self.faces}}

    def named(self, **parts: Sequence[str]) -> Self:
        """Return the domain with further named parts, such as `named(wall=["y-", "y+"])`.

        Raises:
            InputError: for a name that is taken, or for an unknown face or part.
        """
        all_parts = dict(self.parts)
        for name, members in parts.items():
            check_part(name, self.boundaries, f"{self!r}.named")
            faces = self.members(members)
            if not faces:
                raise InputError(
                    f"{self!r}.named: {name} has no face; "
                    f"give at least one of {', '.join(self.faces)}."
                )
            all_parts[name] = faces
        other = copy.copy(self)
        other.parts = all_parts
        return other

    def members(self, on: str | Sequence[str]) -> tuple[str, ...]:
        """Return the faces of one name or of several.

        Raises:
            InputError: for an unknown face or part.
        """
        names = (on,) if isinstance(on, str) else on
        known = self.boundaries
        faces: list[str] = []
        for name in names:
            if name not in known:
                raise InputError(
                    f"{self!r}: no part {name!r} of the boundary.{did_you_mean(name, known)}"
                )
            faces += known[name]
        return tuple(dict.fromkeys(faces))


def check_coordinates(names: Iterable[str], where: str) -> None:
    """Raise an InputError for a name that a space coordinate cannot have."""
    for name in names:
        if name == "t" or not name.isidentifier() or "_" in name:
            raise InputError(
                f"{where}: {name!r} cannot name a space coordinate; "
                f"use a letter such as x (t is time)."
            )


def check_part(name: str, taken: Iterable[str], where: str) -> None:
    """Raise an InputError for a name that a part of the boundary cannot have."""
    is_taken = name in REGIONS or is_data(name) or name in set(taken)
    if not name.isidentifier() or is_taken:
        raise InputError(
            f"{where}: {name!r} cannot name a part of the boundary; use a word that is not taken."
        )


def parts_among(
    parts: Mapping[str, Sequence[str]], faces: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return the parts as far as they consist of given faces, without those that are empty."""
    found: dict[str, tuple[str, ...]] = {}
    for name, members in parts.items():
        kept = tuple(face for face in members if face in faces)
        if kept:
            found[name] = kept
    return found


def outward(domain: Domain, points: Array, step: float) -> Array:
    """Return −∇d [n, d] of the signed distance d at points [n, d], by central differences."""
    slopes: list[Array] = []
    for axis in range(points.shape[1]):
        shift = np.zeros(points.shape[1])
        shift[axis] = step
        ahead = np.asarray(domain.distance(*(points + shift).T))
        behind = np.asarray(domain.distance(*(points - shift).T))
        with np.errstate(invalid="ignore"):  # of a cloud without a boundary
            slopes.append((behind - ahead) / (2 * step))
    return np.stack(slopes, axis=1)


def minimum(a: Quantity, b: Quantity) -> Any:
    """Return the smaller of two arrays, tensors or jets, element by element."""
    return 0.5 * (a + b - abs(a - b))


def maximum(a: Quantity, b: Quantity) -> Any:
    """Return the larger of two arrays, tensors or jets, element by element."""
    return 0.5 * (a + b + abs(a - b))


def conjunction(a: Quantity, b: Quantity) -> Any:
    """Return a + b − (a² + b²)^½, which is positive where both are, and smooth where one is not 0.

    On the zero set of one it has the slope of that one (R-functions: Rvachev & Sheiko 1995,
    doi:10.1115/1.3005099).
    """
    return a + b - (a * a + b * b) ** 0.5


def disjunction(a: Quantity, b: Quantity) -> Any:
    """Return a + b + (a² + b²)^½, which is positive where one is; otherwise as `conjunction`."""
    return a + b + (a * a + b * b) ** 0.5


def trimmed(distance: Quantity, wanted: Quantity) -> Any:
    """Return (f² + (((t² + f⁴)^½ − t)/2)²)^½, zero only where f is and t is not negative.

    With f ≥ 0 that is f (1 + …)^½, which keeps the slope of f on its zero set.

    Source: Sukumar & Srivastava (2022), doi:10.1016/j.cma.2021.114333, eq. 10.

    Args:
        distance: f [n], a smooth distance.
        wanted: t [n], which is positive on the part of its zero set that is to stay.
    """
    square = distance * distance
    root = (wanted * wanted + square * square) ** 0.5
    # (root − t)/2 is f⁴/(root + t)/2 where t is positive, without a difference of equal numbers.
    inside = wanted > 0
    safe = choose(inside, root + wanted, 1.0)
    near = choose(inside, distance * square / safe, 0.0)  # the excess over f, where t > 0
    ratio = (1.0 + 0.25 * near * near) ** 0.5
    far = (square + 0.25 * (root - wanted) * (root - wanted)) ** 0.5
    return choose(inside, distance * ratio, far)


def join_distances(a: Quantity, b: Quantity) -> Any:
    """Return the smooth distance to two parts of a boundary from the distance to each of them.

    This is 1/(1/a + 1/b).  It is zero where one of the two is, and has its slope there, and zero
    where both are (R-equivalence of order one: Biswas & Shapiro 2004,
    doi:10.1016/j.gmod.2004.01.003; in networks Sukumar & Srivastava 2022,
    doi:10.1016/j.cma.2021.114333).
    """
    total = a + b
    is_apart = abs(total) > 0
    return choose(is_apart, a * b / choose(is_apart, total, 1.0), 0.0)
