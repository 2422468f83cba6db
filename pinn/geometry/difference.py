# pyright: strict, reportMissingTypeStubs=false, reportUnnecessaryIsInstance=false
"""A domain without holes cut from it: a rectangle with round holes, a channel with a step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from scipy.stats import qmc

from pinn.arrays import Array, BoolArray, Quantity
from pinn.errors import InputError
from pinn.geometry.domain import Domain, check_part, join_distances, minimum

_SAMPLE = 4096  # points that estimate which share of a face the holes leave
_VOLUME_SAMPLE = 1 << 16  # points that estimate which share of the base the holes leave


class Difference(Domain):
    """A base domain minus holes, e.g. `Difference(Rectangle(…), pipe=Disk(x=1, y=1, radius=0.2))`.

    The name of a hole is the name of its boundary.  If a hole has several faces, as a box has, they
    are called `step_x-` and so on, and `step` is the part of all of them.  The part `"holes"` is
    the boundary of all holes, and `"outer"` is what they leave of the base's boundary.  Holes may
    overlap each other and the base's boundary; a face is then what the other holes leave of it.

    Raises:
        InputError: for a name that is taken, for a hole with other coordinates or without effect,
            or if nothing is left.
    """

    def __init__(self, base: Domain, **holes: Domain) -> None:
        self.base = base
        self.holes = holes
        self.is_mapped = base.is_mapped and all(hole.is_mapped for hole in holes.values())
        self.coordinates = base.coordinates
        if not holes:
            raise InputError(
                f"Difference: {base!r} has no hole; give at least one, such as hole=Disk(…)."
            )
        # Every face belongs to the base or to a hole, which may call it by another name.
        self._owners: dict[str, tuple[Domain, str]] = {face: (base, face) for face in base.faces}
        parts: dict[str, tuple[str, ...]] = {"outer": base.faces, "holes": (), **base.parts}
        for name, hole in holes.items():
            check_part(name, (*self._owners, *parts), "Difference")
            faces = self._add_hole(name, hole)
            parts["holes"] += faces
            if len(faces) > 1:
                parts[name] = faces
        # Faces that the holes remove altogether are left out, and so are parts without faces.
        self._shares = {face: self._share(face) for face in self._owners}
        self.faces = tuple(face for face, share in self._shares.items() if share > 0)
        remaining: dict[str, tuple[str, ...]] = {}
        for name, members in parts.items():
            faces = tuple(face for face in members if face in self.faces)
            if faces:
                remaining[name] = faces
        self.parts = remaining
        self._check()

    def __repr__(self) -> str:
        holes = ", ".join(f"{name}={hole!r}" for name, hole in self.holes.items())
        return f"Difference({self.base!r}, {holes})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the base's bounding box."""
        return self.base.bounds

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] of the base for a sample `unit` [n, d] of the unit cube.

        `accepts` rejects those in holes.
        """
        return self.base.interior(unit)

    def accepts(self, points: Array, face: str | None = None) -> BoolArray:
        """Return which points [n, d] of the base, or of a face, the holes leave: [n]."""
        if face is None:
            owner = self.base
            accepted = owner.accepts(points)
        else:
            owner, owner_face = self._owners[face]
            accepted = owner.accepts(points, owner_face)
        # A hole's face must lie inside the base, and every point outside all other holes.
        if owner is not self.base:
            accepted &= np.asarray(self.base.distance(*points.T)) > 0
        for hole in self.holes.values():
            if hole is not owner:
                accepted &= np.asarray(hole.distance(*points.T)) < 0
        return accepted

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on a face and their outward normals [n, d].

        The outward normals on a hole's face point into the hole.
        """
        owner, owner_face = self._owners[name]
        points, normals = owner.face(owner_face, unit)
        return points, normals if owner is self.base else -normals

    def measure(self, face: str) -> float:
        """Return the measure of what the holes leave of a face."""
        owner, owner_face = self._owners[face]
        return self._shares[face] * owner.measure(owner_face)

    @property
    def volume(self) -> float:
        """The volume of what the holes leave.

        It is exact where holes overlap neither each other nor the base's boundary, and estimated
        from a sample elsewhere.
        """
        if all(share == 1 for share in self._shares.values()):
            return self.base.volume - sum(hole.volume for hole in self.holes.values())
        unit = qmc.Sobol(len(self.coordinates), rng=0).random(_VOLUME_SAMPLE)
        points = self.interior(unit)
        share = np.mean(self.accepts(points)) / np.mean(self.base.accepts(points))
        return float(share) * self.base.volume

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the signed distance [n]; it is exact inside if the holes' distances are."""
        distances = [self.base.distance(*coordinates)]
        for hole in self.holes.values():
            distances.append(-hole.distance(*coordinates))
        return reduce(minimum, distances)

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return the smooth distances [n] to the base's faces and to the holes, joined."""
        faces = self.members(on)
        distances: list[Any] = []
        base_faces = [face for face in faces if self._owners[face][0] is self.base]
        if base_faces:
            distances.append(self.base.smooth_distance(*coordinates, on=base_faces))
        for name, hole in self.holes.items():
            hole_faces = [face for face in faces if self._owners[face][0] is hole]
            if not hole_faces:
                continue
            if len(hole_faces) < len(hole.faces):
                raise InputError(
                    f"{self!r}: no smooth distance to a part of hole {name}; name all of its faces."
                )
            distances.append(hole.smooth_distance_outside(*coordinates))
        return reduce(join_distances, distances)

    def _add_hole(self, name: str, hole: Domain) -> tuple[str, ...]:
        """Record the faces of a hole and return their names."""
        if not isinstance(hole, Domain) or hole.coordinates != self.coordinates:
            names = ", ".join(self.coordinates)
            raise InputError(
                f"Difference: hole {name}={hole!r}; give a domain in {names}, such as Disk(…)."
            )
        owners: dict[str, tuple[Domain, str]] = {}
        for face in hole.faces:
            owners[name if len(hole.faces) == 1 else f"{name}_{face}"] = (hole, face)
        self._owners |= owners
        return tuple(owners)

    def _share(self, face: str) -> float:
        """Return the share of a face that the holes leave, exactly 1 where they cut nothing off."""
        owner, owner_face = self._owners[face]
        dimension = len(self.coordinates) - 1
        unit = _sample(dimension) if dimension else np.zeros((1, 0))
        points, _ = owner.face(owner_face, unit)
        return float(np.mean(self.accepts(points, face)))

    def _check(self) -> None:
        """Raise an InputError if the holes leave nothing, or if one of them has no effect."""
        points = self.interior(_sample(len(self.coordinates)))
        if not np.any(self.accepts(points)):
            raise InputError(f"{self!r}: the holes leave nothing; make them smaller.")
        for name, hole in self.holes.items():
            shares = [self._shares[f] for f, (owner, _) in self._owners.items() if owner is hole]
            if not any(shares):
                raise InputError(
                    f"Difference: hole {name}={hole!r} lies outside, or in another; "
                    f"remove or move it."
                )


def _sample(dimension: int) -> Array:
    """Return a fixed sample [n, dimension] of the unit cube."""
    return qmc.Halton(dimension, rng=0).random(_SAMPLE)
