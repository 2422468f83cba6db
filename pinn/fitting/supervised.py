"""The value-and-gradient factory for plain supervised data: any Keras model, or several under one loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.flat import FlatVariables

Loss = Callable[[Any, Any], tf.Tensor]


class Supervised:
    """The mean loss over all samples, and its gradient, as a pure function of one flat vector [p]."""

    def __init__(
        self, models: Any, inputs: Any, targets: Any, loss: str | Loss, block: int | None
    ) -> None:
        self.models: list[Any] = list(models) if isinstance(models, Sequence) else [models]
        self.single = not isinstance(models, Sequence)
        for model in self.models:
            if not model.built:
                model(inputs)  # a subclassed model makes its variables in its first call
        self.flat = FlatVariables([v for model in self.models for v in model.trainable_variables])
        self.dtype = self.flat.dtype.name
        self.batch = tf.nest.map_structure(self._tensor, (inputs, targets))
        sizes = {a.shape[0] for a in tf.nest.flatten(self.batch)}
        if len(sizes) != 1:
            raise InputError(
                f"supervised: arrays of {sorted(sizes)} samples; give all the same number."
            )
        self.count = sizes.pop()
        self.block = min(block or self.count, self.count)
        if self.block < 1:
            raise InputError(
                f"supervised: block={block} over {self.count} samples; give both at least 1."
            )
        self.loss = loss if callable(loss) else _keras_loss(loss)

    def _tensor(self, array: Any) -> tf.Tensor:
        tensor = tf.convert_to_tensor(np.asarray(array) if not tf.is_tensor(array) else array)
        return tf.cast(tensor, self.dtype) if tensor.dtype.is_floating else tensor

    @tf.function(autograph=False)
    def value_and_gradient(self, theta: tf.Tensor, batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the loss (scalar) and its gradient [p] over the samples in `batch`, block by block."""
        count = int(tf.nest.flatten(batch)[0].shape[0])  # of a part of the samples, maybe
        size = min(self.block, count)
        full = count // size

        def part(start: Any, length: int) -> tuple[tf.Tensor, tf.Tensor]:
            piece = tf.nest.map_structure(lambda a: a[start : start + length], batch)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(theta)
                value = self._loss(theta, *piece) * tf.constant(length / count, self.dtype)
            gradient: Any = tape.gradient(
                value, theta, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return value, gradient

        if full == 1 and size == count:
            return part(0, count)
        _, value, gradient = tf.while_loop(
            lambda i, *_: i < full,
            lambda i, v, g: (
                i + 1,
                *(a + b for a, b in zip((v, g), part(i * size, size), strict=True)),
            ),
            (tf.constant(0), tf.zeros([], self.dtype), tf.zeros_like(theta)),
            parallel_iterations=1,  # one block's activations in memory at a time
        )
        rest = count - full * size
        if rest:
            more = part(full * size, rest)
            value, gradient = value + more[0], gradient + more[1]
        return value, gradient

    def _loss(self, theta: tf.Tensor, inputs: Any, targets: Any) -> tf.Tensor:
        with self.flat.scope(self.flat.partition(theta)):
            found = [model(inputs, training=False) for model in self.models]
        value = self.loss(found[0] if self.single else found, targets)
        if value.dtype != self.dtype:
            raise InputError(
                f"supervised: the loss is {value.dtype.name}, the weights {self.dtype}; do not cast in it."
            )
        return value


def supervised(
    models: Any, inputs: Any, targets: Any, *, loss: str | Loss = "mse", block: int | None = None
) -> Supervised:
    """Return the factory's objective for a Keras model, or a list of models that share a loss.

    Args:
        models: a Keras model, or a list of them; weights that they hold are the start.  Layers run
            in inference mode (no dropout), because a line search needs the same function at every
            call.
        inputs: array [n, …], or a structure of arrays as the models take it.
        targets: array [n, …], or a structure of arrays.
        loss: a Keras loss by name (summed over several outputs), or a function of (predictions,
            targets) that returns the *mean* over samples; of a list of models it gets the list of
            predictions.
        block: samples per block; the gradient is accumulated over blocks, so that memory stays
            bounded.

    Raises:
        InputError: for arrays of unequal lengths, models of unequal dtypes or without trainable
            variables.
    """
    return Supervised(models, inputs, targets, loss, block)


def _keras_loss(name: str) -> Loss:
    try:
        function: Any = keras.losses.get(name)
    except ValueError as error:
        raise InputError(
            f"supervised: unknown loss {name!r}; use a Keras name such as 'mse', or a function."
        ) from error
    # A Keras Loss object casts to floatx; its `call` does not.
    per_sample = function.call if isinstance(function, keras.losses.Loss) else function

    def mean(predictions: Any, targets: Any) -> tf.Tensor:
        pairs = zip(tf.nest.flatten(targets), tf.nest.flatten(predictions), strict=True)
        return tf.add_n([tf.reduce_mean(per_sample(t, p)) for t, p in pairs])

    return mean
