"""Jets through Keras models, sequential or functional: dense, activation and merging layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import keras
import tensorflow as tf

from pinn import jets
from pinn.arrays import static_size
from pinn.errors import InputError
from pinn.jets import Index, Jet
from pinn.networks.product import product


class NoTaylorRule(InputError):
    """A layer that only nested automatic differentiation can differentiate."""


LayerHook = Callable[[keras.Operation, Jet, Jet], Jet]
"""(layer, its inputs, its outputs before a dense layer's bias) -> the outputs to continue with."""

Components = Mapping[Index, tf.Tensor]
"""The components [features, n] of a jet, by the derivative's index."""

Columns = Callable[[Components, Components], Sequence[tuple[keras.Variable, tf.Tensor]]]
"""(components of a layer's inputs, derivatives δ by those of its outputs) -> pairs of a variable of
the layer and the derivatives [..., n] by it."""


@runtime_checkable
class JetLayer(Protocol):
    """A layer or model with a Taylor rule of its own."""

    def jet_call(self, inputs: Jet) -> Jet:
        """Return the outputs [outputs, n] for inputs [inputs, n], with all derivatives."""
        ...


@runtime_checkable
class LinearJetLayer(JetLayer, Protocol):
    """A layer with a Taylor rule that is linear in its inputs and has trained variables."""

    def jet_columns(self) -> Columns:
        """Return the function to the derivatives by the layer's variables."""
        ...


def forward(model: keras.Operation, inputs: Jet, *, hook: LayerHook | None = None) -> Jet:
    """Return the model's output [outputs, n] for inputs [inputs, n], with all derivatives.

    Features come first and points last, so that a field is a contiguous row.  A layer or model
    defined elsewhere takes part if it has a method `jet_call(self, inputs: Jet) -> Jet`.

    Args:
        model: a Keras model or layer.
        inputs: the inputs [inputs, n].
        hook: called at every dense layer, and at every layer with a method `jet_columns(self) ->
            Columns`, which must be linear in its inputs; not at layers inside a `jet_call`.

    Raises:
        NoTaylorRule: if a layer has no rule; `derivatives=nested` takes any layer.
    """
    if isinstance(model, JetLayer):
        outputs = model.jet_call(inputs)
        if hook is not None and isinstance(model, LinearJetLayer):
            outputs = hook(model, inputs, outputs)
        return outputs
    if _is_keras_builtin(model):
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                inputs = forward(layer, inputs, hook=hook)
            return inputs
        if isinstance(model, keras.Model):
            return _functional(model, inputs, hook)
        if isinstance(model, keras.layers.Dense):
            return _dense(model, inputs, hook)
        for layer_type, rule in _LAYERS.items():
            if isinstance(model, layer_type):
                return rule(model, inputs)
    raise NoTaylorRule(
        f"forward: layer {model.name!r} ({type(model).__name__}) has no Taylor rule; "
        f"give it a method jet_call, or set derivatives=nested."
    )


def takes_jets(model: keras.Operation) -> bool:
    """Return whether every layer of a model has a Taylor rule."""
    if isinstance(model, JetLayer):
        return True
    if not _is_keras_builtin(model):
        return False
    if isinstance(model, keras.Sequential):
        return all(takes_jets(layer) for layer in model.layers)
    if isinstance(model, keras.Model):
        # The operations and not the layers, which leave out functions such as keras.ops.sin.
        return all(takes_jets(operation) for operation in model.operations)
    activation = getattr(model, "activation", None)
    if activation is not None and not jets.has_rule(getattr(activation, "__name__", "")):
        return False
    return isinstance(model, (keras.layers.Dense, *_LAYERS, *_MERGES))


def _is_keras_builtin(model: object) -> bool:
    """Return whether a layer's class is one of Keras itself; a subclass may compute anything."""
    return type(model).__module__.startswith("keras.")


def _functional(model: keras.Model, inputs: Jet, hook: LayerHook | None) -> Jet:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise NoTaylorRule(
            f"forward: model {model.name!r} has several inputs or outputs; set derivatives=nested."
        )
    values = {id(model.inputs[0]): inputs}

    def value(tensor: Any) -> Jet:
        """Return the jet of a symbolic tensor, evaluated once however many layers take it."""
        if id(tensor) not in values:
            layer, node, _ = tensor._keras_history
            arguments = [value(t) for t in layer._inbound_nodes[node].input_tensors]
            if len(arguments) > 1:
                values[id(tensor)] = _merge(layer, arguments)
            else:
                values[id(tensor)] = forward(layer, arguments[0], hook=hook)
        return values[id(tensor)]

    return value(model.outputs[0])


def _merge(layer: keras.Operation, arguments: list[Jet]) -> Jet:
    for layer_type, rule in _MERGES.items():
        if isinstance(layer, layer_type):
            result = arguments[0]
            for other in arguments[1:]:
                result = rule(result, other)
            return result
    raise NoTaylorRule(
        f"forward: layer {layer.name!r} ({type(layer).__name__}) has no Taylor rule for several "
        f"inputs."
    )


def _concatenate(a: Jet, b: Jet) -> Jet:
    return jets.stack([*_rows(a), *_rows(b)])


def _rows(jet: Jet) -> list[Jet]:
    return [jet[i] for i in range(static_size(jet.value))]


def _dense(layer: keras.layers.Dense, inputs: Jet, hook: LayerHook | None) -> Jet:
    kernel = tf.convert_to_tensor(layer.kernel)
    outputs = inputs.map(lambda component: product(kernel, component))
    if hook is not None:
        outputs = hook(layer, inputs, outputs)
    if layer.use_bias:
        outputs = outputs.shift(tf.convert_to_tensor(layer.bias)[:, None])
    return _activation(layer, outputs)


def _activation(layer: keras.layers.Dense | keras.layers.Activation, inputs: Jet) -> Jet:
    name = getattr(layer.activation, "__name__", type(layer.activation).__name__)
    if not jets.has_rule(name):
        raise NoTaylorRule(
            f"forward: activation {name!r} has no Taylor rule; use tanh or sin, or "
            f"derivatives=nested."
        )
    return jets.apply(name, inputs)


def _rescaling(layer: keras.layers.Rescaling, inputs: Jet) -> Jet:
    # Cast as Keras casts, which rounds Python numbers to single precision first.
    scale = tf.reshape(tf.cast(layer.scale, inputs.dtype), [-1, 1])
    offset = tf.reshape(tf.cast(layer.offset, inputs.dtype), [-1, 1])
    return inputs.map(lambda component: component * scale).shift(offset)


def _identity(layer: keras.Layer, inputs: Jet) -> Jet:
    return inputs


_LAYERS: dict[type[keras.Layer], Callable[[Any, Jet], Jet]] = {
    keras.layers.Activation: _activation,
    keras.layers.Rescaling: _rescaling,
    keras.layers.InputLayer: _identity,
    keras.layers.Identity: _identity,
    keras.layers.Dropout: _identity,  # inactive in inference, which is how losses are computed
}
_MERGES: dict[type[keras.Layer], Callable[[Jet, Jet], Jet]] = {
    keras.layers.Add: lambda a, b: a + b,
    keras.layers.Subtract: lambda a, b: a - b,
    keras.layers.Multiply: lambda a, b: a * b,
    keras.layers.Concatenate: _concatenate,
}
