"""Several sets of measurements, each with points, fields and noise of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import pandas as pd

from pinn.errors import InputError
from pinn.measurements.file import DataFile
from pinn.measurements.given import KINDS, Columns, measurements, point_set
from pinn.measurements.measured import Measurements
from pinn.measurements.synthetic import Synthetic
from pinn.objective import PointSet
from pinn.problem import Problem

DataSet: TypeAlias = Synthetic | DataFile | PointSet
"""One set of measurements."""

Given: TypeAlias = DataSet | Columns | Mapping[str, DataSet | Columns]
"""Measurements as Python gives them: one set, or several by name."""

_SETTINGS = frozenset(
    [f.name for kind in (DataFile, Synthetic) for f in dataclasses.fields(kind)]
    + list(PointSet._fields)
)
"""Names of the settings of a set, which no set may have."""

_PLACE = re.compile(rf"^data\b|\bdata(?=(?:\.(?:{'|'.join(sorted(_SETTINGS))})\b)|[:=])")
"""Where a message names the measurements: at its start, or with a setting; data.csv is a file."""


def region_of(name: str) -> str:
    """Return the region of a set: "data" where there is one set, else "data_" and its name."""
    return f"data_{name}" if name else "data"


def name_of(region: str) -> str:
    """Return the name of a region's set; "data" where there is one set."""
    return region.removeprefix("data_")


def are_sets(data: object) -> bool:
    """Return whether data are several sets by name, rather than columns or settings of one."""
    if not isinstance(data, Mapping) or not data:
        return False
    if any(name in _SETTINGS for name in data):
        return False
    return any(_is_set(value) for value in data.values())


def checked_sets(problem: Problem, data: Any) -> DataSet | dict[str, DataSet] | None:
    """Return measurements as one set, or as several by name, checked against the problem.

    Args:
        problem: the problem.
        data: one set, or a mapping of sets by name; None: there are none.

    Raises:
        InputError: for a name that a set cannot have, arrays among sets, and as `point_set`.
    """
    if data is None:
        return None
    if isinstance(data, PointSet) or not isinstance(data, Mapping):
        return _checked(problem, data)
    taken = [name for name in data if name in _SETTINGS]
    if taken and all(map(_is_set, data.values())):
        raise InputError(
            f"data: a set cannot be called {taken[0]!r}, which is a setting; rename it."
        )
    if not are_sets(data):
        return _checked(problem, data)
    sets: dict[str, DataSet] = {}
    for name, value in data.items():
        if name in (*problem.coordinates, *problem.functions) or not str(name).isidentifier():
            raise InputError(
                f"data: {name!r} cannot name a set of measurements; use a word that is no "
                "coordinate and no field."
            )
        if not _is_set(value):
            raise InputError(f"data: {name!r} is an array among sets; give {KINDS}, or all arrays.")
        with in_set(str(name)):
            sets[str(name)] = _checked(problem, value)
    return sets


def read_sets(
    problem: Problem, data: DataSet | Mapping[str, DataSet] | None
) -> dict[str, Measurements]:
    """Return the measurements of every set by its region, with what there is to say about them.

    Raises:
        InputError: for a file that does not fit the problem, and points outside the domain.
    """
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        return {region_of(""): _read(problem, data, "")}
    found = {}
    for name, one in data.items():
        with in_set(name):
            read = _read(problem, one, name)
        kind = "synthetic" if isinstance(one, Synthetic) else read.source
        source = name if kind == "data" else f"{name} ({kind})"
        found[region_of(name)] = read._replace(source=source)
    return found


@contextlib.contextmanager
def in_set(name: str) -> Iterator[None]:
    """Let messages about measurements name the set that they are about."""
    try:
        yield
    except InputError as error:
        raise InputError(_PLACE.sub(f"data.{name}", str(error))) from error.__cause__


def _checked(problem: Problem, data: Any) -> DataSet:
    return data if isinstance(data, Synthetic | DataFile) else point_set(problem, data)


def _read(problem: Problem, data: DataSet, name: str) -> Measurements:
    if isinstance(data, DataFile):
        found = data.read(problem, name)
    elif isinstance(data, Synthetic):
        found = Measurements(data.measure(problem, name))
    else:
        found = measurements(problem, data)
    return found._replace(points=found.points.located(problem))


def _is_set(value: object) -> bool:
    """Return whether a value is a set of measurements, rather than a column of one."""
    return isinstance(value, Synthetic | DataFile | PointSet | pd.DataFrame | Mapping)
