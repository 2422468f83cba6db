"""Many variables as one vector: flatten, partition, and a scope in which models compute from the vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn.errors import InputError


class FlatVariables:
    """An ordered list of Keras variables seen as one vector of length `size` (p).

    The vector is never written into the variables while an optimizer works: `scope` lets models
    compute from a vector as if it were their weights, and `assign` writes the final one, once.

    Raises:
        InputError: if there is no variable, or if the variables have more than one dtype.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        unique: dict[int, Any] = {id(v): v for v in variables}
        self.variables = list(unique.values())
        if not self.variables:
            raise InputError(
                "FlatVariables: no trainable variable; build the model (call it once) or unfreeze a layer."
            )
        dtypes = sorted({keras.backend.standardize_dtype(v.dtype) for v in self.variables})
        if len(dtypes) > 1:
            raise InputError(
                f"FlatVariables: variables of several dtypes ({', '.join(dtypes)}); build all models with one dtype."
            )
        self.dtype = tf.as_dtype(dtypes[0])
        self.shapes = [tuple(int(n) for n in v.shape) for v in self.variables]
        self.sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.size = sum(self.sizes)

    def flatten(self) -> tf.Tensor:
        """Return the variables' present values as one vector [p]."""
        return self.concat([tf.convert_to_tensor(v.value) for v in self.variables])

    def concat(self, tensors: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return one vector [p] from tensors that have the variables' shapes."""
        return tf.concat([tf.reshape(t, [-1]) for t in tensors], axis=0)

    def partition(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """Return the tensors of `vector` [p] in the variables' shapes; sizes are static, as XLA needs."""
        tensors = tf.split(vector, self.sizes)
        return [
            tf.reshape(tensor, shape) for tensor, shape in zip(tensors, self.shapes, strict=True)
        ]

    def scope(self, tensors: Sequence[tf.Tensor]) -> Any:
        """Return a context in which the variables read as `tensors`, such as `partition` gives."""
        return keras.StatelessScope(list(zip(self.variables, tensors, strict=True)))

    def assign(self, vector: tf.Tensor) -> None:
        """Write `vector` into the variables."""
        for variable, tensor in zip(
            self.variables, self.partition(tf.convert_to_tensor(vector)), strict=True
        ):
            variable.assign(tensor)
