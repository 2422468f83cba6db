"""Networks that increase with every input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn.jets import VALUE
from pinn.networks.forward import Columns, Components
from pinn.networks.layers import DerivedDense
from pinn.networks.product import outer
from pinn.seeds import branch


@keras.saving.register_keras_serializable(package="pinn")
class PositiveDense(DerivedDense):
    """A dense layer without activation whose kernel is positive, W = log(1 + eⱽ).

    V [inputs, units] and the bias are trainable.

    Args:
        units: number of outputs.
        spread: biases are drawn between -spread and spread.
        seed: seed of kernel and biases.
    """

    def __init__(self, units: int, *, spread: float = 0.0, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.units = units
        self.spread = spread
        self.seed = seed

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create the variables for inputs [n, inputs]."""
        inputs = int(input_shape[-1] or 0)
        rng = np.random.default_rng(self.seed)
        # The kernel's columns sum to 1 on average, so that layers neither grow nor shrink.
        kernel = rng.uniform(0.1, 1.9, (inputs, self.units)) / inputs
        biases = rng.uniform(-self.spread, self.spread, self.units)
        self.raw = self.add_weight(name="raw", shape=kernel.shape, initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=biases.shape, initializer="zeros")
        self.set_weights([np.log(np.expm1(kernel)), biases])
        self.built = True

    def _kernel(self) -> tf.Tensor:
        return tf.math.softplus(tf.convert_to_tensor(self.raw))

    def jet_columns(self) -> Columns:
        """Return the function to the derivatives by V and the bias."""
        slope = tf.sigmoid(tf.convert_to_tensor(self.raw))

        def columns(
            inputs: Components, deltas: Components
        ) -> list[tuple[keras.Variable, tf.Tensor]]:
            by_raw = outer(inputs, deltas) * slope[:, :, None]
            return [(self.raw, by_raw), (self.bias, deltas[VALUE])]

        return columns

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, from which Keras builds the layer again."""
        own = {"units": self.units, "spread": self.spread, "seed": self.seed}
        return {**super().get_config(), **own}


def monotone(
    *,
    lower: Sequence[float],
    upper: Sequence[float],
    width: int = 20,
    depth: int = 3,
    seed: int = 0,
) -> keras.Model:
    """Return a network from [n, d] to [n, 1] that increases with every input.

    All kernels are positive and tanh increases (Daniels & Velikova 2010,
    doi:10.1109/TNN.2010.2044803).

    Args:
        lower: the lower corner of the box of the inputs [d].
        upper: the upper corner of the box of the inputs [d].
        width: units of a hidden layer.
        depth: number of hidden layers.
        seed: seed of all random numbers.
    """
    low = np.asarray(lower, float)
    high = np.asarray(upper, float)
    scaling = keras.layers.Dense(len(low), trainable=False, name="scaling")
    layers: list[Any] = [keras.Input((len(low),), name="inputs"), scaling]
    for i in range(depth):
        own = branch(seed, f"layer {i}")
        layers.append(PositiveDense(width, spread=1.0, seed=own, name=f"positive_{i}"))
        layers.append(keras.layers.Activation("tanh", name=f"activation_{i}"))
    layers.append(PositiveDense(1, seed=branch(seed, "last layer"), name=f"positive_{depth}"))
    model = keras.Sequential(layers, name="monotone")
    scaling.set_weights([np.diag(2 / (high - low)), -(low + high) / (high - low)])
    return model
