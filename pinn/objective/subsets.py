"""Subsets of the points of a batch."""

from __future__ import annotations

import tensorflow as tf

from pinn.arrays import static_size
from pinn.objective.blocks import Blocks
from pinn.subsets import spread


def subset(blocks: Blocks, start: tf.Tensor, share: float) -> Blocks:
    """Return a share of every thread's points in new blocks, from `start` on.

    Args:
        blocks: the blocks of a region.
        start: where the subset starts, as a share of all points.
        share: its size, as a share of all points.
    """
    threads, depth, width = blocks.shape
    wanted = max(1, round(share * depth * width))
    new_depth = -(-wanted // width)
    new_width = -(-wanted // new_depth)
    chosen = spread(depth * width, start, new_depth * new_width)

    def pick(array: tf.Tensor) -> tf.Tensor:  # [T, K, n] or [T, K, c, n]
        if array.shape.rank == 3:
            picked = tf.gather(tf.reshape(array, [threads, -1]), chosen, axis=1)
            return tf.reshape(picked, [threads, new_depth, -1])
        channels = static_size(array, 2)
        flat = tf.reshape(tf.transpose(array, [0, 2, 1, 3]), [threads, channels, depth * width])
        picked = tf.gather(flat, chosen, axis=2)
        picked = tf.reshape(picked, [threads, channels, new_depth, new_width])
        return tf.transpose(picked, [0, 2, 1, 3])

    picked = tf.nest.map_structure(pick, blocks)
    total = tf.reduce_sum(picked.quadrature)
    return picked._replace(quadrature=tf.math.divide_no_nan(picked.quadrature, total))
