"""Delayed fields: values of fields at earlier times, with a given past."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pinn.derivatives import parse
from pinn.errors import InputError, did_you_mean
from pinn.parameters import Parameter
from pinn.problem.names import is_finite
from pinn.unknowns import Unknown

if TYPE_CHECKING:
    from pinn.problem.problem import Problem


@dataclass(frozen=True)
class Delay:
    """The value of a field at an earlier time, u(t − τ), such as `Delay("u", t=1.0, past=1.0)`.

    Residuals take it, and its derivatives, by the name under which `Problem.delays` has it.

    Attributes:
        field: the name of the field.
        t: the delay τ, in the problem's units of time: a positive number, or the name of a
            coefficient.
        past: the field before the start: a number, or a function of coordinates by name (t
            included), computed with TensorFlow.
    """

    field: str
    t: float | str
    past: float | Callable[..., Any]

    def of(self, problem: Problem) -> Any:
        """Return the delay τ: a tensor where it is an unknown, a range where it is a parameter."""
        return getattr(problem, self.t) if isinstance(self.t, str) else self.t


def check_delays(problem: Problem) -> None:
    """Raise an InputError for a delay with a wrong name, field, time or past."""
    title = type(problem).__name__
    if not isinstance(problem.delays, Mapping):
        raise InputError(
            f"{title}: delays={problem.delays!r} is no dict; give delays by name, such as "
            "{'u_late': Delay('u', t=1.0, past=0.0)}."
        )
    for name, delay in problem.delays.items():
        where = f"{title}.delays: {name!r}"
        check_free_name(problem, name, where)
        if not isinstance(delay, Delay):
            raise InputError(
                f"{where} is a {type(delay).__name__}; give a Delay, such as Delay('u', t=1.0, "
                "past=0.0)."
            )
        if problem.time is None:
            raise InputError(f"{where}: {title} does not depend on time; declare time=(0.0, 1.0).")
        if problem.log_time is not None:
            raise InputError(
                f"{where}: log_time has no earlier times than its beginning; leave log_time out."
            )
        if delay.field not in problem.fields:
            hint = did_you_mean(delay.field, problem.fields)
            raise InputError(f"{where}: {delay.field!r} is no field.{hint}")
        if not is_finite(delay.past) and not callable(delay.past):
            raise InputError(
                f"{where}: past={delay.past!r} is neither a number nor a function; give the field "
                "before the start, such as past=lambda t: tf.sin(t)."
            )
        if callable(delay.past):
            for parameter in inspect.signature(delay.past).parameters:
                if parameter not in problem.coordinates:
                    hint = did_you_mean(parameter, problem.coordinates)
                    raise InputError(f"{where}: past: {parameter!r} is no coordinate.{hint}")
        _check_length(problem, delay, where)


def check_free_name(problem: Problem, name: Any, where: str) -> None:
    """Raise an InputError for a name of an integral or a delay that means something else."""
    taken = not isinstance(name, str) or not name.isidentifier()
    if not taken:
        try:
            parse(name, coordinates=problem.coordinates, fields=problem.functions, where="")
            taken = True
        except InputError:  # the name is free
            pass
    if taken:
        raise InputError(
            f"{where} is no word, or that of a coordinate, field or derivative; choose another "
            "name."
        )


def _check_length(problem: Problem, delay: Delay, where: str) -> None:
    """Raise an InputError for a delay that is not positive, or need not stay so."""
    if isinstance(delay.t, str):
        known = (*problem.coefficients, *problem.parameters)
        if delay.t not in known:
            hint = did_you_mean(delay.t, known)
            raise InputError(f"{where}: t={delay.t!r} is no coefficient.{hint}")
        unknown = problem.unknowns.get(delay.t)
        if isinstance(unknown, Unknown) and (unknown.lower is None or unknown.lower < 0):
            raise InputError(
                f"unknowns.{delay.t}: a delay must stay positive; give it lower=0.0 or more."
            )
    length = delay.of(problem)
    if isinstance(length, Parameter):
        length = length.lower
    if not is_finite(length) or length <= 0:
        raise InputError(f"{where}: t={length!r} is no positive number; give the delay, as t=1.0.")
