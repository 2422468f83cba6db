"""The residuals behind a loss, one by one, and their Jacobian: what Gauss–Newton asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from pinn.arrays import static_shape, static_size
from pinn.jets import VALUE, Index, Jet
from pinn.networks import Columns, outer
from pinn.objective.batch import Batch, accumulate, threads
from pinn.objective.objective import Objective
from pinn.objective.points import Blocks

_ZERO = tf.UnconnectedGradients.ZERO
CHUNK = 2048  # points whose rows of the Jacobian are in memory at a time, per thread


class LeastSquares:
    """An objective's loss as |r|², for a flat vector [p].

    r [m] holds the residual of every term at every point of its region, times the root of the
    term's weight, of the point's share and of its factor; its order is fixed for a batch.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective

    @tf.function(autograph=False)
    def loss(self, theta: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return |r|² (scalar)."""
        return self.objective.value(theta, batch)

    @tf.function(autograph=False)
    def residuals(self, theta: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return r [m]."""
        return tf.concat(
            [self._residuals(theta, points, batch.weights) for points in threads(batch.points)], 0
        )

    @tf.function(autograph=False)
    def vjp(self, theta: tf.Tensor, batch: Batch, vector: tf.Tensor) -> tf.Tensor:
        """Return Jᵀ v [p] for a vector v [m] in the order of r."""
        shares = threads(batch.points)
        vectors = tf.split(vector, [sum(self._sizes(share).values()) for share in shares])
        return tf.add_n(
            [
                self._vjp_program(theta, s, batch.weights, v)
                for s, v in zip(shares, vectors, strict=True)
            ]
        )

    def jacobian(self, theta: tf.Tensor, batch: Batch) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Give r [k] and Jᵀ [p, k] for all residuals, some at a time, so that memory does not grow with them."""
        for region, pieces in batch.points.items():
            depth, size = static_size(pieces.weights, 1), static_size(pieces.weights, 2)
            # Chunks of equal size, so that one compilation serves them all.
            step = max(
                s for s in range(1, depth + 1) if depth % s == 0 and (s == 1 or s * size <= CHUNK)
            )
            for start in range(0, depth, step):
                at = tf.constant(start)
                yield from self._chunks(theta, pieces, batch.weights, at, region=region, step=step)

    @tf.function(autograph=False)
    def _chunks(
        self,
        theta: tf.Tensor,
        pieces: Blocks,
        weights: tf.Tensor,
        start: tf.Tensor,
        *,
        region: str,
        step: int,
    ) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Return r and Jᵀ of some blocks of every thread, computed side by side."""
        count = static_size(pieces.weights)
        shares = [
            tf.nest.map_structure(lambda a, i=i: a[i, start : start + step], pieces)
            for i in range(count)
        ]
        return [
            self._columns(theta, _merged(share, step), weights, region=region) for share in shares
        ]

    @tf.function(autograph=False, jit_compile=True)
    def _columns(
        self, theta: tf.Tensor, piece: Blocks, weights: tf.Tensor, *, region: str
    ) -> tuple[tf.Tensor, tf.Tensor]:
        flat, tensors = self.objective.flat, self.objective.flat.partition(theta)
        names = [t.name for t in self.objective.terms if t.region == region]
        with tf.GradientTape(watch_accessed_variables=False, persistent=True) as outer:
            hook, test = _Tap(outer, static_size(piece.weights)), tf.ones_like(piece.weights)
            outer.watch(test)
            with tf.GradientTape(watch_accessed_variables=False, persistent=True) as inner:
                inner.watch(tensors)
                found = self._scaled(tensors, region, piece, weights, hook=hook)
                values = [found[name] for name in names]
            others = {
                id(v): tensor
                for v, tensor in zip(flat.variables, tensors, strict=True)
                if id(v) not in hook.variables
            }
            scalars = {k: tensor for k, tensor in others.items() if tensor.shape.rank == 0}
            by_hooks = len(scalars) == len(others)
            # d(Σ vᵢ rᵢ)/ds is linear in v; its derivative by vᵢ is drᵢ/ds.
            slopes = (
                [{k: _gradient(inner, r, s, test) for k, s in scalars.items()} for r in values]
                if by_hooks
                else []
            )
        if not by_hooks:
            blocks: list[Any] = [
                inner.jacobian(r, tensors, unconnected_gradients=_ZERO) for r in values
            ]
            rows = [
                tf.concat([tf.reshape(b, [b.shape[0], -1]) for b in found], 1) for found in blocks
            ]
            return tf.concat(values, 0), tf.transpose(tf.concat(rows, 0))
        columns = []
        for value, slope in zip(values, slopes, strict=True):
            by_variable = hook.columns(outer, value) | {
                k: _gradient(outer, s, test)[None] for k, s in slope.items()
            }
            columns.append(tf.concat([by_variable[id(v)] for v in flat.variables], 0))
        return tf.concat(values, 0), tf.concat(columns, 1)

    @tf.function(autograph=False, jit_compile=True)
    def _residuals(
        self, theta: tf.Tensor, points: dict[str, Blocks], weights: tf.Tensor
    ) -> tf.Tensor:
        tensors, found = self.objective.flat.partition(theta), []
        for region, pieces in points.items():

            def block(piece: Blocks, region: str = region) -> tf.Tensor:
                return tf.stack(list(self._scaled(tensors, region, piece, weights).values()))

            found.append(
                tf.reshape(tf.map_fn(block, pieces, fn_output_signature=theta.dtype), [-1])
            )
        return tf.concat(found, 0)

    @tf.function(autograph=False, jit_compile=True)
    def _vjp_program(
        self, theta: tf.Tensor, points: dict[str, Blocks], weights: tf.Tensor, vector: tf.Tensor
    ) -> tf.Tensor:
        tensors, sizes = self.objective.flat.partition(theta), self._sizes(points)
        vectors = dict(zip(points, tf.split(vector, list(sizes.values())), strict=True))
        paired = {
            r: (b, tf.reshape(vectors[r], [b.weights.shape[0], -1, b.weights.shape[1]]))
            for r, b in points.items()
        }

        def block(region: str, pair: tuple[Blocks, tf.Tensor]) -> tuple[tf.Tensor, ...]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(tensors)
                residuals = tf.stack(list(self._scaled(tensors, region, pair[0], weights).values()))
                product = tf.reduce_sum(residuals * pair[1])
            return tuple(_gradient(tape, product, tensors))

        return self.objective.flat.concat(
            accumulate(block, paired, tuple(map(tf.zeros_like, tensors)))
        )

    def _scaled(
        self,
        tensors: Sequence[tf.Tensor],
        region: str,
        piece: Blocks,
        weights: tf.Tensor,
        *,
        hook: Any = None,
    ) -> dict[str, tf.Tensor]:
        """Return a region's residuals [n] by term, scaled so that their squares sum to the loss."""
        found, shares = (
            self.objective.residuals(tensors, region, piece, hook=hook),
            self.objective.shares(piece),
        )
        positions = {t.name: i for i, t in enumerate(self.objective.terms)}
        return {
            name: tf.sqrt(weights[positions[name]] * shares[name]) * r for name, r in found.items()
        }

    def _sizes(self, points: dict[str, Blocks]) -> dict[str, int]:
        """Return the number of residuals by region."""
        count = {r: sum(t.region == r for t in self.objective.terms) for r in points}
        return {r: count[r] * math.prod(static_shape(b.weights)) for r, b in points.items()}


class _Tap:
    """Adds zeros to what layers put out; the derivative by them is the layer's share of the Jacobian.

    A residual depends on its own point only, so one reverse pass of the residuals' sum gives the
    derivative δ of every residual by every output of every layer, and its row of the Jacobian is Σ
    aᵢ ⊗ δᵢ over the components i of a dense layer's inputs a; a layer with `jet_columns` says itself
    what it is.
    """

    def __init__(self, tape: tf.GradientTape, count: int) -> None:
        self.tape, self.count = tape, count
        self.variables: set[int] = set()
        """The identities of the variables that the layers which were seen have."""
        self.seen: list[tuple[Columns, dict[Index, tf.Tensor], dict[Index, tf.Tensor]]] = []

    def __call__(self, layer: Any, inputs: Jet, outputs: Jet) -> Jet:
        # A derivative that is the same at all points is one column; the hook makes it one column a
        # point.
        zeros = {
            i: tf.zeros([p.shape[0], self.count], p.dtype) for i, p in outputs.components.items()
        }
        self.tape.watch(list(zeros.values()))
        own = hasattr(layer, "jet_columns")
        self.variables |= {
            id(v) for v in (layer.trainable_variables if own else (layer.kernel, layer.bias))
        }
        # Asked for here and now: afterwards the layer's variables no longer read as tensors of the
        # flat vector.
        columns = layer.jet_columns() if own else _dense_columns(layer)
        self.seen.append((columns, inputs.components, zeros))
        return outputs.with_components({i: p + zeros[i] for i, p in outputs.components.items()})

    def columns(self, tape: tf.GradientTape, residuals: tf.Tensor) -> dict[int, tf.Tensor]:
        """Return the residuals' derivatives [size, n] by every variable."""
        found: dict[int, tf.Tensor] = {}
        zeros = [z for _, _, z in self.seen]
        gradients = _gradient(tape, residuals, zeros)
        for (columns, inputs, _), deltas in zip(self.seen, gradients, strict=True):
            for variable, by_variable in columns(inputs, deltas):
                share = tf.reshape(by_variable, [-1, self.count])
                found[id(variable)] = (
                    found[id(variable)] + share if id(variable) in found else share
                )
        return found


def _dense_columns(layer: Any) -> Columns:
    def columns(inputs: Any, deltas: Any) -> list[tuple[Any, tf.Tensor]]:
        by_bias = [] if layer.bias is None else [(layer.bias, deltas[VALUE])]
        return [(layer.kernel, outer(inputs, deltas)), *by_bias]

    return columns


def _gradient(tape: tf.GradientTape, target: Any, source: Any, upstream: Any = None) -> Any:
    return tape.gradient(target, source, upstream, unconnected_gradients=_ZERO)


def _merged(share: Blocks, step: int) -> Blocks:
    """Return `step` blocks [step, …, n] as one [.., step n]."""

    def joined(a: tf.Tensor) -> tf.Tensor:
        if a.shape.rank == 2:
            return tf.reshape(a, [step * static_size(a, 1)])
        return tf.reshape(tf.transpose(a, [1, 0, 2]), [static_size(a, 1), step * static_size(a, 2)])

    fixed = tf.nest.map_structure(lambda a: tf.ensure_shape(a, [step, *a.shape[1:]]), share)
    return tf.nest.map_structure(joined, fixed)
