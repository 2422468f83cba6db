"""What the columns of a table may be: coordinates or fields, by name and unit."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from pinn.arrays import Array
from pinn.derivatives import is_measurable
from pinn.errors import InputError
from pinn.measurements.names import SIGMA
from pinn.measurements.table import Table

TIME = "t"
SPACE = ("x", "y", "z")
_WORDS_FOR_TIME = ("time", "date", "datetime", "timestamp")
_UNITS_OF_TIME = frozenset("s sec ms us µs μs min h hr d day days a yr".split())
_UNITS_OF_LENGTH = frozenset("m mm cm dm km um µm μm nm in ft".split())
_REMEDY = "name the coordinates t, x, y or z, in the header or by data.columns=[t,u]"


Named = dict[str, str]
"""Columns by what they are called here."""


class Roles(NamedTuple):
    """The columns of a table by what they are taken for.

    Attributes:
        coordinates: the column of each coordinate: x, y, z, and t at the end.
        fields: the column of each field.
        derivatives: the column of each measured derivative of a field, such as u_x.
        sigmas: the column of the standard deviations of each of these.
        ranges: the smallest and the largest value of each coordinate, in the file's unit.
        by_unit: the coordinates that a unit told; a name told the others.
        left_out: why a column is none of these, in one line each.
    """

    coordinates: Mapping[str, str]
    fields: Mapping[str, str]
    derivatives: Mapping[str, str]
    sigmas: Mapping[str, str]
    ranges: Mapping[str, tuple[float, float]]
    by_unit: list[str]
    left_out: list[str]


def roles(table: Table, where: str) -> Roles:
    """Return what the columns of a table may be.

    Columns called t, x, y, z or by a word for time are coordinates. Where no name tells the time,
    or no name tells a place, units do: of the columns before the first with another unit, the
    first with one of time, and those with one of length. A coordinate of a single value is left
    out.

    Args:
        table: what a file holds, one row per point.
        where: the file, as messages call it.

    Raises:
        InputError: for arrays that are no columns, and where no coordinate or no field is found.
    """
    columns = _columns(table, where)
    named = _by_name([*columns, *table.unreadable])
    by_unit = _by_unit(list(columns), table.units, named)
    told = named | by_unit
    coordinates = {name: told[name] for name in (*SPACE, TIME) if name in told}
    left_out = []
    ranges = {}
    for name, column in list(coordinates.items()):
        if column in table.unreadable:
            raise InputError(f"{where}: {table.unreadable[column]}")
        values = columns.pop(column)
        finite = values[np.isfinite(values)]
        if len(finite) and finite.min() < finite.max():
            ranges[name] = (float(finite.min()), float(finite.max()))
        else:
            left_out.append(f"{column} has less than two values, and is no coordinate")
            del coordinates[name]
    if not coordinates:
        known = ", ".join([*table.arrays, *table.unreadable])
        raise InputError(f"{where}: none of {known} is a coordinate; {_REMEDY}.")
    measured = _named(list(columns), coordinates)
    sigmas = {}
    for name in measured:
        if name + SIGMA in measured:
            sigmas[name] = measured[name + SIGMA]
    for name in sigmas:
        del measured[name + SIGMA]
    derivatives = _derivatives(measured, list(coordinates))
    for name in derivatives:
        del measured[name]
    if not measured:
        raise InputError(f"{where}: has no column beside its coordinates; give measured values.")
    left_out += [f"{column}: holds no numbers" for column in table.unreadable]
    return Roles(coordinates, measured, derivatives, sigmas, ranges, list(by_unit), left_out)


def _columns(table: Table, where: str) -> dict[str, Array]:
    """Return the arrays of a table, which must be columns of one length."""
    columns: dict[str, Array] = {}
    for name, array in table.arrays.items():
        column = np.squeeze(array)
        if column.ndim > 1:
            shape = " × ".join(map(str, array.shape))
            raise InputError(
                f"{where}: {name} is {shape}, no column; write the experiment yourself, with "
                "data.grid (docs/inverse.md)."
            )
        columns[name] = np.atleast_1d(column)
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise InputError(f"{where}: columns of different lengths; give one row per point.")
    return columns


def _by_name(columns: list[str]) -> dict[str, str]:
    """Return the column of each coordinate that a name tells; T is a temperature, no time."""
    found: dict[str, str] = {}
    for name in SPACE:
        for column in columns:
            if column in (name, name.upper()):
                found.setdefault(name, column)
    for column in columns:
        if column == TIME or column.lower() in _WORDS_FOR_TIME:
            found.setdefault(TIME, column)
    return found


def _by_unit(columns: list[str], units: Mapping[str, str], named: Mapping[str, str]) -> Named:
    """Return the column of each coordinate that a unit tells, and no name; some remain fields."""
    times: list[str] = []
    lengths: list[str] = []
    for column in columns:
        if column in named.values():
            continue
        if units.get(column) in _UNITS_OF_TIME:
            times.append(column)
        elif units.get(column) in _UNITS_OF_LENGTH:
            lengths.append(column)
        else:
            break  # the first field: what follows is measured, displacements for example
    if len(named) + len(times) + len(lengths) == len(columns) and lengths:
        lengths.pop()
    found: Named = {}
    if not set(SPACE) & set(named):
        found |= dict(zip(SPACE, lengths, strict=False))
    if times and TIME not in named:
        found[TIME] = times[0]
    return found


def _named(columns: list[str], coordinates: Mapping[str, str]) -> dict[str, str]:
    """Return columns by names that a residual can take as parameters, each once."""
    taken = {"self", *coordinates}
    found: dict[str, str] = {}
    for column in columns:
        name = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", column)).strip("_") or "f"
        if not name.isidentifier():
            name = f"f{name}"
        base = name
        number = 1
        while name in taken or keyword.iskeyword(name):
            name = f"{base}{number}"
            number += 1
        taken.add(name)
        found[name] = column
    return found


def _derivatives(measured: Mapping[str, str], coordinates: list[str]) -> dict[str, str]:
    """Return those of the measured names that are derivatives of others."""
    found = {}
    for name, column in measured.items():
        others = [other for other in measured if other != name]
        if others and is_measurable(name, coordinates=coordinates, fields=others):
            found[name] = column
    return found
