"""Point sets: samples of the unit cube, and the rule that splits a count over several parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc

from pinn.errors import InputError, did_you_mean

METHODS = ("uniform", "sobol", "halton", "latin_hypercube", "grid")


def unit_cube(count: int, dimension: int, *, method: str = "sobol", seed: int | Sequence[int] = 0) -> np.ndarray:
    """Return `count` points [count, dimension] of the unit cube.

    `seed` may be a sequence, such as (run's seed, region's number, draw's number); equal seeds give equal
    points.  A grid has the largest whole number of points per axis whose product does not exceed the count
    and fills up with uniform points.  Scrambled Sobol and Halton points are SciPy's (scipy.stats.qmc).

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
        # A power of two is drawn and cut, so that the sequence's balance holds for the part that is used.
        return qmc.Sobol(dimension, rng=rng).random_base2(int(np.ceil(np.log2(count))) if count > 1 else 0)[:count]
    if method == "halton":
        return qmc.Halton(dimension, rng=rng).random(count)
    if method == "latin_hypercube":
        return qmc.LatinHypercube(dimension, rng=rng).random(count)
    if method == "grid":
        side = max(int(count ** (1 / dimension) + 1e-9), 1)  # the root of a whole power may round down
        axis = (np.arange(side) + 0.5) / side
        grid = np.stack(np.meshgrid(*[axis] * dimension, indexing="ij"), -1).reshape(-1, dimension)
        return np.concatenate([grid, rng.random((count - len(grid), dimension))])
    return rng.random((count, dimension))


def follow(sizes: np.ndarray, count: int, *, power: float, offset: float, seed: int | Sequence[int]) -> np.ndarray:
    """Return `count` different indices [count] of candidates, drawn with a density that follows `sizes` |r| [n].

        p ∝ |r|^power / mean |r|^power + offset

    Source: Wu, Zhu, Tan, Kartha & Lu (2022), doi:10.1016/j.cma.2022.115671.

    Raises:
        InputError: if there are fewer candidates than are to be drawn.
    """
    if len(sizes) < count:
        raise InputError(f"sampling: {len(sizes)} candidates for {count} points; give more candidates.")
    raised = np.where(np.isfinite(sizes), np.abs(sizes), 0.0) ** power
    mean = np.mean(raised)
    density = (raised / mean if mean > 0 else np.ones(len(sizes))) + offset
    # The largest of u^(1/p) are a sample without replacement (Efraimidis & Spirakis 2006), here by logarithms.
    with np.errstate(divide="ignore"):
        keys = np.random.default_rng(seed).exponential(size=len(sizes)) / density
    return np.sort(np.argpartition(keys, count - 1)[:count])


def split(count: int, sizes: Sequence[float]) -> list[int]:
    """Return whole numbers in proportion to `sizes` that add up to `count`, each at least 1.

    Raises:
        InputError: if the count is smaller than the number of parts.
    """
    if count < len(sizes):
        raise InputError(f"sampling: {count} points for {len(sizes)} faces; give at least {len(sizes)}.")
    shares = np.asarray(sizes, float) / np.sum(sizes) * (count - len(sizes))
    parts = np.floor(shares).astype(int)
    for i in np.argsort(parts - shares, kind="stable")[: count - len(sizes) - parts.sum()]:
        parts[i] += 1
    return [int(p) + 1 for p in parts]
