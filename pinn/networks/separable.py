"""Separable networks: sums of products of functions of one coordinate each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn.arrays import static_size
from pinn.jets import Jet
from pinn.networks.layers import Select


@keras.saving.register_keras_serializable(package="pinn")
class SumOverRank(keras.layers.Layer):
    """Sums features [n, outputs · rank] over the rank, which runs fastest.

    Args:
        outputs: number of sums.
    """

    def __init__(self, outputs: int, **options: Any) -> None:
        super().__init__(**{"trainable": False, **options})
        self.outputs = outputs
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the sums [n, outputs]."""
        return tf.reduce_sum(
            tf.reshape(inputs, [-1, self.outputs, inputs.shape[-1] // self.outputs]), 2
        )

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the sums [outputs, n] of features [outputs · rank, n], with all derivatives."""
        rank = static_size(inputs.value) // self.outputs
        return inputs.map(
            lambda component: tf.reduce_sum(tf.reshape(component, [self.outputs, rank, -1]), 1)
        )

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        """Return the shape of the sums."""
        return (input_shape[0], self.outputs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "outputs": self.outputs}


def separable(factors: Sequence[keras.Model], *, outputs: int) -> keras.Model:
    """Return a sum of products of functions of one coordinate each, from coordinates [n, d] to fields [n, outputs].

        u_k(x) = Σ_r Π_i f_{i,k,r}(x_i),  r = 1 … rank

    as in separable PINNs (Cho et al. 2023, arXiv:2306.15969).  Jets go through a factor with the
    derivatives by its own coordinate alone; for a Laplacian those are value, slope and second
    derivative, whatever the dimension.

    Biases of the factors' outputs are raised by one, those of the first coordinate by one and minus
    one in turn.  A product of many factors around zero would all but vanish, and its gradient too;
    a sum of products around one and minus one starts near a sum of functions of one coordinate.

    Args:
        factors: a network for each coordinate, from it [n, 1] to features [n, outputs · rank], rank
            fastest; the last layer of each has a bias.
        outputs: number of fields.
    """
    names = [str(axis) for axis in range(len(factors))]
    inputs = keras.Input((len(factors),), name="coordinates")
    features: list[Any] = []
    for axis, (name, factor) in enumerate(zip(names, factors, strict=True)):
        factor.name = f"factor_{name}"
        bias: Any = factor.layers[-1].bias
        rank = int(bias.shape[0]) // outputs
        signs = np.where((np.arange(outputs * rank) % rank) % 2, -1.0, 1.0)
        bias.assign(np.asarray(bias) + (1.0 if axis else signs))
        features.append(factor(Select(names=[name], of=names, name=f"coordinate_{name}")(inputs)))
    product = keras.layers.Multiply(name="product")(features) if len(features) > 1 else features[0]
    return keras.Model(
        inputs, SumOverRank(outputs, name="sum_over_rank")(product), name="separable"
    )
