"""Checks of the names and the time interval that a problem's class declares."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pinn.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

_LISTS = ("fields", "positive_fields", "gauge", "periodic")


def check_names(problem: Problem) -> None:
    """Raise an InputError for names that are no list of different names, or taken twice."""
    title = type(problem).__name__
    for attribute in _LISTS:
        names: Any = getattr(problem, attribute)
        where = f"{title}: {attribute}={names!r}"
        if isinstance(names, str):
            raise InputError(f"{where} is text; write ({names!r},), with its comma.")
        if not isinstance(names, tuple | list) or not all(isinstance(n, str) for n in names):
            raise InputError(f"{where}: give a tuple of names, such as ('u', 'v').")
        if len(set(names)) < len(names):
            raise InputError(f"{where}: a name appears twice; give every one a name of its own.")
    for name in problem.fields:
        if name in problem.coordinates:
            raise InputError(
                f"{title}: fields={problem.fields}: {name!r} is a coordinate too; rename one of "
                "them."
            )


def check_positive_fields(problem: Problem) -> None:
    """Raise an InputError for a positive field that is no field, or cannot be positive."""
    title = type(problem).__name__
    for name in problem.positive_fields:
        where = f"{title}: positive_fields={problem.positive_fields}: {name!r}"
        if name in problem.unknown_fields:
            raise InputError(f"{where} is an unknown field; give that lower=0.0 instead.")
        if name not in problem.fields:
            raise InputError(f"{where} is no field.{did_you_mean(name, problem.fields)}")
        if name in problem.gauge:
            raise InputError(
                f"{where} is known up to a constant, which may make it negative; leave it out, or "
                "out of gauge."
            )
        if any(name in mirror.odd for mirror in problem.symmetries):
            raise InputError(
                f"{where} changes its sign in a mirror; leave it out, or out of odd=(…)."
            )


def check_time(problem: Problem) -> None:
    """Raise an InputError for a time that is no interval, or one that runs backwards."""
    time: Any = problem.time
    if time is None:
        return
    where = f"{type(problem).__name__}: time={time!r}"
    ends = list(time) if isinstance(time, tuple | list) else []
    if len(ends) != 2 or not all(map(is_finite, ends)):
        raise InputError(f"{where}: give its begin and end, such as (0.0, 1.0), or None.")
    if not ends[0] < ends[1]:
        raise InputError(f"{where}: does not end after it begins; give (begin, end).")


def check_log_time(problem: Problem) -> None:
    """Raise an InputError for a scale of logarithmic time that is none, or has no time."""
    scale: Any = problem.log_time
    if scale is None:
        return
    where = f"{type(problem).__name__}: log_time={scale!r}"
    if problem.time is None:
        raise InputError(f"{where}: the problem is steady; declare time, or leave log_time out.")
    length = problem.time[1] - problem.time[0]
    if not is_finite(scale) or not 0 < scale < length:
        raise InputError(
            f"{where}: give a time between 0 and the interval's length {length:g}, or None."
        )


def is_finite(value: Any) -> bool:
    """Return whether a value is a finite number, of Python or NumPy."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and math.isfinite(value)
