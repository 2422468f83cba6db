"""One program for all losses that are alike, for tests that solve one small problem many times.

Where functions run eagerly, the derivatives of a loss take nearly all of the time.  Such a test may
trace them once, without XLA, and every later run of an equal problem, network and batch uses them.
"""

import re
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import pytest
import tensorflow as tf

from pinn.objective import Evaluator, LeastSquares, Objective

COMPILED = (
    (Objective, "_gradient_program"),
    (Objective, "_losses_program"),
    (LeastSquares, "_columns"),
    (LeastSquares, "_residuals_program"),
    (LeastSquares, "_vjp_program"),
    (Evaluator, "_chunk"),
)
"""The methods that XLA compiles."""

PROGRAMS: dict[tuple[Any, ...], Callable[..., Any]] = {}
IDENTITIES: WeakKeyDictionary[Objective, tuple[Any, ...]] = WeakKeyDictionary()


def share(patch: pytest.MonkeyPatch) -> None:
    """Have all eager evaluations of a loss go through shared programs, as long as `patch` lasts."""
    for kind, name in COMPILED:
        patch.setattr(kind, name, _shared(name, vars(kind)[name]))


def _shared(name: str, program: Any) -> Callable[..., Any]:
    def evaluate(owner: Any, *arguments: Any, **settings: Any) -> Any:
        if not tf.executing_eagerly():  # a part of another program
            return program.__get__(owner, type(owner))(*arguments, **settings)
        tensors = tf.nest.map_structure(_tensor, arguments)
        shapes = tf.nest.map_structure(_shape, tensors)
        symbols = getattr(owner, "symbols", ())  # of an evaluator
        objective = getattr(owner, "objective", owner)
        if objective not in IDENTITIES:
            IDENTITIES[objective] = _identity(objective)
        key = (name, *IDENTITIES[objective], repr(symbols), repr(settings), str(shapes))
        if key not in PROGRAMS:

            def function(*given: Any) -> Any:
                return program.python_function(owner, *given, **settings)

            PROGRAMS[key] = tf.function(function, autograph=False).get_concrete_function(*tensors)
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
        repr(objective.scales),
        *(rule.size for rule in objective.values._rules.values()),
        repr(objective._residuals.operators),
    )
