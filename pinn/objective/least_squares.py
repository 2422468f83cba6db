"""The residuals behind a loss, one by one, and their Jacobian: what Gauss–Newton asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from pinn.arrays import static_shape, static_size
from pinn.networks import LayerHook
from pinn.objective.batch import Batch, StageParameters, accumulate, split_by_thread
from pinn.objective.blocks import Blocks
from pinn.objective.jacobian_hook import JacobianHook, gradient
from pinn.objective.objective import Objective
from pinn.objective.symbol_values import NONE, Values

# Points, or quadrature nodes of points, whose rows of the Jacobian are in memory at a time, per
# thread.
CHUNK = 2048


class LeastSquares:
    """An objective's loss as |r|², for a vector [p].

    r [m] holds the residual of every term at every point of its region, times the square roots of
    the term's weight, of the point's quadrature weight and of the point's weight.  The order of r
    is fixed for a batch.

    Args:
        objective: the objective.
        compiled: whether XLA compiles the Jacobian, which takes longer than to compute it once.
    """

    def __init__(self, objective: Objective, *, compiled: bool = True) -> None:
        self.objective = objective
        self.compiled = compiled

    @tf.function(autograph=False)
    def loss(self, theta: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return |r|² (scalar)."""
        return self.objective.value(theta, batch)

    @tf.function(autograph=False)
    def residuals(self, theta: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return r [m]."""
        pieces = [
            self._residuals_program(theta, points, batch.weights, batch.stage)
            for points in split_by_thread(batch.points)
        ]
        return tf.concat(pieces, 0)

    @tf.function(autograph=False)
    def vjp(self, theta: tf.Tensor, batch: Batch, vector: tf.Tensor) -> tf.Tensor:
        """Return Jᵀ v [p] for a vector v [m] in the order of r."""
        shares = split_by_thread(batch.points)
        vectors = tf.split(vector, [sum(self._sizes(share).values()) for share in shares])
        # As for the gradient of the objective.
        program = self._product if batch.stage.linearized else self._vjp_program
        products = [
            program(theta, points, batch.weights, batch.stage, piece)
            for points, piece in zip(shares, vectors, strict=True)
        ]
        return tf.add_n(products)

    def jacobian(self, theta: tf.Tensor, batch: Batch) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Yield r [k] and Jᵀ [p, k] chunk by chunk, so that memory does not grow with m."""
        for region, blocks in batch.points.items():
            _, depth, width = blocks.shape
            evaluations = width * self.objective.nodes(region)  # per block
            # Chunks of equal size, so that one compilation serves them all.
            divisors = [s for s in range(1, depth + 1) if depth % s == 0]
            step = max(s for s in divisors if s == 1 or s * evaluations <= CHUNK)
            for start in range(0, depth, step):
                yield from self._chunks(
                    theta,
                    blocks,
                    batch.weights,
                    batch.stage,
                    tf.constant(start),
                    region=region,
                    step=step,
                )

    @tf.function(autograph=False)
    def _chunks(
        self,
        theta: tf.Tensor,
        blocks: Blocks,
        weights: tf.Tensor,
        stage: StageParameters,
        start: tf.Tensor,
        *,
        region: str,
        step: int,
    ) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Return r and Jᵀ of some blocks of every thread, computed in parallel."""
        columns = self._columns if self.compiled else self._columns_of
        chunks = []
        for thread in range(blocks.shape[0]):
            share = tf.nest.map_structure(lambda a, i=thread: a[i, start : start + step], blocks)
            merged = _merge(share, step)
            chunks.append(columns(theta, merged, weights, stage, region=region))
        return chunks

    def _columns_of(
        self,
        theta: tf.Tensor,
        block: Blocks,
        weights: tf.Tensor,
        stage: StageParameters,
        *,
        region: str,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return r [k] and Jᵀ [p, k] of one block."""
        flat = self.objective.flat
        tensors = flat.partition(theta)
        names = [t.name for t in self.objective.terms if t.region == region]
        # 1. Integrals that are numbers: on them residuals depend point by point, as on a field.
        numbers, slopes_of_numbers = self._numbers(tensors, region, block, stage)
        # 2. The residuals, with zeros at the outputs of all layers.
        with tf.GradientTape(watch_accessed_variables=False, persistent=True) as outer:
            hook = JacobianHook(outer, static_size(block.quadrature))
            probe = tf.ones_like(block.quadrature)
            outer.watch((probe, numbers))
            with tf.GradientTape(watch_accessed_variables=False, persistent=True) as inner:
                inner.watch(tensors)
                scaled = self._scaled(
                    tensors, region, block, weights, stage, hook=hook, numbers=numbers
                )
                residuals = [scaled[name] for name in names]
            # 3. Parameters outside the layers, such as unknown coefficients, are scalars s:
            #    d(Σ vᵢ rᵢ)/ds is linear in v, and its derivative by vᵢ is drᵢ/ds.
            scalars: dict[int, tf.Tensor] = {}
            others = 0
            for variable, tensor in zip(flat.variables, tensors, strict=True):
                if id(variable) not in hook.variables:
                    others += 1
                    if tensor.shape.rank == 0:
                        scalars[id(variable)] = tensor
            hooked = len(scalars) == others
            slopes: list[dict[int, tf.Tensor]] = []
            if hooked:
                for r in residuals:
                    slopes.append({k: gradient(inner, r, s, probe) for k, s in scalars.items()})
        # 4. The columns of all variables in the order of theta.
        columns = []
        if not hooked:
            columns = _general_columns(inner, residuals, tensors)
        for r, by_scalar in zip(residuals, slopes, strict=False):
            by_variable = hook.columns(outer, r)
            for key, slope in by_scalar.items():
                by_variable[key] = gradient(outer, slope, probe)[None]
            columns.append(tf.concat([by_variable[id(v)] for v in flat.variables], 0))
        # 5. The chain rule through the numbers.
        for name, slope in slopes_of_numbers.items():
            for i, r in enumerate(residuals):
                columns[i] += slope[:, None] * gradient(outer, r, numbers[name])[None]
        return tf.concat(residuals, 0), tf.concat(columns, 1)

    _columns = tf.function(_columns_of, autograph=False, jit_compile=True)

    def _numbers(
        self,
        tensors: Sequence[tf.Tensor],
        region: str,
        block: Blocks,
        stage: StageParameters,
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Return the integrals of a region that are numbers, [n] each, and their gradients [p]."""
        with tf.GradientTape(watch_accessed_variables=False, persistent=True) as tape:
            tape.watch(tensors)
            numbers = self.objective.numbers(tensors, region, stage)
        values = {name: tf.zeros_like(block.quadrature) + n for name, n in numbers.items()}
        slopes = {}
        for name, number in numbers.items():
            slopes[name] = self.objective.flat.concat(gradient(tape, number, tensors))
        return values, slopes

    @tf.function(autograph=False, jit_compile=True)
    def _residuals_program(
        self,
        theta: tf.Tensor,
        points: dict[str, Blocks],
        weights: tf.Tensor,
        stage: StageParameters,
    ) -> tf.Tensor:
        tensors = self.objective.flat.partition(theta)
        pieces = []
        for region, blocks in points.items():

            def of_block(block: Blocks, region: str = region) -> tf.Tensor:
                scaled = self._scaled(tensors, region, block, weights, stage)
                return tf.stack(list(scaled.values()))

            residuals = tf.map_fn(of_block, blocks, fn_output_signature=theta.dtype)
            pieces.append(tf.reshape(residuals, [-1]))
        return tf.concat(pieces, 0)

    def _product(
        self,
        theta: tf.Tensor,
        points: dict[str, Blocks],
        weights: tf.Tensor,
        stage: StageParameters,
        vector: tf.Tensor,
    ) -> tf.Tensor:
        tensors = self.objective.flat.partition(theta)
        sizes = self._sizes(points)
        vectors = dict(zip(points, tf.split(vector, list(sizes.values())), strict=True))
        pairs = {}
        for region, blocks in points.items():
            depth, width = blocks.quadrature.shape
            pairs[region] = (blocks, tf.reshape(vectors[region], [depth, -1, width]))

        def of_block(region: str, pair: tuple[Blocks, tf.Tensor]) -> tuple[tf.Tensor, ...]:
            block, factors = pair
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(tensors)
                scaled = self._scaled(tensors, region, block, weights, stage)
                product = tf.reduce_sum(tf.stack(list(scaled.values())) * factors)
            return tuple(gradient(tape, product, tensors))

        sums = accumulate(of_block, pairs, tuple(map(tf.zeros_like, tensors)))
        return self.objective.flat.concat(sums)

    _vjp_program = tf.function(_product, autograph=False, jit_compile=True)

    def _scaled(
        self,
        tensors: Sequence[tf.Tensor],
        region: str,
        block: Blocks,
        weights: tf.Tensor,
        stage: StageParameters,
        *,
        hook: LayerHook | None = None,
        numbers: Values = NONE,
    ) -> dict[str, tf.Tensor]:
        """Return a region's residuals [n] by term, scaled so that their squares sum to the loss."""
        residuals = self.objective.residuals(
            tensors, region, block, stage, hook=hook, numbers=numbers
        )
        shares = self.objective.point_shares(block)
        scaled = {}
        for i, term in enumerate(self.objective.terms):
            if term.name in residuals:
                scale = tf.sqrt(weights[i] * shares[term.name])
                scaled[term.name] = scale * residuals[term.name]
        return scaled

    def _sizes(self, points: dict[str, Blocks]) -> dict[str, int]:
        """Return the number of residuals by region."""
        sizes = {}
        for region, blocks in points.items():
            terms = sum(t.region == region for t in self.objective.terms)
            sizes[region] = terms * math.prod(static_shape(blocks.quadrature))
        return sizes


def _general_columns(
    tape: tf.GradientTape, residuals: Sequence[tf.Tensor], tensors: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Return Jᵀ [p, n] by term, by one reverse pass per residual, for layers without a rule."""
    columns = []
    for r in residuals:
        blocks: Any = tape.jacobian(r, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        rows = tf.concat([tf.reshape(b, [b.shape[0], -1]) for b in blocks], 1)
        columns.append(tf.transpose(rows))
    return columns


def _merge(share: Blocks, step: int) -> Blocks:
    """Return `step` blocks [step, …, n] as one [.., step n]."""

    def merge(array: tf.Tensor) -> tf.Tensor:
        array = tf.ensure_shape(array, [step, *array.shape[1:]])
        points = step * static_size(array, -1)
        if array.shape.rank == 2:
            return tf.reshape(array, [points])
        return tf.reshape(tf.transpose(array, [1, 0, 2]), [static_size(array, 1), points])

    return tf.nest.map_structure(merge, share)
