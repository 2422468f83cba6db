# pyright: strict
"""Multi-indices, their splits (Leibniz' rule) and their partitions (Faà di Bruno's formula)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

Index = tuple[str, ...]
"""A partial derivative: sorted names, e.g. ('t', 'x', 'x') for u_txx; () is the value."""


def order_then_name(index: Index) -> tuple[int, Index]:
    """Return a sort key that puts the lowest order first."""
    return len(index), index


def splits(index: Index) -> Counter[tuple[Index, Index]]:
    """Count the ways to distribute a derivative's coordinates over two factors.

    For u_xx these are (xx, ) once, (x, x) twice and ( , xx) once: (fg)″ = f″g + 2f′g′ + fg″.
    """
    counts: Counter[tuple[Index, Index]] = Counter()
    places = range(len(index))
    for size in range(len(index) + 1):
        for chosen in combinations(places, size):
            first = tuple(index[i] for i in chosen)
            second = tuple(index[i] for i in places if i not in chosen)
            counts[first, second] += 1
    return counts


def partitions(index: Index) -> Counter[tuple[Index, ...]]:
    """Count the ways to partition a derivative's coordinates into blocks.

    For u_xx these are (xx) once and (x, x) once: f(u)_xx = f′(u) u_xx + f″(u) u_x².
    """
    counts: Counter[tuple[Index, ...]] = Counter()
    for partition in _set_partitions(list(range(len(index)))):
        blocks: list[Index] = []
        for places in partition:
            blocks.append(tuple(sorted(index[i] for i in places)))
        counts[tuple(sorted(blocks))] += 1
    return counts


def _set_partitions(items: list[int]) -> Iterator[list[list[int]]]:
    """Yield the partitions of a set into blocks."""
    if not items:
        yield []
        return
    first, *rest = items
    # The first item is a block of its own, or a member of one of the others' blocks.
    for partition in _set_partitions(rest):
        yield [[first], *partition]
        for i in range(len(partition)):
            yield [*partition[:i], [first, *partition[i]], *partition[i + 1 :]]
