"""Where the residuals are evaluated: regions to point sets, point sets to blocks for the compiled programs."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pinn import sampling
from pinn.arrays import static_shape
from pinn.errors import InputError, did_you_mean
from pinn.problem import Problem


class PointSet(NamedTuple):
    """Points of one region: coordinates [n, d], outward normals [n, ds] or none, measurements [n] by field."""

    coordinates: np.ndarray
    normals: np.ndarray | None = None
    values: Mapping[str, np.ndarray] = {}


class Blocks(NamedTuple):
    """A point set cut into `T` threads × `K` blocks × n points; padding has weight zero.

    Features stand before points, so that a coordinate or field is one contiguous row.
    """

    coordinates: tf.Tensor  # [T, K, d, n]
    normals: tf.Tensor  # [T, K, ds, n], ds = 0 without normals
    values: dict[str, tf.Tensor]  # [T, K, n] each
    weights: tf.Tensor  # [T, K, n], summing to 1
    factors: Mapping[
        str, tf.Tensor
    ] = {}  # [T, K, n] of the squared residuals of some terms, by name; 1 elsewhere

    @property
    def real(self) -> np.ndarray:
        """Which of the places [T K n] hold points, and not padding."""
        return np.asarray(self.weights).ravel() > 0

    @property
    def rows(self) -> np.ndarray:
        """The points' coordinates [n, d], in the order of the point set."""
        found = np.asarray(self.coordinates)
        return found.transpose(0, 1, 3, 2).reshape(-1, found.shape[2])[self.real]

    def laid_out(self, values: np.ndarray) -> tf.Tensor:
        """Return one value a point [n], in the order of the point set, in the shape of the blocks [T, K, n]."""
        shape = static_shape(self.weights)
        return tf.constant(
            np.resize(values, shape), self.weights.dtype
        )  # repeated, as the padding repeats points


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


def blocks(points: PointSet, *, threads: int, size: int, dtype: str, room: int = 0) -> Blocks:
    """Return a point set cut into blocks of about `size` points for `threads` programs side by side.

    `room` is the number of points that the blocks could hold at least: a set that grows keeps its
    shapes.
    """
    count = len(points.coordinates)
    room = max(room, count)
    threads = max(1, min(threads, room // 32))
    depth = -(-room // (threads * size))
    width = -(-room // (threads * depth))
    total = threads * depth * width
    # Padding repeats real points, so that it can meet no singularity that the real points do not
    # meet.
    chosen = np.arange(total) % count
    weights = np.where(np.arange(total) < count, 1.0 / count, 0.0)

    def rows(array: np.ndarray) -> tf.Tensor:
        shaped = array[chosen].reshape(threads, depth, width, -1)
        return tf.constant(np.ascontiguousarray(shaped.transpose(0, 1, 3, 2)), dtype)

    def flat(array: np.ndarray) -> tf.Tensor:
        return tf.constant(array.reshape(threads, depth, width), dtype)

    normals = np.zeros((count, 0)) if points.normals is None else points.normals
    values = {name: flat(np.asarray(v)[chosen]) for name, v in points.values.items()}
    return Blocks(rows(points.coordinates), rows(normals), values, flat(weights))
