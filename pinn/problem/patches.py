"""Patches: the smooth pieces of regions, known by their maps from unit cubes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pinn.arrays import Array, BoolArray
from pinn.sampling import unit_cube

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

SAMPLE = 1 << 16  # points that estimate which share of a patch belongs to a region


class Patch(NamedTuple):
    """A smooth piece of a region: the image of what is accepted of a unit cube.

    Attributes:
        dimension: of the cube.
        measure: returns the measure in space of what is accepted: 1 for a point, else its length,
            area, …; a function, because some measures are estimated from a sample.
        place: maps a sample [n, dimension] of the cube to points [n, d], time included, and to
            their outward normals [n, ds] on a face, None elsewhere.
        accepts: maps points [n, d] that were placed to truth values [n].
        coordinates: names of the points' coordinates.
        on_boundary: whether the piece is one of a face.
        is_mapped: whether the map is smooth, so that quadrature rules of the cube may be used.
    """

    dimension: int
    measure: Callable[[], float]
    place: Callable[[Array], tuple[Array, Array | None]]
    accepts: Callable[[Array], BoolArray]
    coordinates: tuple[str, ...]
    on_boundary: bool = False
    is_mapped: bool = True


def share_of(patch: Patch, count: int = SAMPLE) -> float:
    """Return which share of its unit cube a patch accepts, by a fixed sample of `count` points."""
    unit = unit_cube(count if patch.dimension else 1, patch.dimension)
    points, _ = patch.place(unit)
    return float(np.mean(patch.accepts(points)))


def beyond_space(problem: Problem) -> tuple[str, ...]:
    """Return the coordinates that are none of space: the parameters, then time."""
    return problem.coordinates[len(problem.space.coordinates) :]


def completed(problem: Problem, points: Array, unit: Array, fixed: Mapping[str, float]) -> Array:
    """Return points [n, ds] with columns for the parameters and for time, where there are any.

    Those that are not fixed take the columns of `unit` in turn, scaled from [0, 1].
    """
    columns = [points]
    drawn = 0
    for c in beyond_space(problem):
        if c in fixed:
            columns.append(np.full((len(points), 1), fixed[c]))
            continue
        share = unit[:, drawn : drawn + 1]
        drawn += 1
        if c in problem.parameters:
            columns.append(problem.parameters[c].at(share))
        elif problem.time_scale is not None:
            columns.append(problem.time_scale.at(share))
        else:
            start, end = problem.ranges[c]
            columns.append(start + share * (end - start))
    return np.concatenate(columns, axis=1)
