"""Stages of a run: windows of time, or the steps of a continuation in coefficients."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pinn.errors import InputError, did_you_mean
from pinn.problem import Problem, has_points
from pinn.problem.materials import at_points
from pinn.problem.user_code import user_code

Windows = int | str
"""How many windows of time a run has, or "auto": it chooses them itself."""

AUTO = "auto"

Continuation = Mapping[str, Sequence[float]]
"""The values that a coefficient takes before its own, one per stage, by coefficient."""

Evaluate = Callable[[Sequence[str], np.ndarray], Mapping[str, np.ndarray]]
"""(names of functions and derivatives, points [n, d]) -> values [n] by name."""

Handover = Callable[[np.ndarray], dict[str, np.ndarray]]
"""Points [n, d] where a window starts -> the residuals [n] of the last window's end, by term."""

MOST = 1000  # windows


@dataclass(frozen=True)
class Stage:
    """A part of a run that goes through phases of its own (`Setup.phases_of`).

    Attributes:
        problem: the problem in this stage's window of time, or with this stage's coefficients.
        time_offset: what is subtracted from the time, times the factor, that the network sees; in
            the problem's units of time.
        time_factor: by which the time is multiplied first, dimensionless.
        name: display name; empty where a run has one stage.
    """

    problem: Problem
    time_offset: float = 0.0
    time_factor: float = 1.0
    name: str = ""


def stages(
    problem: Problem, windows: Windows = 1, continuation: Continuation | None = None
) -> list[Stage]:
    """Return the stages of a run that are known before it, of which there is at least one.

    Where the run chooses its windows, the first stage is the whole interval, which it tries first.

    Raises:
        InputError: for windows or a continuation that the problem does not have, or both together.
    """
    if windows == AUTO:
        windows = 1
    if problem.mode_count > 1:
        return [Stage(problem, name=f"mode {i + 1}") for i in range(problem.mode_count)]
    if not isinstance(windows, int) or isinstance(windows, bool) or windows < 1:
        raise InputError(f"windows={windows!r}; give a whole number of at least 1, or auto.")
    if windows > MOST:
        raise InputError(f"windows={windows}; give at most {MOST:,}.")
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
    stages = []
    for a, b in pairwise(edges):
        window = problem.bind({"time": (float(a), float(b))})
        stages.append(Stage(window, float(a - edges[0]), name=f"t ≤ {b:.4g}"))
    _check_regions(stages, f"windows={windows}")
    return stages


def window(problem: Problem, begin: float, end: float) -> Stage:
    """Return the stage of a window that a run has chosen.

    The network sees the whole interval in every window, however long the window is.
    """
    assert problem.time is not None
    first, last = problem.time
    factor = (last - first) / (end - begin)
    part = problem.bind({"time": (begin, end)})
    return Stage(part, begin * factor - first, factor, name=f"{begin:.4g} ≤ t ≤ {end:.4g}")


def why_one_window(problem: Problem) -> str:
    """Return why a problem cannot be solved window by window; empty if it can."""
    name = type(problem).__name__
    if problem.time is None:
        return f"{name} does not depend on time"
    if problem.unknowns or problem.unknown_fields:
        names = ", ".join([*problem.unknowns, *problem.unknown_fields])
        return f"{names} would be found anew in every window (see network.subdomains)"
    if problem.log_time is not None:
        return "time counts by its logarithm, from its beginning"
    if problem.gauge:
        return f"{', '.join(problem.gauge)} is known up to a function of time"
    for integral in problem.integrals.values():
        if integral.reaches_in_time:
            return f"integral {integral.name!r} takes other times, which another window has"
    for delayed in problem.delays:
        return f"{delayed!r} is an earlier value, which another window has"
    if not any(t.region == "initial" for t in problem.terms):
        return f"{name} has no initial condition, which a window could hand over"
    return ""


def handover(problem: Problem, evaluate: Evaluate | None) -> Handover:
    """Return the initial condition of a window, as residuals of the last window's end.

    The new window continues the last one where its initial residuals have the same values: the
    solution is continuous, and so is its speed where the problem has a condition on it.

    Args:
        problem: the problem in the new window.
        evaluate: (names of functions and derivatives, points [n, d]) -> values [n] by name of the
            last window's solution; None in the first window, which has the problem's own initial
            condition, so that all residuals are zero.

    Returns:
        The function from points [n, d] to residuals [n] by term.
    """
    terms = [t for t in problem.terms if t.region == "initial"]
    symbols = [s for t in terms for s in t.symbols if s.kind != "coordinate"]
    names = list(dict.fromkeys(s.name for s in symbols))

    def residuals(points: np.ndarray) -> dict[str, np.ndarray]:
        if evaluate is None:
            return {t.name: np.zeros(len(points)) for t in terms}
        points = np.asarray(points, float)
        available = dict(zip(problem.coordinates, points.T, strict=True))
        here = at_points(problem, points)
        for name, value in evaluate(names, points).items():
            available[name] = np.asarray(value, float)
        values = {}
        for term in terms:
            with user_code(problem, term.name, "float64"):
                value = term.value(here, [available[s.name] for s in term.symbols])
            values[term.name] = np.broadcast_to(np.asarray(value), (len(points),))
        return values

    return residuals


def _check_regions(windows: Sequence[Stage], where: str) -> None:
    """Raise an InputError for a region that lies outside of a window.

    A condition at a later time cannot be met window by window, and one in the past is handed over.
    """
    for window in windows:
        for region in window.problem.regions:
            if not has_points(window.problem, region):
                raise InputError(
                    f"{where}: region {region!r} has no points in the window {window.name}; use "
                    "windows=1."
                )


def _check_windows(problem: Problem, windows: int) -> None:
    reason = why_one_window(problem)
    if reason:
        raise InputError(f"windows={windows}: {reason}; use windows=1.")


def _steps(problem: Problem, continuation: Continuation) -> list[Stage]:
    """Return the steps of a continuation, the last one with the problem's own coefficients."""
    count = _check_continuation(problem, continuation)
    stages = []
    for i in range(count + 1):
        coefficients = {}
        for name, values in continuation.items():
            coefficients[name] = float(values[i]) if i < count else getattr(problem, name)
        texts = [f"{name} = {value:.4g}" for name, value in coefficients.items()]
        step = dataclasses.replace(problem, **coefficients)
        stages.append(Stage(step, name=", ".join(texts)))
    return stages


def _check_continuation(problem: Problem, continuation: Continuation) -> int:
    """Return the number of values per coefficient.

    Raises:
        InputError: for a name that is no coefficient, an unknown, or values that are no numbers.
    """
    if not isinstance(continuation, Mapping):
        raise InputError(
            f"continuation={continuation!r}; give values by coefficient, as in {{Re: [100, 400]}}."
        )
    known = [f.name for f in dataclasses.fields(problem) if f.name != "unknowns"]
    lengths = set()
    for name, values in continuation.items():
        where = f"continuation.{name}"
        if name not in known:
            hint = did_you_mean(name, known)
            raise InputError(f"{where}: no coefficient of {type(problem).__name__}.{hint}")
        if name in problem.unknowns:
            raise InputError(
                f"{where}: {name} is an unknown, which the run finds; leave it out here."
            )
        if name in problem.parameters:
            raise InputError(
                f"{where}: {name} is a parameter, for all of whose values the problem is solved; "
                f"give it a number, as in problem.{name}=1.0, or leave it out here."
            )
        _check_values(where, values)
        lengths.add(len(values))
    if len(lengths) > 1:
        names = ", ".join(continuation)
        raise InputError(f"continuation: {names} have lists of different lengths; make them equal.")
    return lengths.pop()


def _check_values(where: str, values: object) -> None:
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise InputError(
            f"{where}={values!r}; give a list of numbers, without the problem's own value."
        )
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not np.isfinite(value):
            raise InputError(f"{where}: {value!r} is no finite number; give numbers.")
