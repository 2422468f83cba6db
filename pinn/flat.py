"""Many variables as one vector: flatten it, partition it, and compute with it in their place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager

import keras
import tensorflow as tf

from pinn.errors import InputError


class FlatVariables:
    """An ordered list of Keras variables, viewed as one vector of length `size` (p).

    Optimizers never write the vector into the variables: `scope` lets models compute from a vector
    as if it were their parameters.  `assign` writes the final vector once.

    Attributes:
        variables: the variables, each once.
        dtype: their common dtype.
        shapes: their shapes.
        sizes: their numbers of elements.
        size: the length p of the vector.

    Raises:
        InputError: if there is no variable, or if the variables have more than one dtype.
    """

    def __init__(self, variables: Sequence[keras.Variable]) -> None:
        self.variables = list({id(v): v for v in variables}.values())
        if not self.variables:
            raise InputError(
                "FlatVariables: no trainable variable; "
                "build the model (call it once) or unfreeze a layer."
            )
        dtypes = sorted({keras.backend.standardize_dtype(v.dtype) for v in self.variables})
        if len(dtypes) > 1:
            raise InputError(
                f"FlatVariables: variables of several dtypes ({', '.join(dtypes)}); "
                f"build all models with one dtype."
            )
        self.dtype = tf.as_dtype(dtypes[0])
        self.shapes = [tuple(int(n) for n in v.shape) for v in self.variables]
        self.sizes = [math.prod(shape) for shape in self.shapes]
        self.size = sum(self.sizes)

    def flatten(self) -> tf.Tensor:
        """Return the current values of the variables as one vector [p]."""
        return self.concat(self.values())

    def values(self) -> list[tf.Tensor]:
        """Return the current values of the variables, in their shapes."""
        return [tf.convert_to_tensor(v.value) for v in self.variables]

    def concat(self, tensors: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return one vector [p] from tensors in the variables' shapes."""
        return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)

    def partition(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """Return the tensors of a vector [p] in the variables' shapes.

        All sizes are static, as XLA requires.
        """
        tensors: list[tf.Tensor] = []
        for flat, shape in zip(tf.split(vector, self.sizes), self.shapes, strict=True):
            tensors.append(tf.reshape(flat, shape))
        return tensors

    def scope(self, tensors: Sequence[tf.Tensor]) -> AbstractContextManager[object]:
        """Return a context in which the variables have the values of `tensors`."""
        return keras.StatelessScope(list(zip(self.variables, tensors, strict=True)))

    def assign(self, vector: tf.Tensor) -> None:
        """Write a vector [p] into the variables."""
        tensors = self.partition(tf.convert_to_tensor(vector))
        for variable, tensor in zip(self.variables, tensors, strict=True):
            variable.assign(tensor)
