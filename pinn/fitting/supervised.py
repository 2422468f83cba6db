"""The loss of any Keras model, or of several, on supervised data, as a function of one vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn.arrays import static_size
from pinn.errors import InputError
from pinn.flat import FlatVariables

Models = keras.Model | Sequence[keras.Model]

Loss = Callable[[Any, Any], tf.Tensor]
"""(predictions, targets) -> mean over samples; both in the structure of the user's models."""

Batch = tuple[object, object]
"""(inputs, targets), each an array [n, …] or a structure of arrays."""


class Supervised:
    """The mean loss over all samples, and its gradient, as a pure function of theta [p]."""

    def __init__(
        self, models: Models, inputs: object, targets: object, loss: str | Loss, block: int | None
    ) -> None:
        self.single = not isinstance(models, Sequence)
        self.models: list[keras.Model] = list(models) if isinstance(models, Sequence) else [models]
        variables: list[keras.Variable] = []
        for model in self.models:
            if not model.built:
                model(inputs)  # a subclassed model creates its variables in its first call
            variables.extend(model.trainable_variables)
        self.flat = FlatVariables(variables)
        self.dtype = self.flat.dtype.name
        self.batch: Batch = tf.nest.map_structure(self._tensor, (inputs, targets))
        sizes = {array.shape[0] for array in tf.nest.flatten(self.batch)}
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
        """Return an array as a tensor, of the models' dtype if it holds real numbers."""
        tensor = tf.convert_to_tensor(array if tf.is_tensor(array) else np.asarray(array))
        return tf.cast(tensor, self.dtype) if tensor.dtype.is_floating else tensor

    @tf.function(autograph=False)
    def value_and_gradient(self, theta: tf.Tensor, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the loss (scalar) and its gradient [p] over the samples in `batch`.

        The batch may be a subset of the samples; it is evaluated block by block.
        """
        count = static_size(tf.nest.flatten(batch)[0])
        size = min(self.block, count)
        full_blocks = count // size

        def evaluate(start: tf.Tensor | int, length: int) -> tuple[tf.Tensor, tf.Tensor]:
            inputs, targets = tf.nest.map_structure(lambda a: a[start : start + length], batch)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(theta)
                loss = self._loss(theta, inputs, targets)
                value = loss * tf.constant(length / count, self.dtype)
            gradient: Any = tape.gradient(
                value, theta, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return value, gradient

        def add_block(
            i: tf.Tensor, value: tf.Tensor, gradient: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            block_value, block_gradient = evaluate(i * size, size)
            return i + 1, value + block_value, gradient + block_gradient

        if size == count:
            return evaluate(0, count)
        _, value, gradient = tf.while_loop(
            lambda i, *_: i < full_blocks,
            add_block,
            (tf.constant(0), tf.zeros([], self.dtype), tf.zeros_like(theta)),
            parallel_iterations=1,  # activations of one block in memory at a time
        )
        rest = count - full_blocks * size
        if rest:
            rest_value, rest_gradient = evaluate(full_blocks * size, rest)
            return value + rest_value, gradient + rest_gradient
        return value, gradient

    def _loss(self, theta: tf.Tensor, inputs: object, targets: object) -> tf.Tensor:
        """Return the mean loss over some samples."""
        predictions: list[Any] = []
        with self.flat.scope(self.flat.partition(theta)):
            for model in self.models:
                predictions.append(model(inputs, training=False))
        value = self.loss(predictions[0] if self.single else predictions, targets)
        if value.dtype != self.dtype:
            raise InputError(
                f"supervised: the loss is {value.dtype.name}, the parameters {self.dtype}; do not "
                f"cast in it."
            )
        return value


def supervised(
    models: Models,
    inputs: object,
    targets: object,
    *,
    loss: str | Loss = "mse",
    block: int | None = None,
) -> Supervised:
    """Return the objective of a Keras model, or of a list of models that share a loss.

    Args:
        models: a Keras model, or a list of them; their parameters are the start.  Layers run in
            inference mode (no dropout), because a line search needs the same function at every
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
    """Return a Keras loss as a mean over samples, summed over outputs."""
    try:
        function: Any = keras.losses.get(name)
    except ValueError as error:
        raise InputError(
            f"supervised: unknown loss {name!r}; use a Keras name such as 'mse', or a function."
        ) from error
    # A Keras Loss object casts to floatx; its `call` does not.
    per_sample = function.call if isinstance(function, keras.losses.Loss) else function

    def mean(predictions: object, targets: object) -> tf.Tensor:
        means: list[tf.Tensor] = []
        outputs = tf.nest.flatten(predictions)
        for target, output in zip(tf.nest.flatten(targets), outputs, strict=True):
            means.append(tf.reduce_mean(per_sample(target, output)))
        return tf.add_n(means)

    return mean
