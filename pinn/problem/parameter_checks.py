"""Checks of the parameters of a problem: their ranges, their names, and what contradicts them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pinn.derivatives import spells_derivative
from pinn.errors import InputError
from pinn.parameters import Parameter, parameter_of
from pinn.problem.declaration import FINAL_TIME, POSITIVE

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

_TAKEN = ("t", "n", "data", "net")


def checked_parameters(problem: Problem) -> dict[str, Parameter]:
    """Return the coefficients whose values are ranges, by name.

    Raises:
        InputError: for a range that is none, or of a coefficient that cannot have one.
    """
    title = type(problem).__name__
    parameters = {}
    for coefficient in dataclasses.fields(problem):
        name = coefficient.name
        value: Any = getattr(problem, name)
        is_range = isinstance(value, Parameter | Mapping)
        is_coefficient = isinstance(coefficient.default, int | float | Parameter)
        if not is_range or not is_coefficient or isinstance(coefficient.default, bool):
            continue
        where = f"{title}: {name}"
        demands = problem.demands(name)
        if demands.get(FINAL_TIME):
            raise InputError(f"{where}={value!r}: it is the final time; give one number.")
        found = parameter_of(where, value, coefficient.default)
        if demands.get(POSITIVE) and found.lower <= 0:
            raise InputError(f"{where}: lower={found.lower}; {name} is positive, so raise it.")
        parameters[name] = found
    return parameters


def check_parameters(problem: Problem) -> None:
    """Raise an InputError for a parameter with a name that is taken, or that is of no use.

    The fields, the space and the time of the problem are known to be good.
    """
    title = type(problem).__name__
    others = [c for c in problem.coordinates if c not in problem.parameters]
    if problem.parameters and not others:
        raise InputError(
            f"{title}: {', '.join(problem.parameters)}: there is no other coordinate; declare "
            "space or time."
        )
    for name in problem.parameters:
        where = f"{title}: {name} is a parameter, so that u_{name} is a derivative"
        rest = [c for c in problem.coordinates if c != name]
        taken = (*_TAKEN, *problem.functions, *problem.space.coordinates)
        if "_" in name or name in taken or spells_derivative(name, rest):
            raise InputError(f"{where}; choose a name without _ that means nothing else.")
        if name in (problem.unknowns or {}):
            raise InputError(
                f"{title}: unknown {name}: it is a parameter, for all of whose values the problem "
                f"is solved; give it a number, as in problem.{name}=1.0, or leave it out of the "
                "unknowns."
            )
    if problem.parameters and problem.gauge:
        raise InputError(
            f"{title}: {', '.join(problem.gauge)} is known up to a constant, another one for each "
            f"{', '.join(problem.parameters)}; give the parameter a number, or add a residual that "
            "fixes the constant."
        )
