"""Subsets of points or samples: consecutive indices of an order that jumps across the whole set."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from pinn.errors import InputError

GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples modulo one have the most even gaps, for any number


def rows(arrays: Any, start: tf.Tensor, share: float) -> Any:
    """Return a share of the rows of all arrays [n, …] in a structure.

    The rows begin at `start` in the order of `spread`.  Both `start` and `share` are fractions of
    n.

    Raises:
        InputError: if there are no arrays, or if their numbers of rows differ.
    """
    counts = {int(a.shape[0]) if a.shape.rank else 0 for a in tf.nest.flatten(arrays)}
    if len(counts) != 1 or 0 in counts:
        raise InputError(
            f"rows: the batch has arrays of {sorted(counts)} rows; "
            f"give arrays of one number of rows."
        )
    count = counts.pop()
    indices = spread(count, start, max(1, round(share * count)))
    return tf.nest.map_structure(lambda a: tf.gather(a, indices), arrays)


def spread(count: int, start: tf.Tensor, size: int) -> tf.Tensor:
    """Return `size` of `count` indices, consecutive in a cyclic order.

    The order advances by about the golden section of `count`.  So consecutive indices contain their
    share of every segment of the set, such as every face of a boundary.  They begin at the fraction
    `start` of the order.
    """
    # The first step that has no common divisor with the count reaches every index.
    step = max(1, round(GOLDEN * count))
    while math.gcd(step, count) != 1:
        step += 1
    fraction = tf.math.floormod(start, tf.ones_like(start))
    first = tf.cast(tf.floor(fraction * count), tf.int64)
    return (first + tf.range(size, dtype=tf.int64)) % count * step % count
