"""Point sets: the points of a region, drawn from a problem's domain."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from pinn import sampling
from pinn.errors import InputError, did_you_mean
from pinn.problem import Problem


class PointSet(NamedTuple):
    """Points of one region: coordinates [n, d], outward normals [n, ds] or none, measurements [n] by field."""

    coordinates: np.ndarray
    normals: np.ndarray | None = None
    values: Mapping[str, np.ndarray] = {}


def draw(
    problem: Problem,
    region: str,
    count: int,
    *,
    method: str = "sobol",
    seed: int = 0,
    number: int = 0,
) -> PointSet:
    """Return `count` points of a region; `number` counts the redraws, each of which gives other points.

    Raises:
        InputError: for an impossible count, an unknown region or method.
    """
    space, dimension = problem.space, len(problem.space.coordinates)
    if not isinstance(count, int | np.integer) or count < 1:
        raise InputError(f"points.counts.{region}={count!r}; give a whole number of at least 1.")
    known = ("interior", *(("initial",) if problem.time else ()), *problem.boundaries)
    if region not in known:
        raise InputError(f"points: no region {region!r}.{did_you_mean(region, known)}")
    streams = (seed, zlib.crc32(region.encode()), number)
    if region in ("interior", "initial"):
        in_time = problem.time is not None and region == "interior"

        def inside(unit: np.ndarray) -> np.ndarray:
            return space.accepts(space.interior(unit[:, :dimension]))

        unit = sampling.rejection_sample(
            count, dimension + in_time, inside, method=method, seed=streams
        )
        return PointSet(
            _with_time(problem, space.interior(unit[:, :dimension]), unit[:, dimension:])
        )
    faces = problem.boundaries[region]
    counts = sampling.apportion(count, [space.measure(face) for face in faces])
    found = [
        _on_face(problem, face, n, method=method, seed=(*streams, i))
        for i, (face, n) in enumerate(zip(faces, counts, strict=True))
    ]
    return PointSet(
        np.concatenate([points for points, _ in found]),
        np.concatenate([normals for _, normals in found]),
    )


def _on_face(
    problem: Problem, face: str, count: int, *, method: str, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return points [count, d] of a face, time included, and their outward normals [count, ds]."""
    space, across = problem.space, len(problem.space.coordinates) - 1

    def kept(unit: np.ndarray) -> np.ndarray:
        return space.accepts(space.face(face, unit[:, :across])[0], face)

    unit = sampling.rejection_sample(
        count, across + bool(problem.time), kept, method=method, seed=seed
    )
    points, normals = space.face(face, unit[:, :across])
    return _with_time(problem, points, unit[:, across:]), normals


def _with_time(problem: Problem, points: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Append the time column: `unit` [n, 1] of the interval, or its start where `unit` is [n, 0]."""
    if problem.time is None:
        return points
    start, end = problem.time
    time = start + unit * (end - start) if unit.shape[1] else np.full((len(points), 1), start)
    return np.concatenate([points, time], axis=1)
