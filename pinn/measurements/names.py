"""Names of what can be measured: fields, unknown functions, and derivatives of both."""

from __future__ import annotations

from pinn.derivatives import is_measurable, parse
from pinn.errors import InputError, did_you_mean
from pinn.problem import Problem

SIGMA = "_sigma"
"""What follows a name in the name of the column of its standard deviations."""


def can_be_measured(problem: Problem, name: object) -> bool:
    """Return whether a name is that of a field, a function or a derivative of one."""
    known = problem.functions
    return isinstance(name, str) and is_measurable(
        name, coordinates=problem.coordinates, fields=known
    )


def check_measured(problem: Problem, name: str, where: str) -> None:
    """Raise an InputError, which begins with `where`, for what cannot be measured."""
    if not can_be_measured(problem, name):
        raise InputError(
            f"{where}: no such name in the problem.{did_you_mean(str(name), problem.functions)}"
        )
    symbol = parse(name, coordinates=problem.coordinates, fields=problem.functions, where=where)
    if symbol.kind in ("normal", "laplacian") and not problem.space.coordinates:
        raise InputError(f"{where}: {name} needs a problem in space; leave it out.")


def is_normal(problem: Problem, name: str) -> bool:
    """Return whether a measured name is that of a normal derivative."""
    symbol = parse(name, coordinates=problem.coordinates, fields=problem.functions, where=name)
    return symbol.kind == "normal"
