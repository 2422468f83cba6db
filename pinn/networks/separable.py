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
    """Sums features [n, outputs · rank] over the rank, which is the fastest index.

    Args:
        outputs: number of sums.
    """

    def __init__(self, outputs: int, **options: Any) -> None:
        super().__init__(**{"trainable": False, **options})
        self.outputs = outputs
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the sums [n, outputs]."""
        rank = inputs.shape[-1] // self.outputs
        by_rank = tf.reshape(inputs, [-1, self.outputs, rank])
        return tf.reduce_sum(by_rank, 2)

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the sums [outputs, n] of features [outputs · rank, n], with all derivatives."""
        rank = static_size(inputs.value) // self.outputs

        def sum_over_rank(component: tf.Tensor) -> tf.Tensor:
            by_rank = tf.reshape(component, [self.outputs, rank, -1])
            return tf.reduce_sum(by_rank, 1)

        return inputs.map(sum_over_rank)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the sums."""
        return (input_shape[0], self.outputs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, from which Keras builds the layer again."""
        return {**super().get_config(), "outputs": self.outputs}


def separable(factors: Sequence[keras.Model], *, outputs: int) -> keras.Model:
    """Return a separable network from coordinates [n, d] to fields [n, outputs].

        u_k(x) = Σ_r Π_i f_{i,k,r}(x_i),  r = 1 … rank

    as in separable PINNs (Cho et al. 2023, arXiv:2306.15969).  A jet goes through a factor with
    only the derivatives by the factor's own coordinate; for a Laplacian those are the value and the
    first and second derivatives, in any dimension.

    The biases of the factors' outputs are shifted: by one, but for the first coordinate by one and
    minus one in turn.  A product of many factors around zero, and its gradient, would almost
    vanish; a sum of products around one and minus one starts close to a sum of functions of one
    coordinate.

    Args:
        factors: one network per coordinate, from it [n, 1] to features [n, outputs · rank], rank
            fastest; the last layer of each has a bias.
        outputs: number of fields.
    """
    names = [str(axis) for axis in range(len(factors))]
    inputs = keras.Input((len(factors),), name="coordinates")
    features = []
    for axis, (name, factor) in enumerate(zip(names, factors, strict=True)):
        factor.name = f"factor_{name}"
        bias = factor.layers[-1].bias
        rank = static_size(bias) // outputs
        is_odd = (np.arange(outputs * rank) % rank) % 2 == 1
        shifts = np.where(is_odd, -1.0, 1.0) if axis == 0 else 1.0
        bias.assign(np.asarray(bias) + shifts)
        coordinate = Select(names=[name], of=names, name=f"coordinate_{name}")(inputs)
        features.append(factor(coordinate))
    product = features[0]
    if len(features) > 1:
        product = keras.layers.Multiply(name="product")(features)
    sums = SumOverRank(outputs, name="sum_over_rank")(product)
    return keras.Model(inputs, sums, name="separable")
