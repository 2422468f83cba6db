"""Jets through Keras models: `Sequential` and functional models of dense, activation and merging layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from pinn import jets
from pinn.arrays import static_size
from pinn.errors import InputError
from pinn.jets import Index, Jet
from pinn.networks.product import product


class NoTaylorRule(InputError):
    """A layer that only nested automatic differentiation can take."""


LayerHook = Callable[[Any, Jet, Jet], Jet]
"""(layer, its inputs, its outputs before a dense layer's bias) -> those outputs, to go on with."""

Columns = Callable[
    [Mapping[Index, tf.Tensor], Mapping[Index, tf.Tensor]], list[tuple[Any, tf.Tensor]]
]
"""(components of a layer's inputs, derivatives δ by those of its outputs) -> the derivatives [..., n] by its variables."""


def forward(model: Any, inputs: Jet, *, hook: LayerHook | None = None) -> Jet:
    """Return the model's output [outputs, n] for inputs [inputs, n], with all derivatives.

    Features come first, points last: a field is then a contiguous row.  A layer or model of your
    own takes part by a method `jet_call(self, inputs: Jet) -> Jet`.  `hook` sees every dense layer
    but those inside it, and those of your own that have a method `jet_columns(self) -> Columns` and
    are linear in what they are given.

    Raises:
        NoTaylorRule: if a layer has no rule; `derivatives=nested` takes any layer.
    """
    if hasattr(model, "jet_call"):
        outputs = model.jet_call(inputs)
        return hook(model, inputs, outputs) if hook and hasattr(model, "jet_columns") else outputs
    if _is_keras_builtin(model):
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                inputs = forward(layer, inputs, hook=hook)
            return inputs
        if isinstance(model, keras.Model):
            return _functional(model, inputs, hook)
        if isinstance(model, keras.layers.Dense):
            return _dense(model, inputs, hook)
        for kind, rule in _LAYERS.items():
            if isinstance(model, kind):
                return rule(model, inputs)
    raise NoTaylorRule(
        f"forward: layer {model.name!r} ({type(model).__name__}) has no Taylor rule; "
        f"give it a method jet_call, or set derivatives=nested."
    )


def takes_jets(model: Any) -> bool:
    """Say whether every layer of a model has a Taylor rule."""
    if hasattr(model, "jet_call"):
        return True
    if not _is_keras_builtin(model):
        return False
    if isinstance(model, keras.Sequential):
        return all(takes_jets(layer) for layer in model.layers)
    if isinstance(model, keras.Model):
        # Its operations, not its layers: those leave out functions such as keras.ops.sin.
        return all(takes_jets(operation) for operation in model.operations)
    activation = getattr(model, "activation", None)
    if activation is not None and not jets.has_rule(getattr(activation, "__name__", "")):
        return False
    return isinstance(model, (keras.layers.Dense, *_LAYERS, *_MERGES))


def _is_keras_builtin(model: Any) -> bool:
    """Say whether a model or layer is of a class of Keras itself; a subclass may compute anything."""
    return type(model).__module__.startswith("keras.")


def _functional(model: Any, inputs: Jet, hook: LayerHook | None) -> Jet:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise NoTaylorRule(
            f"forward: model {model.name!r} has several inputs or outputs; set derivatives=nested."
        )
    known = {id(model.inputs[0]): inputs}

    def value(tensor: Any) -> Jet:
        if id(tensor) not in known:
            layer, node, _ = tensor._keras_history
            arguments = [value(t) for t in layer._inbound_nodes[node].input_tensors]
            many = len(arguments) > 1
            known[id(tensor)] = (
                _merge(layer, arguments) if many else forward(layer, arguments[0], hook=hook)
            )
        return known[id(tensor)]

    return value(model.outputs[0])


def _merge(layer: Any, arguments: list[Jet]) -> Jet:
    for kind, rule in _MERGES.items():
        if isinstance(layer, kind):
            result = arguments[0]
            for other in arguments[1:]:
                result = rule(result, other)
            return result
    raise NoTaylorRule(
        f"forward: layer {layer.name!r} ({type(layer).__name__}) has no Taylor rule for several inputs."
    )


def _concatenate(a: Jet, b: Jet) -> Jet:
    return jets.stack([jet[i] for jet in (a, b) for i in range(static_size(jet.value))])


def _dense(layer: Any, inputs: Jet, hook: LayerHook | None) -> Jet:
    kernel = tf.convert_to_tensor(layer.kernel)
    outputs = inputs.map(lambda component: product(kernel, component))
    if hook:
        outputs = hook(layer, inputs, outputs)
    if layer.use_bias:
        outputs = outputs.shift(tf.convert_to_tensor(layer.bias)[:, None])
    return _activation(layer, outputs)


def _activation(layer: Any, inputs: Jet) -> Jet:
    name = getattr(layer.activation, "__name__", type(layer.activation).__name__)
    if not jets.has_rule(name):
        raise NoTaylorRule(
            f"forward: activation {name!r} has no Taylor rule; use tanh or sin, or derivatives=nested."
        )
    return jets.apply(name, inputs)


def _rescaling(layer: Any, inputs: Jet) -> Jet:
    # Cast as Keras does, which rounds Python numbers to single precision on the way.
    scale, offset = (
        tf.reshape(tf.cast(v, inputs.dtype), [-1, 1]) for v in (layer.scale, layer.offset)
    )
    return inputs.map(lambda component: component * scale).shift(offset)


_LAYERS: dict[Any, Callable[[Any, Jet], Jet]] = {
    keras.layers.Activation: _activation,
    keras.layers.Rescaling: _rescaling,
    keras.layers.InputLayer: lambda layer, inputs: inputs,
    keras.layers.Identity: lambda layer, inputs: inputs,
    keras.layers.Dropout: lambda layer, inputs: (
        inputs
    ),  # inactive in inference, which is how losses are computed
}
_MERGES: dict[Any, Callable[[Jet, Jet], Jet]] = {
    keras.layers.Add: lambda a, b: a + b,
    keras.layers.Subtract: lambda a, b: a - b,
    keras.layers.Multiply: lambda a, b: a * b,
    keras.layers.Concatenate: _concatenate,
}
