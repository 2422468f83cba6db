"""Measurements of a run: their points, what was left out, and the lines that show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pinn.arrays import AnyArray, Array, BoolArray
from pinn.errors import InputError
from pinn.geometry import PointCloud
from pinn.measurements.names import coordinates_of
from pinn.measurements.table import row_in_words
from pinn.objective import PointSet
from pinn.problem import Problem

# Of the domain's size: coordinates in files are rounded, to single precision at worst.
SLACK = 1e-6


class Measurements(NamedTuple):
    """Measured values at points, and what there is to say about them.

    Attributes:
        points: the points; a value that was not measured is NaN.
        source: where they are from, such as the name of a file; empty for synthetic ones.
        units: the units that the source states, by coordinate and measured name.
        notes: what was found, decided and left out, one sentence without a full stop each.
    """

    points: PointSet
    source: str = ""
    units: Mapping[str, str] = {}
    notes: Sequence[str] = ()

    def lines(self, problem: Problem) -> list[str]:
        """Return what was read, in lines for people: counts, ranges, units and notes."""
        if not self.source:
            return []
        places = []
        needed = coordinates_of(problem, self.points.values)
        for name, column in zip(problem.coordinates, self.points.coordinates.T, strict=True):
            if name in needed:
                places.append(f"{name} {self._range(name, column)}")
        fields = []
        for name, values in self.points.values.items():
            known = ~np.isnan(values)
            text = f"{name} {int(known.sum())} values {self._range(name, values[known])}"
            if name in self.points.sigmas:
                sigmas = self.points.sigmas[name][known]
                low, high = float(sigmas.min()), float(sigmas.max())
                text += f", σ {low:.4g}" if low == high else f", σ {self._range(name, sigmas)}"
            fields.append(text)
        count = len(self.points.coordinates)
        return [
            f"{self.source}: {', '.join([f'{count} points', *places])}",
            f"{self.source}: {', '.join(fields)}",
            *(f"{self.source}: {note}" for note in self.notes),
        ]

    def _range(self, name: str, column: Array) -> str:
        unit = f" {self.units[name]}" if self.units.get(name) else ""
        return f"from {column.min():.4g} to {column.max():.4g}{unit}"


def complete(points: PointSet, problem: Problem, where: str) -> tuple[AnyArray, list[str]]:
    """Return the rows [m] that have all coordinates and a field, and what the others lack.

    Args:
        points: the points; a coordinate or value that is missing is NaN.
        problem: the problem, for the names of the coordinates.
        where: the measurements, as messages call them.

    Raises:
        InputError: where nothing remains, or no value of a field.
    """
    count = len(points.coordinates)
    gaps = np.isnan(points.coordinates)
    placed = ~gaps.any(axis=1)
    measured = np.zeros(count, bool)
    notes = []
    for name, gap in zip(problem.coordinates, gaps.T, strict=True):
        if gap.any():
            notes.append(f"{int(gap.sum())} of {count} rows lack {name}; they are left out")
    for name, values in points.values.items():
        known = ~np.isnan(values)
        if not (known & placed).any():
            raise InputError(f"{where}: no row has a value of {name}; leave it out, or correct it.")
        measured |= known
        if not known.all():
            lacking = int(np.sum(~known))
            alone = "" if len(points.values) == 1 else f" for {name}"
            notes.append(f"{lacking} of {count} rows lack {name}; they are left out{alone}")
    return np.flatnonzero(placed & measured), notes


def outside(problem: Problem, points: Array) -> BoolArray:
    """Return which points [n, d] lie outside the domain or the interval of time, up to rounding.

    Of a point cloud only the bounding box is known well enough.
    """
    is_outside = np.any(_beyond(problem, points), axis=1)
    lower, upper = problem.bounds
    slack = SLACK * (upper - lower)
    space = problem.space
    dimension = len(space.coordinates)
    if dimension and not isinstance(space, PointCloud):
        distance = np.asarray(space.distance(*points[:, :dimension].T))
        is_outside |= distance < -np.max(slack[:dimension])
    return is_outside


def _beyond(problem: Problem, points: Array) -> BoolArray:
    """Return which coordinates of points [n, d] are out of their ranges, up to rounding: [n, d]."""
    lower, upper = problem.bounds
    slack = SLACK * (upper - lower)
    beyond = (points < lower - slack) | (points > upper + slack)
    for name, parameter in problem.parameters.items():
        axis = problem.coordinates.index(name)
        beyond[:, axis] = ~parameter.contains(points[:, axis], slack=SLACK)
    return beyond


def check_inside(
    problem: Problem,
    points: Array,
    where: str,
    *,
    remedy: str,
    rows: AnyArray | None = None,
    lines: AnyArray | None = None,
) -> None:
    """Raise an InputError where points [n, d] lie outside the domain.

    Args:
        problem: the problem.
        points: the points.
        where: the measurements, as messages call them.
        remedy: what the message recommends.
        rows: the rows [n] of the source on which the points stand; None: in order.
        lines: the lines of a file on which the rows of the source stand.
    """
    is_outside = outside(problem, points)
    if not is_outside.any():
        return
    first = int(np.argmax(is_outside))
    point = points[first]
    lower, upper = problem.bounds
    beyond = _beyond(problem, points)[first]
    reason = "it is in a hole or beyond the boundary"
    if beyond.any():
        axis = int(np.argmax(beyond))
        name = problem.coordinates[axis]
        reason = f"{name} is from {lower[axis]:g} to {upper[axis]:g}"
    row = first if rows is None else int(rows[first])
    at = ", ".join(f"{c}={v:g}" for c, v in zip(problem.coordinates, point, strict=True))
    raise InputError(
        f"{where}: {int(is_outside.sum())} of {len(points)} points are outside the domain, first "
        f"{row_in_words(row, lines)} ({at}; {reason}); {remedy}."
    )
