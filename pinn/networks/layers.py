"""Layers that Keras lacks: selected or periodic coordinates, factorized kernels, trainable slopes.

Each evaluates tensors [n, features] by `call` and jets [features, n] by `jet_call`.  A layer with
trained variables also gives the derivatives of its outputs by them, by `jet_columns`; without it,
Gauss–Newton computes the Jacobian by its general method, which is slower.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import pi
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn import jets
from pinn.jets import VALUE, Jet
from pinn.networks.forward import Columns, Components
from pinn.networks.product import outer, product


@keras.saving.register_keras_serializable(package="pinn")
class Select(keras.layers.Layer):
    """Selects some of the coordinates [n, d], for a network that depends on these alone.

    Args:
        names: names of the selected coordinates, in order.
        of: names of all coordinates, in order.
    """

    def __init__(self, *, names: Sequence[str], of: Sequence[str], **options: Any) -> None:
        super().__init__(**{"trainable": False, **options})
        self.names = list(names)
        self.of = list(of)
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the selected coordinates [n, k] of all [n, d]."""
        return tf.gather(inputs, self._indices(), axis=1)

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the selected coordinates [k, n] of all [d, n].

        Their derivatives by the other coordinates, which vanish, are left out.
        """
        return jets.stack([inputs.row(index) for index in self._indices()])

    def _indices(self) -> list[int]:
        return [self.of.index(name) for name in self.names]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, from which Keras builds the layer again."""
        return {**super().get_config(), "names": self.names, "of": self.of}


@keras.saving.register_keras_serializable(package="pinn")
class PeriodicEmbedding(keras.layers.Layer):
    """Scales coordinates [n, d] to [-1, 1], and replaces periodic ones by their first harmonics.

        x  ↦  2 (x − lower)/(upper − lower) − 1                       where x is not periodic
        x  ↦  cos(2πk (x − lower)/P), sin(2πk (x − lower)/P)          where x has the period P

    with k = 1 … harmonics.  Whole periods are subtracted before the angle is formed, so that the
    two ends of the box give equal bits.

    Args:
        periods: the period P by the index of the coordinate, in the coordinate's own units.
        lower: the lower corner of the box [d].
        upper: the upper corner of the box [d].
        harmonics: the largest number of waves per period.
    """

    def __init__(
        self,
        *,
        periods: Mapping[int, float] | Mapping[str, float],
        lower: Sequence[float],
        upper: Sequence[float],
        harmonics: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(**{"trainable": False, **options})
        # In a file, which is JSON, the keys are text.
        self.periods = {int(axis): float(period) for axis, period in periods.items()}
        self.lower = [float(a) for a in lower]
        self.upper = [float(a) for a in upper]
        self.harmonics = harmonics
        # The numbers are variables, because XLA would multiply by the rounded reciprocal of a
        # constant, and the two ends of the box would differ.
        shape = (len(self.lower),)
        self.origin = self.add_weight(
            name="origin", shape=shape, initializer="zeros", trainable=False
        )
        self.length = self.add_weight(
            name="length", shape=shape, initializer="ones", trainable=False
        )
        lengths = np.subtract(self.upper, self.lower)
        for axis, period in self.periods.items():
            lengths[axis] = period
        self.set_weights([np.asarray(self.lower), lengths])
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the features [n, k] of coordinates [n, d]."""
        columns = tf.unstack(inputs, num=len(self.lower), axis=1)
        return tf.stack(self._features(columns), axis=1)

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the features [k, n] of coordinates [d, n], with all derivatives."""
        rows = [inputs[i] for i in range(len(self.lower))]
        return jets.stack(self._features(rows))

    def _features(self, coordinates: Sequence[Any]) -> list[Any]:
        """Return the features of coordinates, which are all tensors [n] or all jets [n]."""
        features = []
        for axis, x in enumerate(coordinates):
            fraction = self._fraction(x, axis)
            if axis not in self.periods:
                features.append(2.0 * fraction - 1.0)
                continue
            # The fraction of the present period; its whole part is constant, hence a number.
            value = fraction.value if isinstance(fraction, Jet) else fraction
            turns = fraction - tf.floor(value)
            for k in range(1, self.harmonics + 1):
                angle = (2 * pi * k) * turns
                features += [tf.cos(angle), tf.sin(angle)]
        return features

    def _fraction(self, x: Any, axis: int) -> Any:
        """Return (x − lower)/P, or (x − lower)/(upper − lower)."""
        origin = tf.convert_to_tensor(self.origin)[axis]
        length = tf.convert_to_tensor(self.length)[axis]
        if isinstance(x, Jet):
            return x.shift(-origin).map(lambda component: component / length)
        return (x - origin) / length

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the features."""
        return (input_shape[0], len(self.lower) + len(self.periods) * (2 * self.harmonics - 1))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, from which Keras builds the layer again."""
        return {
            **super().get_config(),
            "lower": self.lower,
            "upper": self.upper,
            "periods": {str(axis): period for axis, period in self.periods.items()},
            "harmonics": self.harmonics,
        }


class DerivedDense(keras.layers.Layer):
    """A dense layer without activation whose kernel is computed from other variables.

    A subclass makes its variables, a `bias` [units] among them, and gives the kernel.

    Attributes:
        units: number of outputs.
    """

    units: int
    bias: Any

    def _kernel(self) -> tf.Tensor:
        """Return the kernel [inputs, units]."""
        raise NotImplementedError

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the outputs [n, units] for inputs [n, inputs]."""
        return tf.matmul(inputs, self._kernel()) + tf.convert_to_tensor(self.bias)

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the outputs [units, n] for inputs [inputs, n], with all derivatives."""
        kernel = self._kernel()
        bias = tf.convert_to_tensor(self.bias)[:, None]
        return inputs.map(lambda component: product(kernel, component)).shift(bias)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the outputs."""
        return (*input_shape[:-1], self.units)


@keras.saving.register_keras_serializable(package="pinn")
class FactorizedDense(DerivedDense):
    """A dense layer without activation whose kernel is factorized, W = V diag(eˢ).

    V [inputs, units], s [units] and the bias are trainable (Wang et al. 2022, arXiv:2210.01274).
    At the start W is drawn by its initializer, and V follows from W and s.

    Args:
        units: number of outputs.
        kernel_initializer: initializer of W.
        bias_initializer: initializer of the bias.
        scale_initializer: initializer of s.
    """

    def __init__(
        self,
        units: int,
        *,
        kernel_initializer: str | keras.Initializer = "glorot_normal",
        bias_initializer: str | keras.Initializer = "zeros",
        scale_initializer: str | keras.Initializer = "zeros",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units = units
        self.kernel_initializer: Any = keras.initializers.get(kernel_initializer)
        self.bias_initializer: Any = keras.initializers.get(bias_initializer)
        self.scale_initializer: Any = keras.initializers.get(scale_initializer)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create the variables for inputs [n, inputs]."""

        def direction(shape: Sequence[int], dtype: str | None = None) -> tf.Tensor:
            # An initializer with a seed returns the same numbers at every call, here those of s.
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

    def jet_columns(self) -> Columns:
        """Return the function to the derivatives by V, s and the bias."""
        scale = tf.exp(tf.convert_to_tensor(self.log_scale))
        kernel = self._kernel()

        def columns(
            inputs: Components, deltas: Components
        ) -> list[tuple[keras.Variable, tf.Tensor]]:
            # The derivatives by W, and the chain rule: ∂W/∂V = diag(eˢ), ∂W/∂s = W.
            by_kernel = outer(inputs, deltas)
            by_direction = by_kernel * scale[None, :, None]
            by_log_scale = tf.reduce_sum(by_kernel * kernel[:, :, None], 0)
            return [
                (self.direction, by_direction),
                (self.log_scale, by_log_scale),
                (self.bias, deltas[VALUE]),
            ]

        return columns

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, from which Keras builds the layer again."""
        serialize = keras.initializers.serialize
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": serialize(self.kernel_initializer),
            "bias_initializer": serialize(self.bias_initializer),
            "scale_initializer": serialize(self.scale_initializer),
        }


@keras.saving.register_keras_serializable(package="pinn")
class TrainableSlope(keras.layers.Layer):
    """Multiplies its inputs by n·a with one trainable number a: the slope of the next activation.

    Jagtap, Kawaguchi & Karniadakis (2020), arXiv:1906.01170, with one slope per layer as in
    arXiv:1909.12228.  With the start 0 it is also the α of a PirateNet's blocks.

    Args:
        scale: n.
        start: n·a at the start.
    """

    def __init__(self, *, scale: float = 1.0, start: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.scale = scale
        self.start = start
        self.slope = self.add_weight(name="slope", shape=(), initializer="zeros")
        self.slope.assign(start / scale)
        self.built = True

    def _factor(self) -> tf.Tensor:
        return self.scale * tf.convert_to_tensor(self.slope)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the inputs times n·a."""
        return inputs * self._factor()

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the inputs times n·a, with all derivatives."""
        return inputs * self._factor()

    def jet_columns(self) -> Columns:
        """Return the function to the derivatives by a."""

        def columns(
            inputs: Components, deltas: Components
        ) -> list[tuple[keras.Variable, tf.Tensor]]:
            products = [
                tf.reduce_sum(self.scale * inputs[i] * delta, 0) for i, delta in deltas.items()
            ]
            return [(self.slope, tf.add_n(products))]

        return columns

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, from which Keras builds the layer again."""
        return {**super().get_config(), "scale": self.scale, "start": self.start}


def every_layer(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers of a model, and those of the models among them."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)
