"""What every domain in space has: coordinates, points inside, a boundary of named faces with outward normals."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from pinn.errors import InputError, did_you_mean

Array = np.ndarray

REGIONS = ("interior", "initial", "boundary", "data")
"""Names of regions that mean the same for every domain."""


class Domain(ABC):
    """A domain in space; lengths in the problem's own units.

    Its boundary consists of faces, each of which has a name, a map from the unit cube and outward
    normals. Several faces together are a part of the boundary, which has a name too: `named` gives
    it.
    """

    coordinates: tuple[str, ...]
    faces: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]] = {}

    @property
    @abstractmethod
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the smallest axis-parallel box around the domain."""

    @abstractmethod
    def interior(self, unit: Array) -> Array:
        """Return points [n, d] for a sample `unit` [n, d] of the unit cube; equal volumes hold equally many."""

    @abstractmethod
    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on a face and their outward normals [n, d], for a sample [n, d - 1] of the unit cube."""

    @abstractmethod
    def measure(self, face: str) -> float:
        """Return the size of a face: 1 for an end point, a length, an area …"""

    @abstractmethod
    def distance(self, *coordinates: Any) -> Any:
        """Return the signed distance [n] to the boundary: positive inside, zero on it, negative outside.

        Takes the space coordinates in order, as NumPy arrays, tensors or jets.  It has kinks where
        two parts of the boundary are equally near; `smooth_distance` has none.
        """

    def smooth_distance(self, *coordinates: Any, on: str | Sequence[str] = "boundary") -> Any:
        """Return a smooth function [n] of the kind of the distance to a part of the boundary, for use in an ansatz.

        It is zero on the part and positive elsewhere inside; on the part its slope is one, and less
        near corners. Takes what `distance` takes, and the name or names of faces or parts; in the
        coordinates' units.

        Raises:
            InputError: if the domain has none, or no such part.
        """
        raise InputError(f"{self!r}: has no smooth distance; use constraints=soft.")

    def smooth_distance_outside(self, *coordinates: Any) -> Any:
        """Return a smooth function [n] of the kind of the distance to the boundary, zero on it and positive outside."""
        raise InputError(f"{self!r}: has no smooth distance outside; use constraints=soft.")

    def accepts(self, points: Array, face: str | None = None) -> Array:
        """Return which points [n, d] that `interior`, or a face, gave belong to the domain, or to the face: [n]."""
        return np.ones(len(points), bool)

    def contains(self, points: Array) -> Array:
        """Return which points [n, d] lie inside or on the boundary, up to rounding: [n]."""
        lower, upper = self.bounds
        return np.asarray(self.distance(*points.T)) >= -1e-12 * np.max(upper - lower)

    @property
    def boundaries(self) -> dict[str, tuple[str, ...]]:
        """The faces behind every name: "boundary" for all, the names of parts, and every face's own."""
        return {"boundary": self.faces, **self.parts, **{face: (face,) for face in self.faces}}

    def named(self, **parts: Sequence[str]) -> Self:
        """Return the domain with further names for parts of its boundary, such as `named(wall=["y-", "y+"])`.

        Raises:
            InputError: for a name that is taken, or a face or part that there is none of.
        """
        found = dict(self.parts)
        for name, members in parts.items():
            check_part(name, self.boundaries, f"{self!r}.named")
            found[name] = self.members(members)
            if not found[name]:
                raise InputError(
                    f"{self!r}.named: {name} has no face; give at least one of {', '.join(self.faces)}."
                )
        other = copy.copy(self)
        other.parts = found
        return other

    def members(self, on: str | Sequence[str]) -> tuple[str, ...]:
        """Return the faces behind one name or several.

        Raises:
            InputError: if there is no face or part of a name.
        """
        names, known = (on,) if isinstance(on, str) else on, self.boundaries
        for name in names:
            if name not in known:
                raise InputError(
                    f"{self!r}: no part {name!r} of the boundary.{did_you_mean(name, known)}"
                )
        return tuple(dict.fromkeys(face for name in names for face in known[name]))


def check_coordinates(names: Iterable[str], where: str) -> None:
    """Raise an InputError for a name that cannot be a space coordinate's."""
    for c in names:
        if c == "t" or not c.isidentifier() or "_" in c:
            raise InputError(
                f"{where}: {c!r} cannot name a space coordinate; use a letter such as x (t is time)."
            )


def check_part(name: str, taken: Iterable[str], where: str) -> None:
    """Raise an InputError for a name that cannot be a part's of the boundary."""
    if not name.isidentifier() or name in REGIONS or name in set(taken):
        raise InputError(
            f"{where}: {name!r} cannot name a part of the boundary; use a word that is not taken."
        )


def minimum(a: Any, b: Any) -> Any:
    """Return the lesser of two arrays, tensors or jets, entry by entry."""
    return 0.5 * (a + b - abs(a - b))


def join_distances(a: Any, b: Any) -> Any:
    """Return the smooth distance to two parts of a boundary from those to each: 1/(1/a + 1/b).

    Zero where one of the two is, with that one's slope (R-equivalence of order one: Biswas &
    Shapiro 2004, doi:10.1016/j.gmod.2004.01.003; in networks Sukumar & Srivastava 2022,
    doi:10.1016/j.cma.2021.114333).
    """
    return a * b / (a + b)
