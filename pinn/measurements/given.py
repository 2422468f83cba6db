"""Measurements given from Python: a data frame, a mapping of arrays, or a point set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pinn.arrays import Array
from pinn.errors import InputError, did_you_mean
from pinn.measurements.cells import CellError, column
from pinn.measurements.measured import Measurements, check_inside, complete
from pinn.measurements.names import (
    SIGMA,
    can_be_measured,
    check_measured,
    coordinates_of,
    somewhere,
)
from pinn.measurements.normals import with_normals
from pinn.measurements.sigmas import check_sigmas
from pinn.objective import PointSet
from pinn.problem import Problem

Columns = Mapping[str, Any] | pd.DataFrame
"""Columns by name: those of the coordinates, of what was measured, and of its deviations."""

KINDS = "a data frame, a dict of arrays, a PointSet, DataFile(path=...) or Synthetic(...)"


def point_set(problem: Problem, data: object) -> PointSet:
    """Return measurements as a point set, checked against the problem.

    Args:
        problem: the problem.
        data: columns named as the coordinates, the fields, derivatives (u_x, lap_u, u_n) and
            integrals, and their standard deviations (u_sigma), in a data frame or a mapping; or a
            point set. A number stands for a coordinate or deviation that is the same at all points.
            NaN stands for a value that was not measured. Integrals need no coordinates but those
            on which they depend.

    Raises:
        InputError: for unknown or missing names, lengths that differ, and what is no finite number.
    """
    if isinstance(data, PointSet):
        data = _columns_of(problem, data)
    elif isinstance(data, pd.DataFrame):
        if data.index.name in problem.coordinates and data.index.name not in data.columns:
            data = data.reset_index()
        if not data.columns.is_unique:
            names = ", ".join(map(str, data.columns))
            raise InputError(f"data: two columns of one name ({names}); rename one.")
        data = {str(name): data[name] for name in data.columns}
    if not isinstance(data, Mapping):
        raise InputError(f"data={_short(data)}; give {KINDS}.")
    deviations = _check_names(problem, data)
    if any(name not in data for name in problem.coordinates):
        data = {**somewhere(problem), **data}
    columns = {name: _numbers(name, values) for name, values in data.items()}
    length = max(len(values) for values in columns.values())
    for name in (*problem.coordinates, *deviations):
        if np.ndim(data[name]) == 0:
            columns[name] = np.repeat(columns[name], length)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1 or not length:
        sizes = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise InputError(f"data: {sizes} values; give columns of one length, of at least 1.")
    points = np.stack([columns[name] for name in problem.coordinates], axis=1)
    sigmas = {name: columns.pop(column) for column, name in deviations.items()}
    values = {name: columns[name] for name in columns if name not in problem.coordinates}
    return PointSet(points, None, values, sigmas=sigmas)


def measurements(problem: Problem, points: PointSet) -> Measurements:
    """Return a point set that `point_set` has checked, without the points that lack a value.

    Raises:
        InputError: where nothing remains, for points outside the domain, standard deviations that
            are missing or not positive, and normal derivatives where there is no normal.
    """
    rows, notes = complete(points, problem, "data")
    chosen = points.coordinates[rows]
    check_inside(
        problem, chosen, "data", remedy="correct the columns, or leave these out", rows=rows
    )
    used = points.take(rows)
    check_sigmas(used, "data.sigmas.", rows=rows)
    return Measurements(with_normals(problem, used, "data", rows=rows), "data", notes=notes)


def _columns_of(problem: Problem, points: PointSet) -> dict[str, Any]:
    """Return the columns of a point set by name.

    Raises:
        InputError: for coordinates of another shape than [n, d], and values that are no mapping.
    """
    d = len(problem.coordinates)
    remedy = f"give an array [n, {d}] of {', '.join(problem.coordinates)}"
    try:
        coordinates = np.asarray(points.coordinates)
    except ValueError as error:  # a list of lists of different lengths
        raise InputError(f"data.coordinates: is no array ({error}); {remedy}.") from None
    if coordinates.ndim != 2 or coordinates.shape[1] != d:
        raise InputError(f"data.coordinates: shape {coordinates.shape}; {remedy}.")
    for key in ("values", "sigmas"):
        given = getattr(points, key)
        if not isinstance(given, Mapping):
            raise InputError(f"data.{key}={_short(given)}; give a dict of arrays by field.")
    for name in points.values:
        if name in problem.coordinates:
            raise InputError(f"data.values: {name!r} is a coordinate; name the measured fields.")
    sigmas = {f"{name}{SIGMA}": sigmas for name, sigmas in points.sigmas.items()}
    columns = dict(zip(problem.coordinates, coordinates.T, strict=True))
    return {**columns, **points.values, **sigmas}


def _check_names(problem: Problem, data: Mapping[Any, Any]) -> dict[str, str]:
    """Return what each column of standard deviations is for.

    Raises:
        InputError: for a name that is missing or that the problem does not know.
    """
    measured = [name for name in data if can_be_measured(problem, name)]
    for name in coordinates_of(problem, measured) if measured else problem.coordinates:
        if name not in data:
            raise InputError(
                f"data: lacks the coordinate {name!r}.{did_you_mean(name, _text(data))}"
            )
    deviations = {f"{name}{SIGMA}": name for name in measured if f"{name}{SIGMA}" in data}
    deviations = {column: name for column, name in deviations.items() if column not in measured}
    known = [*problem.coordinates, *problem.functions, *problem.integrals]
    for name in data:
        if name not in (*problem.coordinates, *measured, *deviations):
            raise InputError(
                f"data: {name!r} is neither a coordinate nor a field, derivative or integral, nor "
                f"the deviation of one; rename or leave it out.{did_you_mean(str(name), known)}"
            )
    if not measured:
        names = ", ".join(problem.fields)
        raise InputError(f"data: has no measured field; give at least one of {names}.")
    for name in measured:
        check_measured(problem, name, f"data.{name}")
    return deviations


def _text(names: Mapping[Any, Any]) -> list[str]:
    return [str(name) for name in names]


def _numbers(name: str, given: Any) -> Array:
    """Return a column of finite numbers [n]; NaN where there is none."""
    try:
        cells = given if isinstance(given, pd.Series) else np.atleast_1d(np.asarray(given))
    except ValueError as error:  # a list of lists of different lengths
        raise InputError(
            f"data.{name}: is no array ({error}); give one number per point."
        ) from None
    if cells.ndim == 2 and cells.shape[1] == 1:
        cells = cells[:, 0]
    if cells.ndim != 1:
        raise InputError(f"data.{name}: shape {cells.shape}; give one number per point, [n].")
    try:
        numbers = column(pd.Series(cells)).numbers
    except CellError as error:
        raise InputError(f"data.{name}: row {error.row + 1}: {error.reason}") from None
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise InputError(
            f"data.{name}: {len(infinite)} of {len(numbers)} values are infinite, first row "
            f"{infinite[0] + 1}; correct them, or give NaN for values that were not measured."
        )
    return numbers


def _short(value: object) -> str:
    """Return a value in at most 40 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
