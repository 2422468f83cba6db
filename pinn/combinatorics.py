"""Multi-indices and the ways to split them: the combinatorics of Leibniz' rule and Faà di Bruno's formula."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

Index = tuple[str, ...]
"""A partial derivative: the sorted coordinate names, e.g. ('t', 'x', 'x') for u_txx; () is the value."""


def splits(index: Index) -> Counter[tuple[Index, Index]]:
    """Count the ways to hand a derivative's coordinates to two factors, e.g. xx -> (x, x) twice."""
    found: Counter[tuple[Index, Index]] = Counter()
    for size in range(len(index) + 1):
        for chosen in combinations(range(len(index)), size):
            rest = tuple(index[i] for i in range(len(index)) if i not in chosen)
            found[tuple(index[i] for i in chosen), rest] += 1
    return found


def partitions(index: Index) -> Counter[tuple[Index, ...]]:
    """Count the ways to split a multi-index into blocks, e.g. xx -> {(xx): 1, (x, x): 1}."""
    found: Counter[tuple[Index, ...]] = Counter()
    for split in _set_partitions(list(range(len(index)))):
        found[tuple(sorted(tuple(sorted(index[i] for i in block)) for block in split))] += 1
    return found


def _set_partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for split in _set_partitions(rest):
        yield [[first], *split]
        for i in range(len(split)):
            yield [*split[:i], [first, *split[i]], *split[i + 1 :]]
