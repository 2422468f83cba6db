"""Point sets: the points of a region, drawn from a problem's domain."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pinn import sampling
from pinn.errors import InputError, did_you_mean
from pinn.problem import Patch, Problem, patches


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
    known = (*inside, *problem.boundaries, *problem.regions)
    if region not in known:
        raise InputError(f"points: no region {region!r}.{did_you_mean(region, known)}")
    stream = (seed, zlib.crc32(region.encode()), number)
    patches_of_region = patches(problem, region)
    if region in problem.regions and not any(p.dimension for p in patches_of_region):
        count = len(patches_of_region)  # a single point is drawn once
    measures = [1.0]
    if len(patches_of_region) > 1:
        measures = [patch.measure() for patch in patches_of_region]
    counts = sampling.apportion(count, measures)
    points = []
    normals = []
    for i, (patch, share) in enumerate(zip(patches_of_region, counts, strict=True)):
        # Every face has a stream of its own.
        own = (*stream, i) if patch.on_boundary else stream
        placed = _draw_patch(patch, share, method=method, seed=own)
        points.append(placed.coordinates)
        if placed.normals is not None:
            normals.append(placed.normals)
    return PointSet(np.concatenate(points), np.concatenate(normals) if normals else None)


def _draw_patch(patch: Patch, count: int, *, method: str, seed: tuple[int, ...]) -> PointSet:
    """Return `count` points of a patch."""

    def place(unit: np.ndarray) -> np.ndarray:
        points, normals = patch.place(unit)
        return points if normals is None else np.concatenate([points, normals], axis=1)

    size = len(patch.coordinates)
    rows = sampling.rejection_sample(
        count,
        patch.dimension,
        lambda rows: patch.accepts(rows[:, :size]),
        place=place,
        method=method,
        seed=seed,
    )
    normals = rows[:, size:] if patch.on_boundary else None
    return PointSet(rows[:, :size], normals)
