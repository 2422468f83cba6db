"""One program for all losses that are alike, for tests that solve one small problem many times.

Where functions run eagerly, the derivatives of a loss take nearly all of the time.  Such a test may
trace them once, without XLA, and every later run of an equal problem, network and batch uses them.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf

from pinn.objective import Objective

PROGRAMS: dict[tuple[Any, ...], Callable[..., Any]] = {}


def share(patch: pytest.MonkeyPatch) -> None:
    """Have all eager evaluations of a loss go through shared programs, as long as `patch` lasts."""
    for name in ("_gradient_program", "_losses_program"):
        patch.setattr(Objective, name, _shared(name, vars(Objective)[name].python_function))


def _shared(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def evaluate(objective: Objective, *arguments: Any) -> Any:
        if not tf.executing_eagerly():  # a part of another program
            return function(objective, *arguments)
        tensors = tf.nest.map_structure(_tensor, arguments)
        shapes = tf.nest.map_structure(_shape, tensors)
        key = (name, *_identity(objective), str(shapes))
        if key not in PROGRAMS:
            traced = tf.function(lambda *given: function(objective, *given), autograph=False)
            PROGRAMS[key] = traced.get_concrete_function(*tensors)
        return PROGRAMS[key](*tensors)

    return evaluate


def _tensor(value: Any) -> tf.Tensor | None:
    return None if value is None else tf.convert_to_tensor(value)


def _shape(tensor: tf.Tensor | None) -> str:
    return "" if tensor is None else f"{tensor.dtype.name} {tensor.shape}"


def _identity(objective: Objective) -> tuple[Any, ...]:
    """Return all that a loss depends on, besides its arguments."""
    problem, network = objective.problem, objective.network
    layers = re.sub(r"_\d+\b", "", network.to_json())  # names of layers are numbered
    constants = [variable.numpy().tobytes() for variable in network.non_trainable_variables]
    return (
        type(problem),
        repr(problem),
        layers,
        *constants,
        objective.hard,
        objective.engine,
        objective.terms,
        repr(objective._residuals.operators),
    )
