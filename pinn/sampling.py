# pyright: strict, reportMissingTypeStubs=false, reportUnnecessaryIsInstance=false
"""Samples of the unit cube, random choice by weights, and the apportionment of a count."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
from scipy.stats import qmc

from pinn.arrays import Array, BoolArray, IntArray
from pinn.errors import InputError, did_you_mean

Method = Literal["uniform", "sobol", "halton", "latin_hypercube", "grid"]
METHODS: tuple[str, ...] = get_args(Method)
LEAST_SHARE = 1e-4  # of the unit cube that must be accepted for rejection sampling
ENOUGH = 1_000_000  # points that decide whether it is

Seed: TypeAlias = int | Sequence[int]
Accept: TypeAlias = Callable[[Array], BoolArray]
"""Points [n, d] to truth values [n]."""
Place: TypeAlias = Callable[[Array], Array]
"""Points [n, dimension] of the unit cube to points [n, d] elsewhere."""


def unit_cube(count: int, dimension: int, *, method: str = "sobol", seed: Seed = 0) -> Array:
    """Return `count` points [count, dimension] of the unit cube.

    A grid has as many points per axis as the count allows, and uniform points fill it up.
    Scrambled Sobol and Halton points are SciPy's (scipy.stats.qmc).

    Args:
        count: the number of points.
        dimension: the dimension of the cube.
        method: one of `METHODS`.
        seed: a number, or a sequence such as (seed of the run, number of the region, number of the
            draw).  Equal seeds give equal points.

    Raises:
        InputError: if the count is not positive or the method is unknown.
    """
    if not isinstance(count, int | np.integer) or count < 1:
        raise InputError(f"sampling: {count!r} points; give a whole number of at least 1.")
    if method not in METHODS:
        raise InputError(f"sampling: unknown method {method!r}.{did_you_mean(method, METHODS)}")
    rng = np.random.default_rng(seed)
    if dimension == 0:
        return np.zeros((count, 0))
    if method == "sobol":
        # The sequence is balanced for powers of two: draw the next one, and use the first points.
        exponent = int(np.ceil(np.log2(count))) if count > 1 else 0
        return qmc.Sobol(dimension, rng=rng).random_base2(exponent)[:count]
    if method == "halton":
        return qmc.Halton(dimension, rng=rng).random(count)
    if method == "latin_hypercube":
        return qmc.LatinHypercube(dimension, rng=rng).random(count)
    if method == "grid":
        root = int(count ** (1 / dimension) + 1e-9)  # the root of an exact power may round down
        grid = _grid(max(root, 1), dimension)
        return np.concatenate([grid, rng.random((count - len(grid), dimension))])
    return rng.random((count, dimension))


def _grid(side: int, dimension: int) -> Array:
    """Return a grid [side^dimension, dimension] of the centers of equal cells."""
    axis = (np.arange(side) + 0.5) / side
    axes = np.meshgrid(*[axis] * dimension, indexing="ij")
    return np.stack(axes, -1).reshape(-1, dimension)


def rejection_sample(
    count: int,
    dimension: int,
    accept: Accept,
    *,
    place: Place | None = None,
    method: str = "sobol",
    seed: Seed = 0,
) -> Array:
    """Return `count` points [count, d] of the subset of the unit cube's image that is accepted.

    They are as even there as the method's points are in the cube.  Where `accept` accepts
    everything, they are the images of `unit_cube`'s points.  A grid is the finest one with at most
    `count` accepted points, and uniform points fill it up.

    Args:
        count: the number of points.
        dimension: the dimension of the cube.
        accept: images [n, d] to truth values [n].
        place: maps all points [n, dimension] of a sample together to their images [n, d]; None:
            they are their own images.
        method: as in `unit_cube`.
        seed: as in `unit_cube`.

    Raises:
        InputError: if the accepted subset has almost no volume.
    """
    place = place or _identity
    candidates = place(unit_cube(count, dimension, method=method, seed=seed))
    accepted = candidates[accept(candidates)]
    if len(accepted) < count and method == "grid":
        grid = _finest_grid(count, dimension, accept, place)
        if len(grid) == count:
            return grid
        rest = rejection_sample(
            count - len(grid), dimension, accept, place=place, method="uniform", seed=seed
        )
        return np.concatenate([grid, rest])
    while len(accepted) < count:
        _check_share(len(accepted), len(candidates))
        # Draw a little more than the share suggests, since the share itself is an estimate.
        needed = math.ceil(1.05 * len(candidates) * count / max(len(accepted), 1)) + 8
        larger = min(needed, 8 * len(candidates) + 8)
        candidates = place(unit_cube(larger, dimension, method=method, seed=seed))
        accepted = candidates[accept(candidates)]
    return accepted[:count]


def _identity(unit: Array) -> Array:
    return unit


def _finest_grid(count: int, dimension: int, accept: Accept, place: Place) -> Array:
    """Return the accepted points of the finest grid with at most `count` accepted points."""

    def accepted_grid(side: int) -> Array:
        grid = place(unit_cube(side**dimension, dimension, method="grid"))
        return grid[accept(grid)]

    # Refine until there are enough points: as much as the accepted share suggests, at most twofold.
    side = 1
    grid = accepted_grid(side)
    while len(grid) < count:
        _check_share(len(grid), side**dimension)
        estimate = int(side * (count / max(len(grid), 1)) ** (1 / dimension))
        side = max(side + 1, min(2 * side, estimate))
        grid = accepted_grid(side)
    # Coarsen step by step until there are not too many.
    while len(grid) > count:
        side -= 1
        grid = accepted_grid(side) if side else grid[:0]
    return grid


def _check_share(accepted: int, drawn: int) -> None:
    if drawn >= ENOUGH and accepted < LEAST_SHARE * drawn:
        raise InputError(
            f"sampling: {accepted} of {drawn} points fall into the domain; "
            f"choose a smaller box around it."
        )


def weighted_choice(
    sizes: Array, count: int, *, power: float, offset: float, seed: Seed
) -> tuple[IntArray, Array]:
    """Return `count` different indices [count] of candidates, in ascending order, and shares.

    They are drawn with a density p that increases with the size |r| [n] of a candidate:

        p ∝ |r|^power / mean |r|^power + offset

    The shares [count], whose sum is 1, are those in an estimate of a mean over all candidates:
    inverse to the probability with which an index is drawn (Horvitz & Thompson 1952,
    doi:10.1080/01621459.1952.10483446).

    Source: Wu, Zhu, Tan, Kartha & Lu (2022), doi:10.1016/j.cma.2022.115671.

    Raises:
        InputError: if there are fewer candidates than indices to draw.
    """
    if len(sizes) < count:
        raise InputError(
            f"sampling: {len(sizes)} candidates for {count} points; give more candidates."
        )
    powers = np.where(np.isfinite(sizes), np.abs(sizes), 0.0) ** power
    mean = np.mean(powers)
    relative = powers / mean if mean > 0 else np.ones(len(sizes))
    density = relative + offset
    # The largest u^(1/p), u uniform, are a sample without replacement (Efraimidis & Spirakis 2006).
    # Their logarithms are -e/p, e exponential, so the smallest e/p are taken here.
    with np.errstate(divide="ignore"):
        keys = np.random.default_rng(seed).exponential(size=len(sizes)) / density
    chosen = np.sort(np.argpartition(keys, count - 1)[:count])
    # An exponential variable e is below t p with the probability 1 - exp(-t p).
    with np.errstate(invalid="ignore"):  # where all are taken that have a density
        probability = -np.expm1(-np.max(keys[chosen]) * density[chosen])
    weights = 1 / np.nan_to_num(probability, nan=1.0)
    return chosen, weights / np.sum(weights)


def apportion(count: int, sizes: Sequence[float]) -> list[int]:
    """Return whole numbers in proportion to `sizes` whose sum is `count`, each at least 1.

    Raises:
        InputError: if the count is smaller than the number of sizes.
    """
    if count < len(sizes):
        raise InputError(
            f"sampling: {count} points for {len(sizes)} faces; give at least {len(sizes)}."
        )
    # One for each, and the rest in proportion, rounded down ...
    exact = np.asarray(sizes, float) / np.sum(sizes) * (count - len(sizes))
    counts = np.floor(exact).astype(int)
    # ... except for the largest remainders, which are rounded up.
    missing = count - len(sizes) - int(counts.sum())
    for i in np.argsort(counts - exact, kind="stable")[:missing]:
        counts[i] += 1
    return [int(n) + 1 for n in counts]
