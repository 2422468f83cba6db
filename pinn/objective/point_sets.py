"""Point sets: the points of a region, drawn from a problem's domain."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pinn import sampling
from pinn.errors import InputError, did_you_mean, require_memory
from pinn.problem import Patch, Problem, patches, region_names
from pinn.problem.materials import masks_at
from pinn.problem.two_sided import check_two_sided, is_two_sided, materials_beside, split
from pinn.waiting import waiting_for

COPIES = 10  # of coordinates and fields that are in memory where points are drawn and used


class PointSet(NamedTuple):
    """Points of one region.

    Attributes:
        coordinates: the points [n, d].
        normals: outward normals [n, ds], where the region has them.
        values: measurements, or residuals at a handover, [n] by name; NaN: not measured.
        materials: in which material the points lie, truth values [n] by material; empty where the
            problem has none.
        opposite: the corresponding points on the second side, where the region has two.
        sigmas: the standard deviations of measurements, [n] by name, in the units of the values;
            those that are not named have none.
        shares: of the points in a mean over the region [n], whose sum is 1; None: all are equal.
    """

    coordinates: Float[np.ndarray, "n d"]
    normals: Float[np.ndarray, "n ds"] | None = None
    values: Mapping[str, Float[np.ndarray, " n"]] = {}
    materials: Mapping[str, Bool[np.ndarray, " n"]] = {}
    opposite: PointSet | None = None
    sigmas: Mapping[str, Float[np.ndarray, " n"]] = {}
    shares: Float[np.ndarray, " n"] | None = None

    @property
    def quadrature(self) -> np.ndarray:
        """The shares of the points in a mean over the region [n]."""
        count = len(self.coordinates)
        return np.full(count, 1.0 / count) if self.shares is None else self.shares

    def take(self, rows: np.ndarray) -> PointSet:
        """Return the points of some rows, by their indices."""
        return PointSet(
            self.coordinates[rows],
            None if self.normals is None else self.normals[rows],
            {name: value[rows] for name, value in self.values.items()},
            {name: mask[rows] for name, mask in self.materials.items()},
            None if self.opposite is None else self.opposite.take(rows),
            {name: sigmas[rows] for name, sigmas in self.sigmas.items()},
            None if self.shares is None else self.shares[rows] / np.sum(self.shares[rows]),
        )

    @property
    def on_all_sides(self) -> np.ndarray:
        """The coordinates [m, d] of the points, and of those opposite that lie elsewhere."""
        if self.opposite is None or np.array_equal(self.opposite.coordinates, self.coordinates):
            return self.coordinates
        return np.concatenate([self.coordinates, self.opposite.coordinates])

    def located(self, problem: Problem) -> PointSet:
        """Return the points with the materials of a problem in which they lie."""
        return self._replace(materials=masks_at(problem, self.coordinates))

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
    known = region_names(problem)
    two_sided = is_two_sided(region)
    if two_sided:
        _check_sides(problem, region)
    elif region not in known:
        raise InputError(f"points: no region {region!r}.{did_you_mean(region, known)}")
    stream = (seed, zlib.crc32(region.encode()), number)
    patches_of_region = patches(problem, region)
    declared = two_sided or region in problem.regions
    if declared and not any(p.dimension for p in patches_of_region):
        count = len(patches_of_region)  # a single point is drawn once
    measures = [1.0]
    if len(patches_of_region) > 1:
        measures = [patch.measure() for patch in patches_of_region]
    counts = sampling.apportion(count, measures)
    points = []
    normals = []
    _check_memory(problem, region, count)
    for i, (patch, share) in enumerate(zip(patches_of_region, counts, strict=True)):
        # Every face has a stream of its own.
        own = (*stream, i) if patch.on_boundary else stream
        with waiting_for(f"{count:,} points of {region!r}"):
            placed = _draw_patch(patch, share, method=method, seed=own)
        points.append(placed.coordinates)
        if placed.normals is not None:
            normals.append(placed.normals)
    if two_sided:
        return _both_sides(problem, region, np.concatenate(points))
    drawn = PointSet(np.concatenate(points), np.concatenate(normals) if normals else None)
    return drawn.located(problem)


def _check_sides(problem: Problem, region: str) -> None:
    """Raise an InputError for a region whose two sides do not exist."""
    for name in region.split(","):
        check_two_sided(problem, name, "points")


def _both_sides(problem: Problem, region: str, rows: np.ndarray) -> PointSet:
    """Return the points of the first side, with those of the second opposite to them."""
    first, second = split(problem, rows)
    here, there = materials_beside(problem, region, (first, second))
    opposite = PointSet(second.points, second.normals, materials=there)
    return PointSet(first.points, first.normals, materials=here, opposite=opposite)


def _check_memory(problem: Problem, region: str, count: int) -> None:
    """Raise an InputError for more points than the machine's memory holds, with their drawing."""
    numbers = COPIES * count * (len(problem.coordinates) + len(problem.functions))
    require_memory(
        numbers * np.dtype(float).itemsize,
        f"points: {count:,} points of {region!r}",
        "give fewer",
    )


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
