"""Networks with mirror symmetries built in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn.jets import Jet
from pinn.networks.layers import every_layer


@keras.saving.register_keras_serializable(package="pinn")
class Affine(keras.layers.Layer):
    """Maps features [n, k] to factors · features + offsets, where `Rescaling` would round.

    `Rescaling` holds its numbers in single precision.

    Args:
        factors: the fixed factor of each feature [k].
        offsets: the fixed offset of each feature [k].
    """

    def __init__(
        self, *, factors: Sequence[float], offsets: Sequence[float], **options: Any
    ) -> None:
        super().__init__(**{"trainable": False, **options})
        self.factors = [float(factor) for factor in factors]
        self.offsets = [float(offset) for offset in offsets]
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the features [n, k]."""
        factors = tf.constant(self.factors, inputs.dtype)
        offsets = tf.constant(self.offsets, inputs.dtype)
        return inputs * factors + offsets

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the features [k, n] with all derivatives."""
        factors = tf.constant(self.factors, inputs.dtype)[:, None]
        offsets = tf.constant(self.offsets, inputs.dtype)[:, None]
        return inputs.map(lambda component: component * factors).shift(offsets)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the features."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, from which Keras builds the layer again."""
        return {**super().get_config(), "factors": self.factors, "offsets": self.offsets}


def symmetric(
    network: keras.Model,
    mirrors: Sequence[tuple[Sequence[int], Sequence[int]]],
    *,
    lower: Sequence[float],
    upper: Sequence[float],
    seed: int = 0,
) -> keras.Model:
    """Return a network with exact mirror symmetries, from coordinates [n, d] to [n, outputs].

        (N(x) + S N(Rx))/2

    with the mirrored coordinates Rx and the signs S, the mean over the group that R generates
    (Yarotsky 2018, arXiv:1804.10306).  Several mirrors are nested, so that m of them evaluate the
    network 2ᵐ times.  A point thus also trains its mirror images.

    Without biases a network of tanh or sine is odd, and its mean may vanish at all points.  So the
    biases of the first trained layer are drawn, where they are zero, with the standard deviation of
    the layer's kernel.

    Args:
        network: the network, whose parameters are shared by all its evaluations.
        mirrors: per symmetry, the indices of the coordinates that are mirrored at the middle of the
            box, and of the outputs that change their sign.
        lower: the lower corner of the box [d].
        upper: the upper corner of the box [d].
        seed: seed of the biases.
    """
    _draw_biases(network, seed)
    # Mirroring at the middle of the box maps x to lower + upper − x.
    reflection = np.asarray(lower, float) + np.asarray(upper, float)
    outputs = int(network.output_shape[-1])
    for axes, odd in mirrors:
        mirrored = np.isin(np.arange(len(reflection)), axes)
        half_signs = np.where(np.isin(np.arange(outputs), odd), -0.5, 0.5)
        inputs = keras.Input((len(reflection),), name="coordinates")
        image = Affine(
            factors=np.where(mirrored, -1.0, 1.0).tolist(),
            offsets=np.where(mirrored, reflection, 0.0).tolist(),
            name="image",
        )
        zeros = [0.0] * outputs
        half = Affine(factors=[0.5] * outputs, offsets=zeros, name="half")
        half_of_image = Affine(factors=half_signs.tolist(), offsets=zeros, name="half_of_image")
        value = half(network(inputs))
        image_value = half_of_image(network(image(inputs)))
        mean = keras.layers.Add(name="mean")([value, image_value])
        network = keras.Model(inputs, mean, name="symmetric")
    return network


def _draw_biases(network: keras.Model, seed: int) -> None:
    """Draw the biases of the first trained layer that has any, if they are zero."""
    for layer in every_layer(network):
        bias = getattr(layer, "bias", None)
        if layer.trainable and bias is not None:
            if not np.any(np.asarray(bias)):
                deviation = np.std(np.asarray(layer.trainable_variables[0]))
                bias.assign(np.random.default_rng(seed).normal(0.0, deviation, bias.shape))
            return


def without_mirrors(network: keras.Model) -> keras.Model:
    """Return the network inside a symmetric one; any other network unchanged."""
    while any(isinstance(layer, Affine) for layer in getattr(network, "layers", ())):
        network = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    return network
