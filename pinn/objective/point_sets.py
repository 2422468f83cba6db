"""Point sets: the points of a region, drawn from a problem's domain."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pinn import sampling
from pinn.arrays import AnyArray
from pinn.errors import InputError, did_you_mean
from pinn.problem import Patch, Problem, patches


class PointSet(NamedTuple):
    """Points of one region.

    Attributes:
        coordinates: the points [n, d].
        normals: outward normals [n, ds], where the region has them.
        values: measurements, or residuals at a handover, [n] by name; NaN: not measured.
        sigmas: the standard deviations of measurements, [n] by name, in the units of the values;
            those that are not named have none.
    """

    coordinates: Float[np.ndarray, "n d"]
    normals: Float[np.ndarray, "n ds"] | None = None
    values: Mapping[str, Float[np.ndarray, " n"]] = {}
    sigmas: Mapping[str, Float[np.ndarray, " n"]] = {}

    def rows(self, chosen: AnyArray) -> PointSet:
        """Return some of the points, by their indices [m]."""
        return PointSet(
            self.coordinates[chosen],
            None if self.normals is None else self.normals[chosen],
            {name: values[chosen] for name, values in self.values.items()},
            {name: sigmas[chosen] for name, sigmas in self.sigmas.items()},
        )

    @property
    def weighed(self) -> int:
        """The number of measured values that have a standard deviation."""
        return sum(int(np.count_nonzero(~np.isnan(self.values[name]))) for name in self.sigmas)


DataSets = Mapping[str, PointSet]
"""Sets of measurements by region: "data", or "data_probes" for the set "probes" of several."""


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
    counts = sampling.apportion(count, [patch.measure for patch in patches_of_region])
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
