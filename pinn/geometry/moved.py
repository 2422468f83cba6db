# pyright: strict
"""Domains that are moved, turned or enlarged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pinn.arrays import Array, BoolArray, Quantity
from pinn.errors import InputError, did_you_mean
from pinn.geometry.domain import Domain


class Moved(Domain):
    """A domain under x ↦ s R x + b, with a factor s > 0 and a rotation R.  Faces keep their names.

    Args:
        base: the domain.
        factor: s.
        rotation: R [d, d].
        shift: b [d].
    """

    def __init__(self, base: Domain, *, factor: float, rotation: Array, shift: Array) -> None:
        self.base = base
        self.factor, self.rotation, self.shift = factor, rotation, shift
        self.coordinates, self.faces = base.coordinates, base.faces
        self.parts = dict(base.parts)
        self.is_mapped = base.is_mapped

    def __repr__(self) -> str:
        return f"Moved({self.base!r})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the box around the moved bounding box."""
        lower, upper = self.base.bounds
        middle, half = 0.5 * (lower + upper), 0.5 * (upper - lower)
        center = self._forward(middle[None])[0]
        reach = self.factor * np.abs(self.rotation) @ half
        return center - reach, center + reach

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d] of the unit cube."""
        return self._forward(self.base.interior(unit))

    def accepts(self, points: Array, face: str | None = None) -> BoolArray:
        """Return which points [n, d] of `interior`, or of a face, belong to the domain: [n]."""
        return self.base.accepts(self._backward(points), face)

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on a face and their outward normals [n, d]."""
        points, normals = self.base.face(name, unit)
        return self._forward(points), normals @ self.rotation.T

    def measure(self, face: str) -> float:
        """Return the measure of a face."""
        return self.factor ** (len(self.shift) - 1) * self.base.measure(face)

    @property
    def volume(self) -> float:
        """The base's volume times the factor to the power of the dimension."""
        return self.factor ** len(self.shift) * self.base.volume

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the signed distance [n], as exact as the base's."""
        return self.factor * self.base.distance(*self._seen(coordinates))

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return the base's smooth distance [n]."""
        faces = self.members(on)
        return self.factor * self.base.smooth_distance(*self._seen(coordinates), on=faces)

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return the base's function [n]."""
        return self.factor * self.base.implicit(*self._seen(coordinates))

    def smooth_distance_outside(self, *coordinates: Quantity) -> Any:
        """Return the base's smooth distance [n] from outside."""
        return self.factor * self.base.smooth_distance_outside(*self._seen(coordinates))

    def _forward(self, points: Array) -> Array:
        """Return where points [n, d] of the base go."""
        return self.factor * points @ self.rotation.T + self.shift

    def _backward(self, points: Array) -> Array:
        """Return where points [n, d] come from."""
        return (points - self.shift) @ self.rotation / self.factor

    def _seen(self, coordinates: Sequence[Quantity]) -> list[Any]:
        """Return the base's coordinates [n]."""
        places: list[Any] = []
        for x, b in zip(coordinates, self.shift.tolist(), strict=True):
            places.append(x - b)
        seen: list[Any] = []
        for column in (self.rotation / self.factor).T.tolist():
            terms = [w * x for w, x in zip(column, places, strict=True) if w]
            seen.append(sum(terms[1:], start=terms[0]))
        return seen


def translated(domain: Domain, by: Mapping[str, float]) -> Moved:
    """Return the domain moved by lengths per coordinate."""
    shift = _vector(domain, by, "translate")
    return Moved(domain, factor=1.0, rotation=np.eye(len(shift)), shift=shift)


def rotated(domain: Domain, degrees: float, axis: str, about: Mapping[str, float]) -> Moved:
    """Return the domain turned by an angle about a point, in space about an axis through it."""
    dimension = len(domain.coordinates)
    point = _vector(domain, about, "rotate")
    if dimension not in (2, 3):
        raise InputError(f"{domain!r}.rotate: turns domains of two and three dimensions only.")
    if not np.isfinite(degrees):
        raise InputError(f"{domain!r}.rotate: {degrees} degrees; give a finite number.")
    first, second = 0, 1
    if dimension == 3:
        if axis not in domain.coordinates:
            hint = did_you_mean(axis, domain.coordinates)
            raise InputError(
                f"{domain!r}.rotate: axis={axis!r}; name the coordinate that stays: "
                f"{', '.join(domain.coordinates)}.{hint}"
            )
        place = domain.coordinates.index(axis)
        first, second = (place + 1) % 3, (place + 2) % 3
    elif axis:
        raise InputError(f"{domain!r}.rotate: axis={axis!r}; leave it out in the plane.")
    angle = np.radians(degrees)
    rotation = np.eye(dimension)
    rotation[first, first] = rotation[second, second] = np.cos(angle)
    rotation[second, first], rotation[first, second] = np.sin(angle), -np.sin(angle)
    quarter = degrees % 90 == 0
    rotation = np.round(rotation) if quarter else rotation  # exact where it can be
    return Moved(domain, factor=1.0, rotation=rotation, shift=point - rotation @ point)


def scaled(domain: Domain, factor: float) -> Moved:
    """Return the domain with all lengths times a factor, seen from the origin."""
    if not (np.isfinite(factor) and factor > 0):
        raise InputError(f"{domain!r}.scale: factor={factor}; give a positive number.")
    dimension = len(domain.coordinates)
    return Moved(
        domain, factor=float(factor), rotation=np.eye(dimension), shift=np.zeros(dimension)
    )


def _vector(domain: Domain, values: Mapping[str, float], method: str) -> Array:
    """Return numbers by coordinate as a vector [d], zero where none is given."""
    for name, value in values.items():
        if name not in domain.coordinates:
            hint = did_you_mean(name, domain.coordinates)
            raise InputError(f"{domain!r}.{method}: {name!r} is no coordinate of it.{hint}")
        if not np.isfinite(value):
            raise InputError(f"{domain!r}.{method}: {name}={value}; give a finite number.")
    return np.array([float(values.get(c, 0.0)) for c in domain.coordinates])
