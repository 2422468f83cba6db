"""A problem in other units: lengths, times and fields times a factor each."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from pinn.geometry import Box, NoSpace
from pinn.problem import Problem, residual, satisfies


def can_be_rescaled(problem: Problem) -> bool:
    """Return whether `in_units` knows the problem's domain."""
    return isinstance(problem.space, Box | NoSpace) and not problem.unknown_fields


def in_units(
    problem: Problem, *, length: float, time: float, field: float, equation: float = 1.0
) -> Problem:
    """Return a problem whose solution is field × that of `problem`, at coordinates × length, time.

    Args:
        problem: the problem.
        length: factor of the space coordinates.
        time: factor of the time.
        field: factor of all fields.
        equation: factor of all residuals.
    """
    units = dict.fromkeys(problem.space.coordinates, length) | {"t": time}
    members: dict[str, Any] = {
        "__module__": __name__,
        "fields": problem.fields,
        "positive_fields": problem.positive_fields,
        "space": _scaled_space(problem, length),
        "time": problem.time and tuple(time * edge for edge in problem.time),
        "log_time": problem.log_time and time * problem.log_time,
        "gauge": problem.gauge,
        "periodic": problem.periodic,
        "symmetries": problem.symmetries,
    }
    for term in problem.terms:
        factors = []
        for symbol in term.symbols:
            if symbol.kind == "coordinate":
                factors.append(units[symbol.name])
                continue
            factor = field
            for coordinate in symbol.index:
                factor /= units[coordinate]
            if symbol.kind == "laplacian":
                factor /= length**2
            if symbol.kind == "normal":
                factor /= length
            factors.append(factor)
        method = _method(getattr(problem, term.name), factors, equation)
        members[term.name] = residual(on=term.region)(method)
    if problem.satisfied:
        members["ansatz"] = satisfies(*problem.satisfied)(_ansatz(problem, units, field))

    def reference(self: Problem, **coordinates: np.ndarray) -> dict[str, np.ndarray] | None:
        points = [coordinates[name] / units[name] for name in problem.coordinates]
        values = problem.reference_at(np.stack(points, 1))
        return values and {name: field * value for name, value in values.items()}

    members["reference"] = reference
    return type(f"Rescaled{type(problem).__name__}", (Problem,), members)()


def _method(method: Any, factors: list[float], equation: float) -> Any:
    def rescaled(self: Problem, *values: Any) -> Any:
        plain = [value * (1 / f) for value, f in zip(values, factors, strict=True)]
        return method(*plain) * equation

    return _signed(rescaled, method)


def _ansatz(problem: Problem, units: dict[str, float], field: float) -> Any:
    names = list(inspect.signature(problem.ansatz).parameters)

    def rescaled(self: Problem, *values: Any) -> Any:
        plain = []
        for name, value in zip(names, values, strict=True):
            if name == "net" and isinstance(value, tuple):
                plain.append(tuple(part * (1 / field) for part in value))
            else:
                plain.append(value * (1 / units.get(name, field)))
        result = problem.ansatz(*plain)
        if isinstance(result, tuple):
            return tuple(part * field for part in result)
        return result * field

    def by_name(self: Problem, **values: Any) -> Any:
        return rescaled(self, *(values[name] for name in names))

    return _signed(by_name, problem.ansatz)


def _signed(function: Any, method: Any) -> Any:
    """Give a function the parameters of a bound method, after `self`."""
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [own, *inspect.signature(method).parameters.values()]
    function.__signature__ = inspect.Signature(parameters)
    return function


def _scaled_space(problem: Problem, length: float) -> Any:
    if isinstance(problem.space, NoSpace):
        return NoSpace()
    ranges = {c: (length * a, length * b) for c, (a, b) in problem.space.ranges.items()}
    return type(problem.space)(**ranges)
