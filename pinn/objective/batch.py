"""What a loss is evaluated on, and how programs go through it: threads side by side, block after block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from pinn.arrays import static_size
from pinn.objective.points import Blocks


class Batch(NamedTuple):
    """What a loss is evaluated on: blocks of points by region, and the weight of every term [terms].

    It travels as an argument, so that other points or weights never retrace a compiled function.
    """

    points: dict[str, Blocks]
    weights: tf.Tensor

    @property
    def plain(self) -> Batch:
        """The batch without factors of its points."""
        return self._replace(
            points={region: blocks._replace(factors={}) for region, blocks in self.points.items()}
        )


def threads(points: Mapping[str, Blocks]) -> list[dict[str, Blocks]]:
    """Return each thread's share of the blocks; a region with few points has fewer threads."""
    count = max(static_size(b.weights) for b in points.values())
    return [
        {
            region: tf.nest.map_structure(lambda a, i=i: a[i], b)
            for region, b in points.items()
            if i < static_size(b.weights)
        }
        for i in range(count)
    ]


def accumulate(
    block: Callable[[str, Any], tuple[tf.Tensor, ...]],
    points: Mapping[str, Any],
    zeros: tuple[tf.Tensor, ...],
) -> tuple[tf.Tensor, ...]:
    """Return the sums of what `block` gives over all blocks of all regions, one block at a time."""
    total = zeros
    for region, pieces in points.items():
        count = tf.nest.flatten(pieces)[0].shape[0]

        def add(
            i: Any, *sums: tf.Tensor, region: str = region, pieces: Any = pieces
        ) -> tuple[Any, ...]:
            found = block(region, tf.nest.map_structure(lambda a: a[i], pieces))
            return (i + 1, *(a + b for a, b in zip(sums, found, strict=True)))

        if count == 1:
            total = add(0, *total)[1:]
        else:
            total = tf.while_loop(
                lambda i, *_, count=count: i < count,
                add,
                (tf.constant(0), *total),
                maximum_iterations=count,
            )[1:]
    return total
