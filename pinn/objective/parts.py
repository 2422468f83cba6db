"""Parts of a set of points or samples, such that every run of them is spread over the whole set."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from pinn.errors import InputError
from pinn.objective.points import Blocks

GOLDEN = (math.sqrt(5) - 1) / 2  # multiples of it modulo one leave the most even gaps, however many there are


def rows(arrays: Any, start: tf.Tensor, share: float) -> Any:
    """Return a share of the rows of a structure of arrays [n, …], from `start` on (both as shares of n).

    Raises:
        InputError: if there are no arrays, or not all of the same number of rows.
    """
    counts = {int(a.shape[0]) if a.shape.rank else 0 for a in tf.nest.flatten(arrays)}
    if len(counts) != 1 or 0 in counts:
        raise InputError(f"rows: the batch has arrays of {sorted(counts)} rows; give arrays of one number of rows.")
    count = counts.pop()
    chosen = spread(count, start, max(1, round(share * count)))
    return tf.nest.map_structure(lambda a: tf.gather(a, chosen), arrays)


def part(blocks: Blocks, start: tf.Tensor, share: float) -> Blocks:
    """Return a share of every thread's points in new blocks, from `start` on (both as shares of all)."""
    threads, depth, width = (int(n or 0) for n in blocks.weights.shape)
    wanted = max(1, round(share * depth * width))
    new_depth = -(-wanted // width)
    new_width = -(-wanted // new_depth)
    chosen = spread(depth * width, start, new_depth * new_width)

    def picked(array: tf.Tensor) -> tf.Tensor:  # [T, K, n] or [T, K, c, n]
        if array.shape.rank == 3:
            return tf.reshape(tf.gather(tf.reshape(array, [threads, -1]), chosen, axis=1), [threads, new_depth, -1])
        channels = int(array.shape[2] or 0)
        flat = tf.reshape(tf.transpose(array, [0, 2, 1, 3]), [threads, channels, depth * width])
        found = tf.reshape(tf.gather(flat, chosen, axis=2), [threads, channels, new_depth, new_width])
        return tf.transpose(found, [0, 2, 1, 3])

    found = tf.nest.map_structure(picked, blocks)
    return found._replace(weights=tf.math.divide_no_nan(found.weights, tf.reduce_sum(found.weights)))


def spread(count: int, start: tf.Tensor, size: int) -> tf.Tensor:
    """Return `size` of `count` indices, the run from the share `start` on of an order that goes round and round.

    The order goes in steps of about the golden section of `count`, so that a run has its due share of every
    stretch of the set: of every face of a boundary, say.
    """
    step = next(s for s in range(max(1, round(GOLDEN * count)), count + 2) if math.gcd(s, count) == 1)
    first = tf.cast(tf.floor(tf.math.floormod(start, tf.ones_like(start)) * count), tf.int64)
    return (first + tf.range(size, dtype=tf.int64)) % count * step % count
