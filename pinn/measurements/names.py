"""Names of what can be measured: fields, unknown functions, their derivatives, and integrals."""

from __future__ import annotations

from collections.abc import Iterable

from pinn.derivatives import is_measurable
from pinn.errors import InputError, did_you_mean
from pinn.objective import draw
from pinn.problem import Problem

SIGMA = "_sigma"
"""What follows a name in the name of the column of its standard deviations."""


def can_be_measured(problem: Problem, name: object) -> bool:
    """Return whether a name is that of a field, a function, a derivative of one, or an integral."""
    if not isinstance(name, str):
        return False
    known = problem.functions
    is_local = is_measurable(name, coordinates=problem.coordinates, fields=known)
    return is_local or name in problem.integrals


def check_measured(problem: Problem, name: str, where: str) -> None:
    """Raise an InputError, which begins with `where`, for what cannot be measured."""
    if not can_be_measured(problem, name):
        known = (*problem.functions, *problem.integrals)
        raise InputError(f"{where}: no such name in the problem.{did_you_mean(str(name), known)}")
    symbol = problem.symbol(name, where)
    if symbol.kind in ("normal", "laplacian") and not problem.space.coordinates:
        raise InputError(f"{where}: {name} needs a problem in space; leave it out.")


def is_normal(problem: Problem, name: str) -> bool:
    """Return whether a measured name is that of a normal derivative."""
    return problem.symbol(name).kind == "normal"


def coordinates_of(problem: Problem, names: Iterable[str]) -> tuple[str, ...]:
    """Return the coordinates on which what was measured depends: an integral not on all."""
    integrals = problem.integrals
    needed: set[str] = set()
    for name in names:
        needed.update(integrals[name].own if name in integrals else problem.coordinates)
    return tuple(c for c in problem.coordinates if c in needed)


def somewhere(problem: Problem) -> dict[str, float]:
    """Return a point of the domain by coordinate, for measurements that depend on none of it."""
    (point,) = draw(problem, "interior", 1).coordinates.tolist()
    return dict(zip(problem.coordinates, point, strict=True))
