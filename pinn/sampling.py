"""Point sets: samples of the unit cube, and the rule that splits a count over several parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
from scipy.stats import qmc

from pinn.errors import InputError, did_you_mean

Method = Literal["uniform", "sobol", "halton", "latin_hypercube", "grid"]
METHODS: tuple[str, ...] = get_args(Method)
LEAST_SHARE = 1e-3  # of the unit cube that a domain must fill for points to be drawn by rejection


def unit_cube(
    count: int, dimension: int, *, method: str = "sobol", seed: int | Sequence[int] = 0
) -> np.ndarray:
    """Return `count` points [count, dimension] of the unit cube.

    `seed` may be a sequence, such as (run's seed, region's number, draw's number); equal seeds give
    equal points.  A grid has the largest whole number of points per axis whose product does not
    exceed the count and fills up with uniform points.  Scrambled Sobol and Halton points are
    SciPy's (scipy.stats.qmc).

    Raises:
        InputError: if the count is not positive or the method unknown.
    """
    if not isinstance(count, int | np.integer) or count < 1:
        raise InputError(f"sampling: {count!r} points; give a whole number of at least 1.")
    if method not in METHODS:
        raise InputError(f"sampling: unknown method {method!r}.{did_you_mean(method, METHODS)}")
    rng = np.random.default_rng(seed)
    if dimension == 0:
        return np.zeros((count, 0))
    if method == "sobol":
        # A power of two is drawn and cut, so that the sequence's balance holds for the part that is
        # used.
        return qmc.Sobol(dimension, rng=rng).random_base2(
            int(np.ceil(np.log2(count))) if count > 1 else 0
        )[:count]
    if method == "halton":
        return qmc.Halton(dimension, rng=rng).random(count)
    if method == "latin_hypercube":
        return qmc.LatinHypercube(dimension, rng=rng).random(count)
    if method == "grid":
        side = max(
            int(count ** (1 / dimension) + 1e-9), 1
        )  # the root of a whole power may round down
        axis = (np.arange(side) + 0.5) / side
        grid = np.stack(np.meshgrid(*[axis] * dimension, indexing="ij"), -1).reshape(-1, dimension)
        return np.concatenate([grid, rng.random((count - len(grid), dimension))])
    return rng.random((count, dimension))


def rejection_sample(
    count: int,
    dimension: int,
    keep: Callable[[np.ndarray], np.ndarray],
    *,
    method: str = "sobol",
    seed: int | Sequence[int] = 0,
) -> np.ndarray:
    """Return `count` points [count, dimension] of the part of the unit cube that `keep` accepts ([n, d] to bools [n]).

    They are as evenly spread there as the method's points are in the cube; where `keep` accepts
    everything, they are `unit_cube`'s.  A grid is the finest of which no more than `count` points
    are accepted; uniform points fill it up.

    Raises:
        InputError: if the part is next to nothing.
    """
    unit = unit_cube(count, dimension, method=method, seed=seed)
    kept = unit[keep(unit)]
    if len(kept) < count and method == "grid":
        grid = _accepted_grid(count, dimension, keep)
        rest = count - len(grid)
        return (
            np.concatenate(
                [grid, rejection_sample(rest, dimension, keep, method="uniform", seed=seed)]
            )
            if rest
            else grid
        )
    while len(kept) < count:
        _check_share(len(kept), len(unit), count)
        # A little more than the share asks for, since the share too is an estimate.
        wanted = math.ceil(1.05 * len(unit) * count / max(len(kept), 1)) + 8
        unit = unit_cube(min(wanted, 8 * len(unit) + 8), dimension, method=method, seed=seed)
        kept = unit[keep(unit)]
    return kept[:count]


def _accepted_grid(
    count: int, dimension: int, keep: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the accepted points of the finest grid of which `keep` accepts no more than `count`."""

    def grid(side: int) -> np.ndarray:
        unit = unit_cube(side**dimension, dimension, method="grid")
        return unit[keep(unit)]

    side, found = 1, grid(1)
    while len(found) < count:
        _check_share(len(found), side**dimension, count)
        closer = int(side * (count / max(len(found), 1)) ** (1 / dimension))
        side = max(side + 1, min(2 * side, closer))
        found = grid(side)
    while len(found) > count:
        side -= 1
        found = grid(side) if side else np.zeros((0, dimension))
    return found


def _check_share(kept: int, drawn: int, count: int) -> None:
    if drawn * LEAST_SHARE > max(count, 1000):
        raise InputError(
            f"sampling: {kept} of {drawn} points fall into the domain; choose a smaller box around it."
        )


def weighted_choice(
    sizes: np.ndarray, count: int, *, power: float, offset: float, seed: int | Sequence[int]
) -> np.ndarray:
    """Return `count` different indices [count] of candidates, drawn with a density that follows `sizes` |r| [n].

        p ∝ |r|^power / mean |r|^power + offset

    Source: Wu, Zhu, Tan, Kartha & Lu (2022), doi:10.1016/j.cma.2022.115671.

    Raises:
        InputError: if there are fewer candidates than are to be drawn.
    """
    if len(sizes) < count:
        raise InputError(
            f"sampling: {len(sizes)} candidates for {count} points; give more candidates."
        )
    raised = np.where(np.isfinite(sizes), np.abs(sizes), 0.0) ** power
    mean = np.mean(raised)
    density = (raised / mean if mean > 0 else np.ones(len(sizes))) + offset
    # The largest of u^(1/p) are a sample without replacement (Efraimidis & Spirakis 2006), here by
    # logarithms.
    with np.errstate(divide="ignore"):
        keys = np.random.default_rng(seed).exponential(size=len(sizes)) / density
    return np.sort(np.argpartition(keys, count - 1)[:count])


def apportion(count: int, sizes: Sequence[float]) -> list[int]:
    """Return whole numbers in proportion to `sizes` that add up to `count`, each at least 1.

    Raises:
        InputError: if the count is smaller than the number of parts.
    """
    if count < len(sizes):
        raise InputError(
            f"sampling: {count} points for {len(sizes)} faces; give at least {len(sizes)}."
        )
    shares = np.asarray(sizes, float) / np.sum(sizes) * (count - len(sizes))
    parts = np.floor(shares).astype(int)
    for i in np.argsort(parts - shares, kind="stable")[: count - len(sizes) - parts.sum()]:
        parts[i] += 1
    return [int(p) + 1 for p in parts]
