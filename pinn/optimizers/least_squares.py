# pyright: strict, reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
"""Losses that are sums of squares: what Gauss–Newton asks for, and the simplest case of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import tensorflow as tf

BatchT = TypeVar("BatchT")
BatchT_contra = TypeVar("BatchT_contra", contravariant=True)

_ZERO = tf.UnconnectedGradients.ZERO


@runtime_checkable
class SumOfSquares(Protocol[BatchT_contra]):
    """A loss |r|² that gives access to its residuals r [m]."""

    def loss(self, position: tf.Tensor, batch: BatchT_contra, /) -> tf.Tensor:
        """Return |r|² (scalar)."""
        ...

    def residuals(self, position: tf.Tensor, batch: BatchT_contra, /) -> tf.Tensor:
        """Return r [m]."""
        ...

    def vjp(self, position: tf.Tensor, batch: BatchT_contra, vector: tf.Tensor, /) -> tf.Tensor:
        """Return Jᵀ v [p] for v [m]."""
        ...

    def jacobian(
        self, position: tf.Tensor, batch: BatchT_contra, /
    ) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Yield r [k] and Jᵀ [p, k] piece by piece."""
        ...


class Residuals(Generic[BatchT]):
    """The sum of squares of a function (position [p], batch) -> r [m] of TensorFlow operations.

    Called, it returns the loss and its gradient, which every other optimizer takes.
    """

    def __init__(self, function: Callable[[tf.Tensor, BatchT], tf.Tensor]) -> None:
        self.function = function

    def __call__(self, position: tf.Tensor, batch: BatchT) -> tuple[tf.Tensor, tf.Tensor]:
        """Return |r|² and its gradient [p]."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(position)
            loss = tf.reduce_sum(self.function(position, batch) ** 2)
        return loss, _gradient(tape, loss, position)

    @tf.function(autograph=False)
    def loss(self, position: tf.Tensor, batch: BatchT) -> tf.Tensor:
        """Return |r|² (scalar)."""
        return tf.reduce_sum(self.function(position, batch) ** 2)

    @tf.function(autograph=False)
    def residuals(self, position: tf.Tensor, batch: BatchT) -> tf.Tensor:
        """Return r [m]."""
        return self.function(position, batch)

    @tf.function(autograph=False)
    def vjp(self, position: tf.Tensor, batch: BatchT, vector: tf.Tensor) -> tf.Tensor:
        """Return Jᵀ v [p] for v [m]."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(position)
            residuals = self.function(position, batch)
        return _gradient(tape, residuals, position, vector)

    def jacobian(self, position: tf.Tensor, batch: BatchT) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Yield r [m] and Jᵀ [p, m], in one piece."""
        yield self._jacobian(position, batch)

    @tf.function(autograph=False)
    def _jacobian(self, position: tf.Tensor, batch: BatchT) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(position)
            residuals = self.function(position, batch)
        rows: Any = tape.jacobian(residuals, position, unconnected_gradients=_ZERO)
        return residuals, tf.transpose(rows)


def _gradient(
    tape: tf.GradientTape, target: tf.Tensor, source: tf.Tensor, vector: Any = None
) -> tf.Tensor:
    """Return the gradient of a scalar, or Jᵀ v of a vector; zero without a dependence."""
    gradient: Any = tape.gradient(target, source, vector, unconnected_gradients=_ZERO)
    return gradient
