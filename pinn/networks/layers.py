"""Layers that Keras has none of: chosen or periodic coordinates, factorized weights, a trainable slope.

Each computes on tensors [n, features] by `call` and on jets [features, n] by `jet_call`.  A layer
whose variables are trained also says by `jet_columns` how outputs depend on them, which saves
Gauss–Newton its general way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import pi
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn import jets
from pinn.jets import VALUE, Index, Jet
from pinn.networks.forward import Columns
from pinn.networks.product import outer, product

Parts = Mapping[Index, tf.Tensor]


@keras.saving.register_keras_serializable(package="pinn")
class Select(keras.layers.Layer):
    """Takes some of the coordinates [n, d], for a network that depends on these alone.

    Args:
        names: names of the coordinates to take, in order.
        of: names of all coordinates, in order.
    """

    def __init__(self, *, names: Sequence[str], of: Sequence[str], **options: Any) -> None:
        super().__init__(**{"trainable": False, **options})
        self.names, self.of = list(names), list(of)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the coordinates [n, k] that are taken from all [n, d]."""
        return tf.gather(inputs, [self.of.index(name) for name in self.names], axis=1)

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the coordinates [k, n] of all [d, n], without the derivatives by others, which vanish."""
        return jets.stack([inputs.row(self.of.index(name)) for name in self.names])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "names": self.names, "of": self.of}


@keras.saving.register_keras_serializable(package="pinn")
class PeriodicEmbedding(keras.layers.Layer):
    """Scales coordinates [n, d] to [-1, 1], and in place of some gives cos and sin of their first harmonics.

        x  ↦  2 (x − lower)/(upper − lower) − 1                                where x is not periodic
        x  ↦  cos(2πk (x − lower)/P), sin(2πk (x − lower)/P), k = 1 … harmonics    where it is, with period P

    Whole periods are taken off before the angle is formed, so that the two ends of the box give
    equal bits.

    Args:
        periods: the period P by the index of the coordinate, in the coordinate's own units.
        lower: the lower corner of the box [d].
        upper: the upper corner of the box [d].
        harmonics: waves per period, at most.
    """

    def __init__(
        self,
        *,
        periods: Mapping[Any, float],
        lower: Sequence[float],
        upper: Sequence[float],
        harmonics: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(**{"trainable": False, **options})
        self.periods = {
            int(axis): float(period) for axis, period in periods.items()
        }  # JSON makes keys text
        self.lower, self.upper = [float(a) for a in lower], [float(a) for a in upper]
        self.harmonics = harmonics
        count = len(self.lower)
        # Weights, not numbers: XLA multiplies by the rounded reciprocal of a constant, and the ends
        # would differ.
        self.origin = self.add_weight(
            name="origin", shape=(count,), initializer="zeros", trainable=False
        )
        self.length = self.add_weight(
            name="length", shape=(count,), initializer="ones", trainable=False
        )
        lengths = [
            self.periods.get(i, b - a)
            for i, (a, b) in enumerate(zip(self.lower, self.upper, strict=True))
        ]
        self.set_weights([np.asarray(self.lower), np.asarray(lengths)])
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the features [n, k] of coordinates [n, d]."""
        return tf.stack(self._features(tf.unstack(inputs, num=len(self.lower), axis=1)), axis=1)

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the features [k, n] of coordinates [d, n], with all derivatives."""
        return jets.stack(self._features([inputs[i] for i in range(len(self.lower))]))

    def _features(self, columns: Sequence[Any]) -> list[Any]:
        found = []
        for i, x in enumerate(columns):
            share = self._share(x, i)
            if i not in self.periods:
                found.append(2.0 * share - 1.0)
                continue
            turns = share - tf.floor(share.value if isinstance(share, Jet) else share)
            angles = [(2 * pi * k) * turns for k in range(1, self.harmonics + 1)]
            found += [function(angle) for angle in angles for function in (tf.cos, tf.sin)]
        return found

    def _share(self, x: Any, axis: int) -> Any:
        """Return (x − lower)/P, or (x − lower)/(upper − lower)."""
        origin, length = (tf.convert_to_tensor(v)[axis] for v in (self.origin, self.length))
        if isinstance(x, Jet):
            return x.shift(-origin).map(lambda component: component / length)
        return (x - origin) / length

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        """Return the shape of the features."""
        return (input_shape[0], len(self.lower) + len(self.periods) * (2 * self.harmonics - 1))

    def get_config(self) -> dict[str, Any]:
        """Return the settings, from which Keras makes the layer again."""
        box = {"lower": self.lower, "upper": self.upper}
        periods = {str(axis): period for axis, period in self.periods.items()}
        return {**super().get_config(), **box, "periods": periods, "harmonics": self.harmonics}


@keras.saving.register_keras_serializable(package="pinn")
class FactorizedDense(keras.layers.Layer):
    """A dense layer without activation, W = V diag(eˢ), with trainable V [inputs, units], s [units] and bias.

    Wang et al. (2022), arXiv:2210.01274.  At the start W is what the initializer gives, and s is
    normal.

    Args:
        units: number of outputs.
        kernel_initializer: gives W.
        bias_initializer: gives the bias.
        scale_initializer: gives s.
    """

    def __init__(
        self,
        units: int,
        *,
        kernel_initializer: Any = "glorot_normal",
        bias_initializer: Any = "zeros",
        scale_initializer: Any = "zeros",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units = units
        self.kernel_initializer: Any = keras.initializers.get(kernel_initializer)
        self.bias_initializer: Any = keras.initializers.get(bias_initializer)
        self.scale_initializer: Any = keras.initializers.get(scale_initializer)

    def build(self, input_shape: Sequence[Any]) -> None:
        """Make the variables for inputs [n, inputs]."""

        def direction(shape: Any, dtype: Any = None) -> Any:
            # An initializer with a seed gives the same numbers at every call: these are those of s.
            scale: Any = self.scale_initializer((self.units,), dtype=dtype)
            kernel: Any = self.kernel_initializer(shape, dtype=dtype)
            return kernel / keras.ops.exp(scale)

        self.direction = self.add_weight(
            name="direction",
            shape=(input_shape[-1], self.units),
            initializer=direction,
            trainable=True,
        )
        self.log_scale = self.add_weight(
            name="log_scale", shape=(self.units,), initializer=self.scale_initializer
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.units,), initializer=self.bias_initializer
        )
        self.built = True

    def _kernel(self) -> tf.Tensor:
        return tf.convert_to_tensor(self.direction) * tf.exp(tf.convert_to_tensor(self.log_scale))

    def call(self, inputs: Any) -> Any:
        """Return the outputs [n, units] for inputs [n, inputs]."""
        return tf.matmul(inputs, self._kernel()) + tf.convert_to_tensor(self.bias)

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the outputs [units, n] for inputs [inputs, n], with all derivatives."""
        kernel = self._kernel()
        return inputs.map(lambda component: product(kernel, component)).shift(
            tf.convert_to_tensor(self.bias)[:, None]
        )

    def jet_columns(self) -> Columns:
        """Return the function to the derivatives by V, s and the bias: those by W, and the chain rule."""
        scale, kernel = tf.exp(tf.convert_to_tensor(self.log_scale)), self._kernel()

        def columns(inputs: Parts, deltas: Parts) -> list[tuple[Any, tf.Tensor]]:
            by_kernel = outer(inputs, deltas)
            by_scale = tf.reduce_sum(by_kernel * kernel[:, :, None], 0)
            by_direction = by_kernel * scale[None, :, None]
            return [
                (self.direction, by_direction),
                (self.log_scale, by_scale),
                (self.bias, deltas[VALUE]),
            ]

        return columns

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        """Return the shape of the outputs."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the settings, from which Keras makes the layer again."""
        names = ("kernel_initializer", "bias_initializer", "scale_initializer")
        drawn = {name: keras.initializers.serialize(getattr(self, name)) for name in names}
        return {**super().get_config(), "units": self.units, **drawn}


@keras.saving.register_keras_serializable(package="pinn")
class TrainableSlope(keras.layers.Layer):
    """Multiplies its inputs by n·a with one trainable number a: the slope of the activation that follows.

    Jagtap, Kawaguchi & Karniadakis (2020), arXiv:1906.01170; one for each layer as in
    arXiv:1909.12228.  It is the α of a PirateNet's blocks too, from 0.

    Args:
        scale: n.
        start: n·a at the start.
    """

    def __init__(self, *, scale: float = 1.0, start: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.scale, self.start = scale, start
        self.slope = self.add_weight(name="slope", shape=(), initializer="zeros")
        self.slope.assign(start / scale)
        self.built = True

    def _factor(self) -> tf.Tensor:
        return self.scale * tf.convert_to_tensor(self.slope)

    def call(self, inputs: Any) -> Any:
        """Return the inputs times n·a."""
        return inputs * self._factor()

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the inputs times n·a, with all derivatives."""
        return inputs * self._factor()

    def jet_columns(self) -> Columns:
        """Return the function to the derivatives by a."""

        def columns(inputs: Parts, deltas: Parts) -> list[tuple[Any, tf.Tensor]]:
            return [
                (
                    self.slope,
                    tf.add_n(
                        [tf.reduce_sum(self.scale * inputs[i] * deltas[i], 0) for i in deltas]
                    ),
                )
            ]

        return columns

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        """Return the shape of the inputs."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the settings, from which Keras makes the layer again."""
        return {**super().get_config(), "scale": self.scale, "start": self.start}


def every_layer(model: Any) -> Iterator[Any]:
    """Give the layers of a model, and those of the models among them."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)
