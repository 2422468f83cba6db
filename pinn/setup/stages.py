"""Stages of a run: windows of time one after another, or coefficients that go to their values step by step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from pinn.errors import InputError, did_you_mean
from pinn.problem import Problem

Continuation = Mapping[str, Sequence[float]]
"""By coefficient the values that it takes, one stage each, before its own."""


@dataclass(frozen=True)
class Stage:
    """A part of a run that goes through phases of its own (`Setup.phases_of`).

    Attributes:
        problem: the problem in this stage's window of time, or with this stage's coefficients.
        delay: time by which the window is later than the first, whose times the network sees.
        name: what people read; empty where a run has one stage.
    """

    problem: Problem
    delay: float = 0.0
    name: str = ""


def stages(
    problem: Problem, windows: int = 1, continuation: Continuation | None = None
) -> list[Stage]:
    """Return the stages of a run, of which there is at least one.

    Raises:
        InputError: for windows or a continuation that the problem does not have, or both together.
    """
    if not isinstance(windows, int) or isinstance(windows, bool) or windows < 1:
        raise InputError(f"windows={windows!r}; give a whole number of at least 1.")
    if continuation:
        if windows > 1:
            raise InputError(
                f"windows={windows}: does not go with a continuation; give one of the two."
            )
        return _steps(problem, continuation)
    if windows == 1:
        return [Stage(problem)]
    _check_windows(problem, windows)
    assert problem.time is not None
    edges = np.linspace(*problem.time, windows + 1)
    return [
        Stage(problem.bind({"time": (float(a), float(b))}), float(a - edges[0]), f"t ≤ {b:.4g}")
        for a, b in pairwise(edges)
    ]


def carried(
    problem: Problem,
    evaluate: Callable[[Sequence[str], np.ndarray], Mapping[str, np.ndarray]] | None,
) -> Any:
    """Return the function from points [n, d] to what the terms of the initial state say of a solution, [n] by name.

    Where the solution of the next window says the same, it begins as this one ends, in value and,
    where the problem asks for it, in speed.  `evaluate` gives fields and derivatives of the
    solution by name; without it, as in the first window, the problem's own initial state is meant,
    of which all terms are zero.
    """
    terms = [t for t in problem.terms if t.region == "initial"]
    names = list(dict.fromkeys(s.name for t in terms for s in t.symbols if s.kind != "coordinate"))

    def found(points: np.ndarray) -> dict[str, np.ndarray]:
        if evaluate is None:
            return {t.name: np.zeros(len(points)) for t in terms}
        columns = dict(zip(problem.coordinates, np.asarray(points, float).T, strict=True))
        known = columns | {
            name: np.asarray(value, float) for name, value in evaluate(names, points).items()
        }
        values = {
            t.name: getattr(problem, t.name)(*(known[s.name] for s in t.symbols)) for t in terms
        }
        return {
            name: np.broadcast_to(np.asarray(value), (len(points),))
            for name, value in values.items()
        }

    return found


def _check_windows(problem: Problem, windows: int) -> None:
    name, where = type(problem).__name__, f"windows={windows}"
    if problem.time is None:
        raise InputError(f"{where}: {name} does not depend on time; use windows=1.")
    if problem.unknowns or problem.unknown_fields:
        names = ", ".join([*problem.unknowns, *problem.unknown_fields])
        raise InputError(f"{where}: {names} would be found anew in every window; use windows=1.")
    if problem.gauge:
        raise InputError(
            f"{where}: {', '.join(problem.gauge)} is known up to a function of time; use windows=1."
        )
    if not any(t.region == "initial" for t in problem.terms):
        raise InputError(
            f"{where}: {name} has no initial state that a window could hand on; use windows=1."
        )


def _steps(problem: Problem, continuation: Continuation) -> list[Stage]:
    if not isinstance(continuation, Mapping):
        raise InputError(
            f"continuation={continuation!r}; give values by coefficient, as in {{Re: [100, 400]}}."
        )
    known = [f.name for f in dataclasses.fields(problem) if f.name != "unknowns"]
    lengths = set()
    for name, values in continuation.items():
        where = f"continuation.{name}"
        if name not in known:
            raise InputError(
                f"{where}: no coefficient of {type(problem).__name__}.{did_you_mean(name, known)}"
            )
        if name in problem.unknowns:
            raise InputError(
                f"{where}: {name} is an unknown, which the run finds; leave it out here."
            )
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            raise InputError(
                f"{where}={values!r}; give a list of numbers, the problem's own value not among them."
            )
        for value in values:
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not np.isfinite(value)
            ):
                raise InputError(f"{where}: {value!r} is no finite number; give numbers.")
        lengths.add(len(values))
    if len(lengths) > 1:
        raise InputError(
            f"continuation: {', '.join(continuation)} have lists of different lengths; make them equal."
        )
    own = {name: getattr(problem, name) for name in continuation}
    steps = [
        {name: float(values[i]) for name, values in continuation.items()}
        for i in range(lengths.pop())
    ]
    return [
        Stage(
            dataclasses.replace(problem, **step),
            name=", ".join(f"{name} = {value:.4g}" for name, value in step.items()),
        )
        for step in [*steps, own]
    ]
