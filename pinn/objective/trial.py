"""The trial solution: a network, with the problem's ansatz around it where constraints are hard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from pinn import jets
from pinn.derivatives import Trial
from pinn.flat import FlatVariables
from pinn.jets import Jet
from pinn.networks import LayerHook, forward
from pinn.objective.batch import FIRST_STAGE, StageParameters
from pinn.objective.method_checks import check_fields
from pinn.objective.scales import UNIT, FieldScale
from pinn.problem import Problem, call
from pinn.problem.materials import bound_to_points
from pinn.problem.user_code import user_code

Quantity = tf.Tensor | Jet
"""Values [n] at points, or the jet of a function there."""

NO_SCALES: Mapping[str, FieldScale] = {}
NO_MATERIALS: Mapping[str, tf.Tensor] = {}


def trial(
    problem: Problem,
    network: keras.Model,
    *,
    hard: bool,
    hook: LayerHook | None = None,
    stage: StageParameters = FIRST_STAGE,
    scales: Mapping[str, FieldScale] = NO_SCALES,
    materials: Mapping[str, tf.Tensor] = NO_MATERIALS,
    flat: FlatVariables | None = None,
) -> Trial:
    """Return the function from coordinates (tensors [n] or jets) to functions by name.

    Args:
        problem: the problem with its present coefficients.
        network: the network.
        hard: whether the ansatz is applied to the network's output.
        hook: as in `forward`.
        stage: the parameters of the stage, which say what time the network sees.
        scales: offset and scale by function; (0, 1) where a name is missing.
        materials: in which material the points lie, 1 or 0 [n] by material.
        flat: the variables of a linearized network.

    Raises:
        InputError: when called, if the ansatz fails, or does not return one value per point for
            every field of the problem.
    """

    def outputs_of(part: keras.Model, inputs: list[Quantity], count: int) -> tuple[Quantity, ...]:
        if flat is None or stage.center is None:
            return _outputs(part, inputs, count, hook)
        return _linearized_outputs(part, inputs, count, hook, flat, flat.partition(stage.center))

    def functions(coordinates: Mapping[str, Quantity]) -> dict[str, Quantity]:
        inputs = problem.seen([coordinates[c] for c in problem.coordinates])
        if stage.time_factor is not None:
            inputs[-1] = inputs[-1] * stage.time_factor
        if stage.time_offset is not None:
            inputs[-1] = inputs[-1] - stage.time_offset
        if not problem.laws:
            outputs = outputs_of(network, inputs, problem.outputs)
            return functions_of(
                problem, outputs, coordinates, hard=hard, scales=scales, materials=materials
            )
        # The networks one by one, as those of laws take the fields that the ansatz makes.
        seen = dict(zip(problem.coordinates, inputs, strict=True))
        outputs = outputs_of(network.get_layer("fields"), inputs, len(problem.fields))

        def unknown_field(name: str, fields: Mapping[str, Quantity]) -> Quantity:
            return unknown_field_output(problem, network, name, seen, fields, scales, hook=hook)

        return functions_of(
            problem, outputs, coordinates, hard=hard, scales=scales, unknown_field=unknown_field
        )

    return functions


def unknown_field_output(
    problem: Problem,
    network: keras.Model,
    name: str,
    seen: Mapping[str, Quantity],
    fields: Mapping[str, Quantity],
    scales: Mapping[str, FieldScale],
    *,
    hook: LayerHook | None = None,
) -> Quantity:
    """Return the output of an unknown field's own network, a tensor [n] or a jet.

    Args:
        problem: the problem.
        network: all networks, side by side.
        name: the unknown field.
        seen: what networks see of the coordinates, by name.
        fields: the fields by name, which the network takes in units of their scales.
        scales: offset and scale by function; (0, 1) where a name is missing.
        hook: as in `forward`.
    """
    taken: list[Quantity] = []
    for argument in problem.unknown_fields[name].arguments:
        if argument in seen:
            taken.append(seen[argument])
        else:
            scale = scales.get(argument, UNIT)
            positive = argument in problem.positive_fields
            taken.append(scale.inverse(fields[argument], positive=positive))
    (output,) = _outputs(network.get_layer(name), taken, 1, hook)
    return output


def functions_of(
    problem: Problem,
    outputs: Sequence[Quantity],
    coordinates: Mapping[str, Quantity],
    *,
    hard: bool,
    scales: Mapping[str, FieldScale] = NO_SCALES,
    materials: Mapping[str, tf.Tensor] = NO_MATERIALS,
    unknown_field: Callable[[str, Mapping[str, Quantity]], Quantity] | None = None,
) -> dict[str, Quantity]:
    """Return a problem's functions by name for the outputs [n] of a network.

    Args:
        problem: the problem with its present coefficients.
        outputs: tensors or jets, the fields' before the unknown fields'; with materials, the fields
            of each one in turn.
        coordinates: the coordinates by name, tensors or jets as the outputs are.
        hard: whether the ansatz is applied to the fields.
        scales: offset and scale by function; (0, 1) where a name is missing.
        materials: in which material the points lie, 1 or 0 [n] by material.
        unknown_field: (name, the fields by name) -> the output [n] for an unknown field; None: it
            is among the outputs.

    Raises:
        InputError: if the ansatz fails, or does not return one value per point for every field.
    """
    count = len(problem.fields)
    if problem.materials:
        outputs = _of_materials(outputs, count, [materials[name] for name in problem.materials])
    fields: tuple[Quantity, ...] = ()
    for name, output in zip(problem.fields, outputs[:count], strict=True):
        scale = scales.get(name, UNIT)
        positive = name in problem.positive_fields
        fields += (scale.apply_positive(output) if positive else scale.apply(output),)
    if hard:
        here = bound_to_points(problem.at(coordinates), materials)
        fields = constrained(here, coordinates, fields)
    values = dict(zip(problem.fields, fields, strict=True))
    for i, name in enumerate(problem.unknown_fields):
        output = outputs[count + i] if unknown_field is None else unknown_field(name, values)
        values[name] = unknown_field_value(problem, name, output, scales)
    return values


def unknown_field_value(
    problem: Problem, name: str, output: Quantity, scales: Mapping[str, FieldScale]
) -> Quantity:
    """Return the values of an unknown field for the output of its network, a tensor or a jet."""
    scale = scales.get(name, UNIT)
    unknown = problem.unknown_fields[name]
    return unknown.value(output, offset=scale.offset, scale=scale.scale)


def _of_materials(
    outputs: Sequence[Quantity], count: int, materials: Sequence[tf.Tensor]
) -> list[Quantity]:
    """Return the outputs [n] of the material of every point: `count` fields, then all others."""
    chosen: list[Any] = []
    for field in range(count):
        products = [outputs[i * count + field] * m for i, m in enumerate(materials)]
        chosen.append(sum(products[1:], start=products[0]))
    return [*chosen, *outputs[count * len(materials) :]]


def _outputs(
    network: keras.Model,
    inputs: list[Quantity],
    count: int,
    hook: LayerHook | None,
    *,
    once: bool = True,
) -> tuple[Quantity, ...]:
    """Return the network's outputs one by one, as jets where the inputs are.

    Args:
        network: the network.
        inputs: its inputs [n].
        count: the number of its outputs.
        hook: as in `forward`.
        once: whether XLA is to compute the derivatives by the outputs only once.
    """
    if isinstance(inputs[0], Jet):
        stacked = forward(network, jets.stack(inputs), hook=hook)
        if once:
            stacked = stacked.map(_computed_once)
        return tuple(stacked[i] for i in range(count))
    # Keras layers cast their inputs silently; the network's dtype is checked where it is built.
    columns = network(tf.stack(inputs, axis=1), training=False)
    return tuple(columns[:, i] for i in range(count))


def _linearized_outputs(
    network: keras.Model,
    inputs: list[Quantity],
    count: int,
    hook: LayerHook | None,
    flat: FlatVariables,
    center: Sequence[tf.Tensor],
) -> tuple[Quantity, ...]:
    """Return N(θ₀) + (∂N/∂θ)(θ₀) (θ − θ₀), as `_outputs` returns N(θ).

    Args:
        network: the network.
        inputs: as in `_outputs`.
        count: the number of outputs.
        hook: as in `forward`; it sees N(θ₀), whose derivatives by θ₀ are those of the result by θ.
        flat: the variables, which have the values θ.
        center: θ₀, in the shapes of the variables.
    """
    changes = [v - c for v, c in zip(flat.values(), center, strict=True)]
    with flat.scope(center):
        with tf.autodiff.ForwardAccumulator(center, changes) as along:
            plain = _outputs(network, inputs, count, None, once=False)
        outputs = plain if hook is None else _outputs(network, inputs, count, hook)

    def slope(value: tf.Tensor) -> tf.Tensor:
        return along.jvp(value, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    total: list[Quantity] = []
    for output, value in zip(outputs, plain, strict=True):
        total.append(output + (value.map(slope) if isinstance(value, Jet) else slope(value)))
    return tuple(total)


def constrained(
    problem: Problem, coordinates: Mapping[str, Quantity], net: tuple[Quantity, ...]
) -> tuple[Quantity, ...]:
    """Return the fields that the ansatz makes of the network's outputs."""
    available = {**coordinates, "net": net[0] if len(net) == 1 else net}
    problem = problem.at(coordinates)
    with user_code(problem, "ansatz", net[0].dtype.name):
        result = call(problem.ansatz, available)
    fields = result if isinstance(result, tuple) else (result,)
    check_fields(problem, fields, like=net[0])
    return fields


def _computed_once(output: tf.Tensor) -> tf.Tensor:
    """Return the output, such that XLA computes the loss's derivative by it only once.

    This derivative is one number per point and goes to every unit of the last layer.  XLA would
    copy all operations that lead to it (the derivatives of the ansatz and of the residual) into
    the loop over units.  It never copies a division, because it takes divisions to be expensive.
    """
    identical: Any = _identity(output)  # custom_gradient hides its function's type
    return identical


@tf.custom_gradient
def _identity(output: tf.Tensor) -> tuple[tf.Tensor, Any]:
    return output, lambda upstream: upstream / (1 + 0 * upstream)
