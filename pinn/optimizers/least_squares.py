"""Losses that are sums of squares: what Gauss–Newton asks for, and the simplest case of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import tensorflow as tf


@runtime_checkable
class SumOfSquares(Protocol):
    """A loss |r|² whose residuals r [m] can be seen."""

    def loss(self, position: tf.Tensor, batch: Any, /) -> tf.Tensor:
        """Return |r|² (scalar)."""
        ...

    def residuals(self, position: tf.Tensor, batch: Any, /) -> tf.Tensor:
        """Return r [m]."""
        ...

    def vjp(self, position: tf.Tensor, batch: Any, vector: tf.Tensor, /) -> tf.Tensor:
        """Return Jᵀ v [p] for v [m]."""
        ...

    def jacobian(self, position: tf.Tensor, batch: Any, /) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Give r [k] and Jᵀ [p, k] piece by piece."""
        ...


class Residuals:
    """The sum of squares of a function (position [p], batch) -> r [m] of TensorFlow operations.

    Called, it is the loss and its gradient, which every other optimizer takes.
    """

    def __init__(self, function: Callable[[tf.Tensor, Any], tf.Tensor]) -> None:
        self.function = function

    def __call__(self, position: tf.Tensor, batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Return |r|² and its gradient [p]."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(position)
            loss = tf.reduce_sum(self.function(position, batch) ** 2)
        gradient: Any = tape.gradient(
            loss, position, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return loss, gradient

    @tf.function(autograph=False)
    def loss(self, position: tf.Tensor, batch: Any) -> tf.Tensor:
        """Return |r|² (scalar)."""
        return tf.reduce_sum(self.function(position, batch) ** 2)

    @tf.function(autograph=False)
    def residuals(self, position: tf.Tensor, batch: Any) -> tf.Tensor:
        """Return r [m]."""
        return self.function(position, batch)

    @tf.function(autograph=False)
    def vjp(self, position: tf.Tensor, batch: Any, vector: tf.Tensor) -> tf.Tensor:
        """Return Jᵀ v [p] for v [m]."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(position)
            found = self.function(position, batch)
        upstream: Any = vector
        gradient: Any = tape.gradient(
            found, position, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return gradient

    def jacobian(self, position: tf.Tensor, batch: Any) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Give r [m] and Jᵀ [p, m], at once."""
        yield self._jacobian(position, batch)

    @tf.function(autograph=False)
    def _jacobian(self, position: tf.Tensor, batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(position)
            found = self.function(position, batch)
        rows: Any = tape.jacobian(
            found, position, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return found, tf.transpose(rows)
