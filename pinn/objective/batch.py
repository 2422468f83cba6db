"""What a loss is evaluated on, and how programs go through it: in parallel, block by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from pinn.objective.blocks import Blocks


class StageParameters(NamedTuple):
    """What differs from stage to stage of a run.

    Attributes:
        coefficients: values of the coefficients of a continuation, by name.
        time_offset: what is subtracted from the time, times the factor, that the network sees;
            None without windows.
        time_factor: by which the time is multiplied first, where windows differ in length; None: 1.
        fields: offset and scale by function [2], in place of the objective's own, where every
            window has its own typical sizes.
        sizes: the objective's own size of a residual over that of the stage, by term; 1 where a
            name is missing.
        modes: the earlier modes at the nodes of their inner product [modes - 1, nodes], zero for
            those still to come, by what the integrand takes; empty where there is one mode.
        center: the vector θ₀ [p] about which the networks of the fields are linearized; None: they
            are not.
    """

    coefficients: Mapping[str, tf.Tensor] = {}
    time_offset: tf.Tensor | None = None
    time_factor: tf.Tensor | None = None
    fields: Mapping[str, tf.Tensor] = {}
    sizes: Mapping[str, tf.Tensor] = {}
    modes: Mapping[str, tf.Tensor] = {}
    center: tf.Tensor | None = None

    @property
    def linearized(self) -> bool:
        """Whether the networks of the fields are linearized."""
        return self.center is not None


FIRST_STAGE = StageParameters()
"""The problem as it was given to the objective."""


class Batch(NamedTuple):
    """What a loss is evaluated on.

    All of it is an argument of the compiled functions, so that other points, weights or stages
    never retrace them.

    Attributes:
        points: blocks of points by region.
        weights: weight of every term [terms].
        stage: the parameters of the stage.
    """

    points: dict[str, Blocks]
    weights: tf.Tensor
    stage: StageParameters = FIRST_STAGE

    @property
    def without_point_weights(self) -> Batch:
        """The batch in which all points of a region weigh the same."""
        points = {r: blocks._replace(point_weights={}) for r, blocks in self.points.items()}
        return self._replace(points=points)


def split_by_thread(points: Mapping[str, Blocks]) -> list[dict[str, Blocks]]:
    """Return the blocks of each thread; a region with few points has fewer threads."""
    count = max(blocks.shape[0] for blocks in points.values())
    shares: list[dict[str, Blocks]] = []
    for thread in range(count):
        share = {}
        for region, blocks in points.items():
            if thread < blocks.shape[0]:
                share[region] = tf.nest.map_structure(lambda a, i=thread: a[i], blocks)
        shares.append(share)
    return shares


def accumulate(
    function: Callable[[str, Any], tuple[tf.Tensor, ...]],
    points: Mapping[str, Any],
    zeros: tuple[tf.Tensor, ...],
) -> tuple[tf.Tensor, ...]:
    """Return the sums of a function's values over all blocks of all regions.

    The blocks are evaluated one after another, so that memory does not grow with their number.

    Args:
        function: (region, block) -> tensors to be summed.
        points: structures of tensors [K, …] by region, K blocks each.
        zeros: zeros in the shapes of the function's values.
    """
    total = zeros
    for region, blocks in points.items():
        count = tf.nest.flatten(blocks)[0].shape[0]

        def add(
            i: Any, *sums: tf.Tensor, region: str = region, blocks: Any = blocks
        ) -> tuple[Any, ...]:
            values = function(region, tf.nest.map_structure(lambda a: a[i], blocks))
            return (i + 1, *(a + b for a, b in zip(sums, values, strict=True)))

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
