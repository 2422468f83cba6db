"""Subsets of a set of points or samples, such that every run of indices is spread over the whole set."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from pinn.errors import InputError

GOLDEN = (
    math.sqrt(5) - 1
) / 2  # multiples of it modulo one leave the most even gaps, however many there are


def rows(arrays: Any, start: tf.Tensor, share: float) -> Any:
    """Return a share of the rows of a structure of arrays [n, …], from `start` on (both as shares of n).

    Raises:
        InputError: if there are no arrays, or not all of the same number of rows.
    """
    counts = {int(a.shape[0]) if a.shape.rank else 0 for a in tf.nest.flatten(arrays)}
    if len(counts) != 1 or 0 in counts:
        raise InputError(
            f"rows: the batch has arrays of {sorted(counts)} rows; give arrays of one number of rows."
        )
    count = counts.pop()
    chosen = spread(count, start, max(1, round(share * count)))
    return tf.nest.map_structure(lambda a: tf.gather(a, chosen), arrays)


def spread(count: int, start: tf.Tensor, size: int) -> tf.Tensor:
    """Return `size` of `count` indices, the run from the share `start` on of an order that goes round and round.

    The order goes in steps of about the golden section of `count`, so that a run has its due share
    of every stretch of the set: of every face of a boundary, say.
    """
    step = next(
        s for s in range(max(1, round(GOLDEN * count)), count + 2) if math.gcd(s, count) == 1
    )
    first = tf.cast(tf.floor(tf.math.floormod(start, tf.ones_like(start)) * count), tf.int64)
    return (first + tf.range(size, dtype=tf.int64)) % count * step % count
