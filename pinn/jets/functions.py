# pyright: strict, reportUnknownMemberType=false
"""Functions of jets by name, and the dispatch of TensorFlow's own functions to them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Union

import numpy as np
import tensorflow as tf

from pinn.elementary import RULES
from pinn.errors import InputError
from pinn.jets.jet import Jet, compose, where

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
    """Return whether a function takes jets.

    `name` is TensorFlow's name of the function, or Keras' name of an activation.
    """
    return name in RULES or name in JET_RULES


def apply(name: str, jet: Jet) -> Jet:
    """Return the function of that name, applied to a jet.

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


def _dispatch_unary(api: Callable[..., Any], x: Jet) -> Jet:
    # TensorFlow binds further arguments, such as a name, in a lambda around the function itself.
    captured: Mapping[str, Any] = {}
    if api.__name__ == "<lambda>":
        captured = inspect.getclosurevars(api).nonlocals
    function = captured.get("api", api)
    return apply(getattr(function, "__name__", api.__name__), x)


def _dispatch_binary(api: Callable[..., Any], x: Any, y: Any) -> Jet:
    if api.__name__ not in _BINARY:
        raise InputError(
            f"Jet: no Taylor rule for tf.{api.__name__}; use + - * / ** or set derivatives=nested."
        )
    operator = _BINARY[api.__name__]
    if isinstance(x, Jet):
        return getattr(x, f"__{operator}__")(y)
    return getattr(y, f"__r{operator}__")(x)


# TensorFlow rejects two registrations that overlap, so a jet on the right has a left operand that
# is no jet.  The dispatch takes typing.Union only, not the | of types.
_NoJet = Union[tf.Tensor, tf.Variable, np.ndarray, np.generic, float, int]  # noqa: UP007
tf.experimental.dispatch_for_unary_elementwise_apis(Jet)(_dispatch_unary)
tf.experimental.dispatch_for_binary_elementwise_apis(Jet, object)(_dispatch_binary)
tf.experimental.dispatch_for_binary_elementwise_apis(_NoJet, Jet)(_dispatch_binary)


def _dispatch_where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Jet:
    return where(condition, x, y)


tf.experimental.dispatch_for_api(tf.where, {"x": Jet})(_dispatch_where)
tf.experimental.dispatch_for_api(tf.where, {"y": Jet})(_dispatch_where)
