"""Subsets of the points of a batch."""

from __future__ import annotations

import tensorflow as tf

from pinn.arrays import static_shape, static_size
from pinn.objective.points import Blocks
from pinn.subsets import spread


def part(blocks: Blocks, start: tf.Tensor, share: float) -> Blocks:
    """Return a share of every thread's points in new blocks, from `start` on (both as shares of all)."""
    threads, depth, width = static_shape(blocks.weights)
    wanted = max(1, round(share * depth * width))
    new_depth = -(-wanted // width)
    new_width = -(-wanted // new_depth)
    chosen = spread(depth * width, start, new_depth * new_width)

    def picked(array: tf.Tensor) -> tf.Tensor:  # [T, K, n] or [T, K, c, n]
        if array.shape.rank == 3:
            return tf.reshape(
                tf.gather(tf.reshape(array, [threads, -1]), chosen, axis=1),
                [threads, new_depth, -1],
            )
        channels = static_size(array, 2)
        flat = tf.reshape(tf.transpose(array, [0, 2, 1, 3]), [threads, channels, depth * width])
        found = tf.reshape(
            tf.gather(flat, chosen, axis=2), [threads, channels, new_depth, new_width]
        )
        return tf.transpose(found, [0, 2, 1, 3])

    found = tf.nest.map_structure(picked, blocks)
    return found._replace(
        weights=tf.math.divide_no_nan(found.weights, tf.reduce_sum(found.weights))
    )
