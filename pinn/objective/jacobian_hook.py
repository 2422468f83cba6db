"""The Jacobian of residuals by the parameters of layers, from one reverse pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from pinn.arrays import static_size
from pinn.jets import VALUE, Index, Jet
from pinn.networks import Columns, outer

Components = Mapping[Index, tf.Tensor]


class _Visit(NamedTuple):
    """One pass through a layer: its rule, the components of its inputs, and the zeros added."""

    columns: Columns
    inputs: Components
    zeros: Components


class JacobianHook:
    """Adds zeros to the outputs of layers; the derivatives by them give the layers' columns.

    A residual depends on its own point only, and on the quadrature nodes of its own point, which
    follow each other.  So one reverse pass of the sum of the residuals gives the derivative δ of
    every residual by every output of every layer.  The row of the Jacobian for a dense layer's
    kernel is Σ aᵢ ⊗ δᵢ over the components i of the layer's inputs a, and over the nodes of the
    point.  A layer with a method `jet_columns` has a rule of its own.

    Args:
        tape: a persistent tape, which watches the zeros.
        count: number of points.

    Attributes:
        variables: identities of the variables of the layers that were visited.
    """

    def __init__(self, tape: tf.GradientTape, count: int) -> None:
        self.tape = tape
        self.count = count
        self.variables: set[int] = set()
        self._visits: list[_Visit] = []

    def __call__(self, layer: keras.Operation, inputs: Jet, outputs: Jet) -> Jet:
        """Return the outputs of a layer with zeros added."""
        zeros = {}
        columns = static_size(outputs.value, 1)  # the points, or the nodes of all points
        for index, component in outputs.components.items():
            # One column per point, even for a derivative that is the same at all points.
            zeros[index] = tf.zeros([component.shape[0], columns], component.dtype)
        self.tape.watch(list(zeros.values()))
        # The rule must be made now: later the variables no longer read as tensors of theta.
        visited: Any = layer
        if hasattr(visited, "jet_columns"):
            variables = visited.trainable_variables
            columns = visited.jet_columns()
        else:
            variables = [visited.kernel, visited.bias]
            columns = _dense_columns(visited)
        self.variables |= {id(v) for v in variables}
        self._visits.append(_Visit(columns, inputs.components, zeros))
        return outputs.with_components({i: c + zeros[i] for i, c in outputs.components.items()})

    def columns(self, tape: tf.GradientTape, residuals: tf.Tensor) -> dict[int, tf.Tensor]:
        """Return the derivatives [size, n] of residuals [n] by every variable's identity."""
        by_variable: dict[int, tf.Tensor] = {}
        gradients = gradient(tape, residuals, [visit.zeros for visit in self._visits])
        for visit, deltas in zip(self._visits, gradients, strict=True):
            for variable, derivatives in visit.columns(visit.inputs, deltas):
                columns = self._of_points(derivatives)
                # A layer that is visited several times sums up.
                if id(variable) in by_variable:
                    columns = by_variable[id(variable)] + columns
                by_variable[id(variable)] = columns
        return by_variable

    def _of_points(self, derivatives: tf.Tensor) -> tf.Tensor:
        """Return derivatives [size, n] from those [..., n] at points, or [..., n Q] at nodes."""
        nodes = static_size(derivatives, -1) // self.count
        if nodes == 1:
            return tf.reshape(derivatives, [-1, self.count])
        return tf.reduce_sum(tf.reshape(derivatives, [-1, self.count, nodes]), 2)


def gradient(tape: tf.GradientTape, target: Any, source: Any, upstream: Any = None) -> Any:
    """Return a gradient in the structure of `source`, zero where there is no connection."""
    return tape.gradient(
        target, source, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )


def _dense_columns(layer: keras.layers.Dense) -> Columns:
    def columns(inputs: Components, deltas: Components) -> Sequence[tuple[Any, tf.Tensor]]:
        by_kernel = (layer.kernel, outer(inputs, deltas))
        if layer.bias is None:
            return [by_kernel]
        return [by_kernel, (layer.bias, deltas[VALUE])]

    return columns
