"""A domain less others: a rectangle with round holes, a channel with a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
from scipy.stats import qmc

from pinn.errors import InputError
from pinn.geometry.domain import Array, Domain, check_part, join_distances, minimum

_SAMPLE = 4096  # points by which the share of a face that a hole leaves is measured


class Difference(Domain):
    """A domain less holes, e.g. `Difference(Rectangle(x=(0, 1), y=(0, 1)), pipe=Disk(x=0.5, y=0.5, radius=0.2))`.

    A hole's name is that of its boundary; where a hole has several faces, as a box has, they are
    called `step_x-` and so on, and `step` is all of them.  The part `"holes"` is the boundary of
    all holes, `"outer"` what is left of the base's own.  Holes may overlap each other and the
    base's boundary: a face is what is left of it.

    Raises:
        InputError: for a name that is taken, a hole of other coordinates or without effect, or if
            nothing is left.
    """

    def __init__(self, base: Domain, **holes: Domain) -> None:
        self.base, self.holes, self.coordinates = base, holes, base.coordinates
        if not holes:
            raise InputError(
                f"Difference: {base!r} has no hole; give at least one, such as hole=Disk(…)."
            )
        self._owners: dict[str, tuple[Domain, str]] = {face: (base, face) for face in base.faces}
        parts: dict[str, tuple[str, ...]] = {"outer": base.faces, "holes": (), **base.parts}
        for name, hole in holes.items():
            check_part(name, (*self._owners, *parts), "Difference")
            if not isinstance(hole, Domain) or hole.coordinates != base.coordinates:
                names = ", ".join(base.coordinates)
                raise InputError(
                    f"Difference: hole {name}={hole!r}; give a domain in {names}, such as Disk(…)."
                )
            own = {
                name if len(hole.faces) == 1 else f"{name}_{face}": (hole, face)
                for face in hole.faces
            }
            self._owners |= own
            parts["holes"] += tuple(own)
            if len(own) > 1:
                parts[name] = tuple(own)
        self._shares = {face: self._share(face) for face in self._owners}
        self.faces = tuple(face for face, share in self._shares.items() if share > 0)
        kept = {
            name: tuple(face for face in faces if face in self.faces)
            for name, faces in parts.items()
        }
        self.parts: Mapping[str, tuple[str, ...]] = {
            name: faces for name, faces in kept.items() if faces
        }
        self._check()

    def __repr__(self) -> str:
        return f"Difference({self.base!r}, {', '.join(f'{name}={hole!r}' for name, hole in self.holes.items())})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the smallest axis-parallel box around the base."""
        return self.base.bounds

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] of the base for a sample `unit` [n, d]; `accepts` tells which lie in no hole."""
        return self.base.interior(unit)

    def accepts(self, points: Array, face: str | None = None) -> Array:
        """Return which points [n, d] that `interior`, or a face, gave are left: [n]."""
        owner, inner = self._owners[face] if face else (self.base, None)
        kept = owner.accepts(points, inner)
        if owner is not self.base:
            kept &= np.asarray(self.base.distance(*points.T)) > 0
        for hole in self.holes.values():
            if hole is not owner:
                kept &= np.asarray(hole.distance(*points.T)) < 0
        return kept

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] on a face and their outward normals, which point into the hole where it is a hole's."""
        owner, inner = self._owners[name]
        points, normals = owner.face(inner, unit)
        return points, normals if owner is self.base else -normals

    def measure(self, face: str) -> float:
        """Return the size of what is left of a face."""
        owner, inner = self._owners[face]
        return self._shares[face] * owner.measure(inner)

    def distance(self, *coordinates: Any) -> Any:
        """Return the signed distance [n]: exact inside where the holes' are, as those of balls."""
        outside = [-hole.distance(*coordinates) for hole in self.holes.values()]
        return reduce(minimum, [self.base.distance(*coordinates), *outside])

    def smooth_distance(self, *coordinates: Any, on: str | Sequence[str] = "boundary") -> Any:
        """Return the smooth distances to the base's faces and to the holes, joined."""
        faces = self.members(on)
        own = [face for face in faces if self._owners[face][0] is self.base]
        found = [self.base.smooth_distance(*coordinates, on=own)] if own else []
        for name, hole in self.holes.items():
            met = [face for face in faces if self._owners[face][0] is hole]
            if met and len(met) < len(hole.faces):
                raise InputError(
                    f"{self!r}: no smooth distance to a part of hole {name}; name all of its faces."
                )
            found += [hole.smooth_distance_outside(*coordinates)] if met else []
        return reduce(join_distances, found)

    def _share(self, face: str) -> float:
        """Return the share of a face that is left, 1 exactly where nothing is cut off."""
        owner, inner = self._owners[face]
        dimension = len(self.coordinates) - 1
        unit = qmc.Halton(dimension, rng=0).random(_SAMPLE) if dimension else np.zeros((1, 0))
        return float(np.mean(self.accepts(owner.face(inner, unit)[0], face)))

    def _check(self) -> None:
        sample = self.interior(qmc.Halton(len(self.coordinates), rng=0).random(_SAMPLE))
        if not np.any(self.accepts(sample)):
            raise InputError(f"{self!r}: the holes leave nothing; make them smaller.")
        for name, hole in self.holes.items():
            if not any(
                owner is hole and self._shares[face] for face, (owner, _) in self._owners.items()
            ):
                raise InputError(
                    f"Difference: hole {name}={hole!r} lies outside, or in another; remove or move it."
                )
