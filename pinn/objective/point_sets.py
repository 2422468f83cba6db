"""Point sets: the points of a region, drawn from a problem's domain."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pinn import sampling
from pinn.arrays import check_shapes
from pinn.errors import InputError, did_you_mean
from pinn.problem import Problem


class PointSet(NamedTuple):
    """Points of one region.

    Attributes:
        coordinates: the points [n, d].
        normals: outward normals [n, ds], where the region has them.
        values: measurements, or residuals at a handover, [n] by name; NaN: not measured.
    """

    coordinates: Float[np.ndarray, "n d"]
    normals: Float[np.ndarray, "n ds"] | None = None
    values: Mapping[str, Float[np.ndarray, " n"]] = {}


def draw(
    problem: Problem,
    region: str,
    count: int,
    *,
    method: str = "sobol",
    seed: int = 0,
    number: int = 0,
) -> PointSet:
    """Return points of a region.

    Args:
        problem: the problem.
        region: the region.
        count: number of points.
        method: how the unit cube is sampled.
        seed: of the run.
        number: of the draw; every number gives other points.

    Raises:
        InputError: for an impossible count, an unknown region or method.
    """
    if not isinstance(count, int | np.integer) or count < 1:
        raise InputError(f"points.counts.{region}={count!r}; give a whole number of at least 1.")
    inside = ("interior", "initial") if problem.time else ("interior",)
    known = (*inside, *problem.boundaries)
    if region not in known:
        raise InputError(f"points: no region {region!r}.{did_you_mean(region, known)}")
    stream = (seed, zlib.crc32(region.encode()), number)
    if region in inside:
        return _draw_inside(problem, region, count, method=method, seed=stream)
    # Every face has its share of the points, and a stream of its own.
    faces = problem.boundaries[region]
    counts = sampling.apportion(count, [problem.space.measure(face) for face in faces])
    points = []
    normals = []
    for i, (face, share) in enumerate(zip(faces, counts, strict=True)):
        on_face = _draw_on_face(problem, face, share, method=method, seed=(*stream, i))
        points.append(on_face[0])
        normals.append(on_face[1])
    return PointSet(np.concatenate(points), np.concatenate(normals))


def _draw_inside(
    problem: Problem, region: str, count: int, *, method: str, seed: tuple[int, ...]
) -> PointSet:
    """Return points of the interior, or of the initial state."""
    space = problem.space
    dimension = len(space.coordinates)
    in_time = problem.time is not None and region == "interior"

    def accepts(unit: np.ndarray) -> np.ndarray:
        return space.accepts(space.interior(unit[:, :dimension]))

    unit = sampling.rejection_sample(count, dimension + in_time, accepts, method=method, seed=seed)
    points = space.interior(unit[:, :dimension])
    return PointSet(_with_time(problem, points, unit[:, dimension:]))


@check_shapes
def _draw_on_face(
    problem: Problem, face: str, count: int, *, method: str, seed: tuple[int, ...]
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n ds"]]:
    """Return points [count, d] of a face, time included, and their outward normals [count, ds]."""
    space = problem.space
    across = len(space.coordinates) - 1

    def accepts(unit: np.ndarray) -> np.ndarray:
        points, _ = space.face(face, unit[:, :across])
        return space.accepts(points, face)

    unit = sampling.rejection_sample(
        count, across + bool(problem.time), accepts, method=method, seed=seed
    )
    points, normals = space.face(face, unit[:, :across])
    return _with_time(problem, points, unit[:, across:]), normals


@check_shapes
def _with_time(
    problem: Problem, points: Float[np.ndarray, "n ds"], unit: Float[np.ndarray, "n columns"]
) -> Float[np.ndarray, "n d"]:
    """Return points [n, ds] with a column for time.

    `unit` [n, 1] holds times scaled to [0, 1]; without columns, [n, 0], all times are the start.
    """
    if problem.time is None:
        return points
    start, end = problem.time
    if unit.shape[1]:
        time = start + unit * (end - start)
    else:
        time = np.full((len(points), 1), start)
    return np.concatenate([points, time], axis=1)
