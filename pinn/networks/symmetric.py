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
    """Multiplies features [n, k] by fixed numbers and adds others, unrounded (`Rescaling` has single precision).

    Args:
        factors: a factor for each feature [k].
        offsets: what is added [k].
    """

    def __init__(
        self, *, factors: Sequence[float], offsets: Sequence[float], **options: Any
    ) -> None:
        super().__init__(**{"trainable": False, **options})
        self.factors, self.offsets = [float(f) for f in factors], [float(o) for o in offsets]
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the features [n, k]."""
        return inputs * tf.constant(self.factors, inputs.dtype) + tf.constant(
            self.offsets, inputs.dtype
        )

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the features [k, n] with all derivatives."""
        factors, offsets = (
            tf.constant(v, inputs.dtype)[:, None] for v in (self.factors, self.offsets)
        )
        return inputs.map(lambda component: component * factors).shift(offsets)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        """Return the shape of the features."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "factors": self.factors, "offsets": self.offsets}


def symmetric(
    network: keras.Model,
    mirrors: Sequence[tuple[Sequence[int], Sequence[int]]],
    *,
    lower: Sequence[float],
    upper: Sequence[float],
    seed: int = 0,
) -> keras.Model:
    """Return a network that has mirror symmetries exactly, from coordinates [n, d] to fields [n, outputs].

        (N(x) + S N(Rx))/2

    with the mirrored coordinates Rx and the signs S, the mean over the group that R generates
    (Yarotsky 2018, arXiv:1804.10306); several mirrors one inside the other, so that m of them
    evaluate the network 2ᵐ times.  A point then trains its mirror images too.

    Without biases a network of tanh or sine is odd, and its mean may vanish at all points; so where
    those of the first trained layer are zero, they are drawn, as large as the layer's weights.

    Args:
        network: the network, whose weights are shared by all its evaluations.
        mirrors: for each symmetry the indices of the coordinates that are mirrored at the middle of
            the box, and of the outputs that change their sign.
        lower: the lower corner of the box [d].
        upper: the upper corner of the box [d].
        seed: of the biases.
    """
    _draw_biases(network, seed)
    middle = np.asarray(lower, float) + np.asarray(upper, float)
    outputs = int(network.output_shape[-1])
    for axes, odd in mirrors:
        mirrored = np.isin(np.arange(len(middle)), axes)
        signs = np.where(np.isin(np.arange(outputs), odd), -0.5, 0.5)
        inputs = keras.Input((len(middle),), name="coordinates")
        image = Affine(
            factors=np.where(mirrored, -1.0, 1.0).tolist(),
            offsets=np.where(mirrored, middle, 0.0).tolist(),
            name="image",
        )
        here = Affine(factors=[0.5] * outputs, offsets=[0.0] * outputs, name="half")
        there = Affine(factors=signs.tolist(), offsets=[0.0] * outputs, name="half_of_image")
        mean = keras.layers.Add(name="mean")([here(network(inputs)), there(network(image(inputs)))])
        network = keras.Model(inputs, mean, name="symmetric")
    return network


def _draw_biases(network: Any, seed: int) -> None:
    """Draw the biases of the first trained layer that has any, if they are zero."""
    biased = (
        v for v in every_layer(network) if v.trainable and getattr(v, "bias", None) is not None
    )
    layer = next(biased, None)
    if layer is not None and not np.any(np.asarray(layer.bias)):
        deviation = np.std(np.asarray(layer.trainable_variables[0]))
        layer.bias.assign(np.random.default_rng(seed).normal(0.0, deviation, layer.bias.shape))


def without_mirrors(network: Any) -> Any:
    """Return the network inside a symmetric one; any other as it is."""
    while any(isinstance(layer, Affine) for layer in getattr(network, "layers", ())):
        network = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    return network
