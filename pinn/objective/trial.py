"""The trial solution: a network, and the problem's ansatz around it where conditions are built in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from pinn import jets
from pinn.derivatives import Trial
from pinn.errors import InputError
from pinn.jets import Jet
from pinn.networks import LayerHook, forward
from pinn.problem import Problem, call


def trial(
    problem: Problem,
    network: Any,
    *,
    hard: bool,
    hook: LayerHook | None = None,
    delay: tf.Tensor | None = None,
) -> Trial:
    """Return the function from coordinates (tensors [n] or jets) to fields by name; `hook` as in `forward`.

    `delay` is taken from the time that the network sees, in windows of time that share one network.

    Raises:
        InputError: when called, if the ansatz does not return as many fields as the problem has.
    """

    def fields(coordinates: Mapping[str, Any]) -> dict[str, Any]:
        columns = [coordinates[c] for c in problem.coordinates]
        if delay is not None:
            columns[-1] = columns[-1] - delay
        if isinstance(columns[0], Jet):
            output = forward(network, jets.stack(columns), hook=hook).map(_settled)
            net = tuple(output[i] for i in range(len(problem.functions)))
        else:
            # Keras layers cast their inputs in silence; the network's dtype is checked where it is
            # built.
            output = network(tf.stack(columns, axis=1), training=False)
            net = tuple(output[:, i] for i in range(len(problem.functions)))
        net, others = net[: len(problem.fields)], net[len(problem.fields) :]
        if hard:
            one = net[0] if len(net) == 1 else net
            found = call(problem.ansatz, {**coordinates, "net": one})
            net = found if isinstance(found, tuple) else (found,)
            if len(net) != len(problem.fields):
                name = type(problem).__name__
                raise InputError(
                    f"{name}.ansatz: returned {len(net)} fields, not {len(problem.fields)}; return all."
                )
        unknown = zip(problem.unknown_fields.values(), others, strict=True)
        return dict(
            zip(problem.functions, (*net, *(f.value(output) for f, output in unknown)), strict=True)
        )

    return fields


def _settled(output: tf.Tensor) -> tf.Tensor:
    """Return the output; XLA computes the loss's derivative by it once.

    It is one number a point and goes to every unit of the last layer.  XLA would copy all that
    leads to it, the ansatz's derivative and the residual's, into the loop over units; a division it
    takes to be too dear for that.
    """
    found: Any = _identity(output)  # custom_gradient hides its function's type
    return found


@tf.custom_gradient
def _identity(output: tf.Tensor) -> tuple[tf.Tensor, Any]:
    return output, lambda upstream: upstream / (1 + 0 * upstream)
