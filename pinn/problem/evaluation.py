"""Functions of users, called by the names of their parameters, and what they may return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pinn.errors import InputError, did_you_mean


def call(function: Callable[..., Any], available: Mapping[str, Any]) -> Any:
    """Call a function with those of the `available` values that its parameters name.

    Raises:
        InputError: for a parameter that is not available.
    """
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return function(**available)
    arguments = {}
    for parameter in parameters:
        if parameter.name not in available:
            name = getattr(function, "__qualname__", str(function))
            raise InputError(
                f"{name}: unknown parameter {parameter.name!r}."
                f"{did_you_mean(parameter.name, available)}"
            )
        arguments[parameter.name] = available[parameter.name]
    return function(**arguments)


def reference_columns(
    values: Any, functions: Sequence[str], columns: Mapping[str, np.ndarray], where: str
) -> dict[str, np.ndarray]:
    """Return the reference of every function at points, [n] each, from what a user's method gave.

    Args:
        values: what the method returned: numbers or arrays [n] by name.
        functions: the names that it must have.
        columns: the coordinates of the points, [n] each.
        where: the method's name, for messages.

    Raises:
        InputError: if a function is missing, or has values of another shape or not finite.
    """
    if not isinstance(values, Mapping):
        raise InputError(
            f"{where}: returns a {type(values).__name__}; return a dict, such as {{'u': …}}."
        )
    count = len(next(iter(columns.values())))
    reference = {}
    for name in functions:
        if name not in values:
            raise InputError(
                f"{where}: lacks field {name!r} (it has {', '.join(values) or 'none'}); return "
                "them all."
            )
        value = np.asarray(values[name], float)
        if value.shape not in ((), (count,)):
            raise InputError(
                f"{where}: field {name!r} has shape {value.shape} at {count} points; return one "
                "value per point."
            )
        value = np.broadcast_to(value, (count,))
        bad = ~np.isfinite(value)
        if bad.any():
            point = ", ".join(f"{c}={column[bad][0]:.6g}" for c, column in columns.items())
            raise InputError(
                f"{where}: field {name!r} is not finite at {point}; correct the formula."
            )
        reference[name] = value
    return reference
