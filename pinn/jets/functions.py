"""Functions of jets by their names, and TensorFlow's own functions dispatched to them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Union

import numpy as np
import tensorflow as tf

from pinn.elementary import RULES
from pinn.errors import InputError
from pinn.jets.jet import Jet, compose

JET_RULES: dict[str, Callable[[Jet], Jet]] = {
    "linear": lambda jet: jet,
    "identity": lambda jet: jet,
    "neg": lambda jet: -jet,
    "negative": lambda jet: -jet,
    "abs": lambda jet: abs(jet),
    "square": lambda jet: jet * jet,
    "sqrt": lambda jet: jet**0.5,
    "rsqrt": lambda jet: jet**-0.5,
    "reciprocal": lambda jet: jet**-1,
}
_BINARY: dict[str, str] = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "truediv",
    "truediv": "truediv",
    "pow": "pow",
}


def has_rule(name: str) -> bool:
    """Say whether the function of that name (TensorFlow's, or Keras' for an activation) takes jets."""
    return name in RULES or name in JET_RULES


def apply(name: str, jet: Jet) -> Jet:
    """Return the jet behind the function of that name.

    Raises:
        InputError: if the function has no Taylor rule.
    """
    if name in JET_RULES:
        return JET_RULES[name](jet)
    if name in RULES:
        return compose(RULES[name](jet.value), jet)
    known = ", ".join(sorted(RULES))
    raise InputError(
        f"Jet: no Taylor rule for tf.{name}; use one of {known}, or set derivatives=nested."
    )


@tf.experimental.dispatch_for_unary_elementwise_apis(Jet)
def _dispatch_unary(api: Any, x: Any) -> Any:
    # TensorFlow binds further arguments, such as a name, in a lambda around the function itself.
    hidden = inspect.getclosurevars(api).nonlocals if api.__name__ == "<lambda>" else {}
    return apply(getattr(hidden.get("api"), "__name__", api.__name__), x)


def _dispatch_binary(api: Any, x: Any, y: Any) -> Any:
    if api.__name__ not in _BINARY:
        raise InputError(
            f"Jet: no Taylor rule for tf.{api.__name__}; use + - * / ** or set derivatives=nested."
        )
    operator = _BINARY[api.__name__]
    return (
        getattr(x, f"__{operator}__")(y)
        if isinstance(x, Jet)
        else getattr(y, f"__r{operator}__")(x)
    )


# Two overlapping registrations are an error in TensorFlow, so the right-hand jet's partner is no
# jet; its dispatch takes typing.Union only, not the | of types.
_Constant = Union[tf.Tensor, tf.Variable, np.ndarray, np.generic, float, int]  # noqa: UP007
tf.experimental.dispatch_for_binary_elementwise_apis(Jet, object)(_dispatch_binary)
tf.experimental.dispatch_for_binary_elementwise_apis(_Constant, Jet)(_dispatch_binary)
