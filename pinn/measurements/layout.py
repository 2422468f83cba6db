"""Arrays of a file as columns with one row per point: from a table, or spread over a grid."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

from pinn.arrays import Array
from pinn.errors import InputError

Arrays = dict[str, Array]


def as_rows(found: Arrays) -> Arrays:
    """Return arrays as columns [n], with numbers repeated.

    Raises:
        InputError: for arrays of several axes or of different lengths.
    """
    lengths = {name: a.size for name, a in found.items() if a.ndim == 1}
    shapes = ", ".join(
        f"{name} {' × '.join(map(str, a.shape))}" for name, a in found.items() if a.ndim
    )
    if any(a.ndim > 1 for a in found.values()):
        raise InputError(
            f"data.grid: null, but {shapes}; say what runs along the axes, as in data.grid=[x,t]."
        )
    if len(set(lengths.values())) > 1:
        raise InputError(
            f"data: {shapes}; give arrays of one length, or a grid, as in data.grid=[x,t]."
        )
    count = next(iter(lengths.values()), 1)
    return {name: np.broadcast_to(a, (count,)).astype(float) for name, a in found.items()}


def spread(found: Arrays, measured: Sequence[str], grid: Sequence[Any]) -> Arrays:
    """Return the arrays of a grid as columns [n].

    Args:
        found: arrays by coordinate and field.
        measured: the names of the fields.
        grid: the coordinate, or the coordinates, along each axis of the fields.

    Raises:
        InputError: for a grid that lacks a coordinate, and shapes that do not fit it.
    """
    axes: list[tuple[Any, ...]] = []
    named: list[Any] = []
    for entry in grid:
        several = isinstance(entry, Sequence) and not isinstance(entry, str)
        axes.append(tuple(entry) if several else (entry,))
        named += axes[-1]
    moving = [c for c, a in found.items() if c not in measured and a.ndim]
    if sorted(map(str, named)) != sorted(moving):
        raise InputError(
            f"data.grid={_plain(axes)}; name each of {', '.join(moving)} once, as in {moving}."
        )
    sizes = []
    for axis in axes:
        lengths = {c: found[c].size for c in axis}
        if len(set(lengths.values())) > 1 or any(found[c].ndim > 1 for c in axis):
            shapes = ", ".join(f"{c} {' × '.join(map(str, found[c].shape))}" for c in axis)
            raise InputError(
                f"data.grid={_plain(axes)}: {shapes}; give vectors, of one length on one axis."
            )
        sizes.append(next(iter(lengths.values())))
    for f in measured:
        if found[f].shape != tuple(n for n in sizes if n > 1):
            raise InputError(_misfit(f, found[f].shape, axes, sizes))
    at = np.indices(sizes).reshape(len(sizes), -1)
    columns: dict[str, np.ndarray] = {}
    for axis, numbers in zip(axes, at, strict=True):
        for c in axis:
            columns[c] = found[c].reshape(-1)[numbers].astype(float)
    for f in measured:
        columns[f] = found[f].reshape(-1).astype(float)
    for c, a in found.items():
        if not a.ndim and c not in columns:
            columns[c] = np.full(at.shape[1], float(a))
    return columns


def _misfit(name: str, shape: tuple[int, ...], axes: list[tuple], sizes: list[int]) -> str:
    """Return a message about the shape of a field, with the right order of the axes if any."""
    other = next(
        (p for p in permutations(range(len(sizes))) if shape == tuple(sizes[i] for i in p)), None
    )
    remedy = (
        "give arrays that fit"
        if other is None
        else f"set data.grid={_plain([axes[i] for i in other])}"
    )
    along = ", ".join(f"{'/'.join(axis)} {size}" for axis, size in zip(axes, sizes, strict=True))
    sizes_found = " × ".join(map(str, shape))
    return f"data.grid={_plain(axes)}: {name} is {sizes_found}, but {along}; {remedy}."


def _plain(axes: Sequence[tuple]) -> str:
    """Return a grid as it is written on the command line."""
    texts = []
    for axis in axes:
        names = ",".join(map(str, axis))
        texts.append(names if len(axis) == 1 else f"[{names}]")
    return f"[{','.join(texts)}]"
