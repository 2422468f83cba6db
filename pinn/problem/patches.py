"""Patches: the smooth pieces of regions, known by their maps from unit cubes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pinn.arrays import Array, BoolArray
from pinn.sampling import unit_cube

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

_SAMPLE = 1 << 16  # points that estimate which share of a patch belongs to a region


class Patch(NamedTuple):
    """A smooth piece of a region: the image of what is accepted of a unit cube.

    Attributes:
        dimension: of the cube.
        measure: of the piece, relative to the region's other pieces.
        place: maps a sample [n, dimension] of the cube to points [n, d], time included, and to
            their outward normals [n, ds] on a face, None elsewhere.
        accepts: maps points [n, d] that were placed to truth values [n].
        coordinates: names of the points' coordinates.
        on_boundary: whether the piece is one of a face.
    """

    dimension: int
    measure: float
    place: Callable[[Array], tuple[Array, Array | None]]
    accepts: Callable[[Array], BoolArray]
    coordinates: tuple[str, ...]
    on_boundary: bool = False


def share_of(patch: Patch, count: int = _SAMPLE) -> float:
    """Return which share of its unit cube a patch accepts, by a fixed sample of `count` points."""
    unit = unit_cube(count if patch.dimension else 1, patch.dimension)
    points, _ = patch.place(unit)
    return float(np.mean(patch.accepts(points)))


def with_time(problem: Problem, points: Array, unit: Array, at: float | None) -> Array:
    """Return points [n, ds] with a column for time, in a problem that depends on it.

    The times are `at`, or where that is None, those of `unit` [n, 1], scaled to [0, 1].
    """
    if problem.time is None:
        return points
    start, end = problem.time
    time = start + unit * (end - start) if at is None else np.full((len(points), 1), at)
    return np.concatenate([points, time], axis=1)
