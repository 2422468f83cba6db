"""Networks of subdomains: a small network for each part of the box, joined smoothly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.jets import VALUE, Jet
from pinn.networks.forward import Columns, Components
from pinn.seeds import branch

# sigmoid(±2.2) = 0.9 and 0.1: where neighbors share a point by less, it counts as theirs alone.
SHARED = 2.2


@keras.saving.register_keras_serializable(package="pinn")
class BlockDense(keras.layers.Layer):
    """Dense layers side by side, without activation: one for each of several blocks of features.

    The kernel is [blocks, inputs, units], and the bias [blocks, units].

    Args:
        blocks: number of blocks; the features of a block follow each other.
        units: number of outputs per block.
        factor: of the initial kernel, which Glorot's normal distribution gives.
        seed: of the initial kernel.
    """

    def __init__(
        self, blocks: int, units: int, *, factor: float = 1.0, seed: int = 0, **options: Any
    ) -> None:
        super().__init__(**options)
        self.blocks = blocks
        self.units = units
        self.factor = factor
        self.seed = seed

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create the variables for inputs [n, blocks · inputs]."""
        inputs = int(input_shape[-1] or 0) // self.blocks
        rng = np.random.default_rng(self.seed)
        scale = self.factor * math.sqrt(2 / (inputs + self.units))
        kernel = rng.normal(0.0, scale, (self.blocks, inputs, self.units))
        self.kernel = self.add_weight(name="kernel", shape=kernel.shape, initializer="zeros")
        shape = (self.blocks, self.units)
        self.bias = self.add_weight(name="bias", shape=shape, initializer="zeros")
        self.kernel.assign(kernel)
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the outputs [n, blocks · units] for inputs [n, blocks · inputs]."""
        kernel = tf.convert_to_tensor(self.kernel)
        by_block = tf.reshape(inputs, [-1, self.blocks, kernel.shape[1]])
        outputs = tf.einsum("nbi,bio->nbo", by_block, kernel) + tf.convert_to_tensor(self.bias)
        return tf.reshape(outputs, [-1, self.blocks * self.units])

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the outputs [blocks · units, n] for inputs, with all derivatives."""
        transposed = tf.transpose(tf.convert_to_tensor(self.kernel), [0, 2, 1])
        bias = tf.reshape(tf.convert_to_tensor(self.bias), [-1, 1])

        def products(component: tf.Tensor) -> tf.Tensor:
            outputs = tf.matmul(transposed, self._by_block(component))
            return tf.reshape(outputs, [self.blocks * self.units, -1])

        return inputs.map(products).shift(bias)

    def jet_columns(self) -> Columns:
        """Return the function to the derivatives by kernel and bias."""

        def columns(
            inputs: Components, deltas: Components
        ) -> list[tuple[keras.Variable, tf.Tensor]]:
            summands = []
            for index, delta in deltas.items():
                left = self._by_block(inputs[index])[:, :, None, :]
                summands.append(left * self._by_block(delta)[:, None, :, :])
            return [(self.kernel, tf.add_n(summands)), (self.bias, self._by_block(deltas[VALUE]))]

        return columns

    def _by_block(self, component: tf.Tensor) -> tf.Tensor:
        """Return features [blocks · k, n] as [blocks, k, n]."""
        return tf.reshape(component, [self.blocks, component.shape[0] // self.blocks, -1])

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the outputs."""
        return (*input_shape[:-1], self.blocks * self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, from which Keras builds the layer again."""
        own = {"blocks": self.blocks, "units": self.units, "factor": self.factor}
        return {**super().get_config(), **own, "seed": self.seed}


@keras.saving.register_keras_serializable(package="pinn")
class PartitionOfUnity(keras.layers.Layer):
    """Shares of a point [n, d] in subdomains, which are positive and sum to 1.

    A box is cut into equal parts along every coordinate.  Along one, the share of part i is

        exp(l_i) / Σ_j exp(l_j),   l_i = s (z c_i − c_i²/2)

    with the coordinate z in units of a part's length, and the middles c of the parts.  Between two
    neighbors this is a logistic function of the distance from their common end.  The share of a
    subdomain is the product over the coordinates.

    Args:
        counts: number of parts per coordinate [d].
        lower: the lower corner of the box [d].
        upper: the upper corner of the box [d].
        overlap: where neighbors share points by more than 1 to 9, in lengths of a part.
        outputs: how often every share is repeated.
    """

    def __init__(
        self,
        *,
        counts: Sequence[int],
        lower: Sequence[float],
        upper: Sequence[float],
        overlap: float,
        outputs: int,
        **options: Any,
    ) -> None:
        super().__init__(**{"trainable": False, **options})
        self.counts = [int(count) for count in counts]
        self.lower = [float(a) for a in lower]
        self.upper = [float(a) for a in upper]
        self.overlap = overlap
        self.outputs = outputs
        self.built = True

    def _logits(self) -> list[tuple[int, Array, Array]]:
        """Return, per coordinate that is cut, its index, and slopes and constants of the l_i."""
        steepness = 2 * SHARED / self.overlap
        found = []
        for axis, count in enumerate(self.counts):
            if count > 1 or max(self.counts) == 1:
                length = (self.upper[axis] - self.lower[axis]) / count
                middles = np.arange(count) + 0.5
                origin = self.lower[axis] / length
                slopes = steepness * middles / length
                constants = -steepness * (middles**2 / 2 + origin * middles)
                found.append((axis, slopes, constants))
        return found

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the shares [n, subdomains · outputs] of points [n, d]."""
        shares = tf.ones_like(inputs[:, :1])
        for axis, slopes, constants in self._logits():
            slope = tf.constant(slopes, inputs.dtype)
            own = tf.nn.softmax(inputs[:, axis, None] * slope + tf.constant(constants, slope.dtype))
            product = shares[:, :, None] * own[:, None, :]
            shares = tf.reshape(product, [-1, product.shape[1] * product.shape[2]])
        return tf.repeat(shares, self.outputs, axis=1)

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the shares [subdomains · outputs, n] of points [d, n], with all derivatives."""
        shares = []
        for axis, slopes, constants in self._logits():
            shares.append(self._along(inputs, axis, slopes, constants))
        product = reduce(_products, shares)
        return product.map(lambda component: tf.repeat(component, self.outputs, axis=0))

    def _along(self, inputs: Jet, axis: int, slopes: Array, constants: Array) -> Jet:
        """Return the shares [count, n] of the parts along one coordinate."""
        slope = tf.constant(slopes, inputs.dtype)[:, None]
        logits = inputs.row(axis).map(lambda component: slope * component)
        logits = logits.shift(tf.constant(constants, inputs.dtype)[:, None])
        # The quotient does not change with a constant; the largest one prevents overflow.
        largest = tf.stop_gradient(tf.reduce_max(logits.value, axis=0, keepdims=True))
        powers: Any = tf.exp(logits.shift(-largest))  # type: ignore
        total = powers.map(lambda component: tf.reduce_sum(component, 0, keepdims=True))
        return powers * total**-1

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the shares."""
        return (input_shape[0], math.prod(self.counts) * self.outputs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, from which Keras builds the layer again."""
        return {
            **super().get_config(),
            "counts": self.counts,
            "lower": self.lower,
            "upper": self.upper,
            "overlap": self.overlap,
            "outputs": self.outputs,
        }


def decomposed(
    *,
    lower: Sequence[float],
    upper: Sequence[float],
    outputs: int,
    counts: Mapping[int, int],
    overlap: float,
    width: int,
    depth: int,
    activation: Any,
    frequency: float = 1.0,
    seed: int = 0,
) -> keras.Model:
    """Return a sum of networks, each of which counts in one part of a box.

        u(x) = Σ_i w_i(x) N_i(x)

    with a partition of unity w, as in finite-basis PINNs (Moseley, Markham & Nissen-Meyer 2023,
    doi:10.1007/s10444-023-10065-9).  Each network sees its own part as [-1, 1].

    Args:
        lower: the lower corner of the box [d].
        upper: the upper corner of the box [d].
        outputs: number of fields.
        counts: number of parts by the index of the coordinate; 1 where an index is missing.
        overlap: as in `PartitionOfUnity`.
        width: units of a hidden layer of each network.
        depth: number of hidden layers.
        activation: their activation function.
        frequency: factor of the initial kernels of the first layer.
        seed: seed of all random numbers.
    """
    low = np.asarray(lower, float)
    high = np.asarray(upper, float)
    dimension = len(low)
    parts = [int(counts.get(axis, 1)) for axis in range(dimension)]
    blocks = math.prod(parts)
    shares = PartitionOfUnity(
        counts=parts, lower=lower, upper=upper, overlap=overlap, outputs=outputs, name="shares"
    )
    local = keras.layers.Dense(blocks * dimension, trainable=False, name="scaling")
    total = keras.layers.Dense(outputs, use_bias=False, trainable=False, name="total")

    inputs: Any = keras.Input((dimension,), name="coordinates")
    features: Any = local(inputs)
    for k in range(depth):
        factor = frequency if k == 0 else 1.0
        own = branch(seed, f"layer {k}")
        dense = BlockDense(blocks, width, factor=factor, seed=own, name=f"blocks_{k}")
        features = keras.layers.Activation(activation, name=f"activation_{k}")(dense(features))
    last = BlockDense(blocks, outputs, seed=branch(seed, "last layer"), name=f"blocks_{depth}")
    shared: Any = keras.layers.Multiply(name="shared")([last(features), shares(inputs)])
    model = keras.Model(inputs, total(shared), name="decomposed")

    # Every network sees its own part as [-1, 1], and the weighted outputs are summed.
    half = (high - low) / np.asarray(parts) / 2
    middles = []
    for number in np.ndindex(*parts):
        middles.append(low + (2 * np.asarray(number) + 1) * half)
    local.set_weights([np.tile(np.diag(1 / half), blocks), -np.ravel(middles / half)])
    total.set_weights([np.tile(np.eye(outputs), (blocks, 1))])
    return model


def _products(left: Jet, right: Jet) -> Jet:
    """Return all products [k · l, n] of two jets [k, n] and [l, n], the second index the faster."""
    rows = static_size(left.value)
    first = left.map(lambda component: tf.repeat(component, static_size(right.value), axis=0))
    second = right.map(lambda component: tf.tile(component, [rows, 1]))
    return first * second
