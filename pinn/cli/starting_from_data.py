"""A problem, an experiment and a test that start from a table of measurements."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

import yaml

from pinn.cli.starting_files import Files, filled, template
from pinn.errors import InputError
from pinn.measurements import DataFile, Roles, roles

_DOMAINS = ("Interval", "Rectangle", "Box")
_SETTINGS = ("separator", "decimal", "columns", "sheet")

# Of the equation that is fitted, by kind: its coefficient, the line that declares this, a summary.
_FITTED = {
    "steady": ("source", "{}: float = 1.0", "Diffusion and a uniform source, Δ{0} + {1} = 0"),
    "transient": ("diffusivity", "{}: float = positive(1.0)", "Diffusion, {0}_t = {1} Δ{0}"),
    "ode": ("rate", "{}: float = 1.0", "Decay at a constant rate, {0}_t = −{1} {0}"),
}


def of_data(
    name: str, kind: str | None, data: str, settings: Mapping[str, Any]
) -> tuple[Files, list[str]]:
    """Return the files of a problem that is fitted to measurements, and what was guessed.

    Args:
        name: of the problem.
        kind: of the problem; None: what the coordinates of the file tell.
        data: the file of the measurements.
        settings: how it is read, by the names of settings of `DataFile`.

    Raises:
        InputError: for a file that cannot be read or has no coordinate, and a kind that does not
            fit its coordinates.
    """
    for key in settings:
        if key not in _SETTINGS:
            names = ", ".join(f"data.{known}" for known in _SETTINGS)
            raise InputError(f"new: data.{key}: is set in the experiment; here, give {names}.")
    table = DataFile(path=data, **settings).table()
    found = roles(table, f"data.path={data}")
    told = _kind(found)
    if kind not in (None, "inverse", told):
        raise InputError(
            f"new: --kind {kind}: {Path(data).name} has the coordinates "
            f"{', '.join(found.coordinates)}; leave --kind out, or take {told}."
        )
    coefficients = _coefficients(told, found)
    node = _node(data, settings, found)
    unknowns = {}
    for coefficient in coefficients.values():
        unknowns[coefficient] = {"start": 1.0}
    about = {
        "file": _in_comment(Path(data).name),
        "unknowns": _flow(unknowns),
        "unknowns_in_python": repr(unknowns).replace("'", '"'),
        "data": yaml.safe_dump(
            {"data": node}, sort_keys=False, default_flow_style=None, allow_unicode=True
        ).rstrip(),
        "arguments": "\n".join(f"    {key}={_in_python(value)}," for key, value in node.items()),
        **_problem(told, found, coefficients, table.units),
    }
    names = ("measured.py", "measured.yaml", "test_measured.py")
    return filled(name, names, about), _guesses(Path(data).name, found)


def _kind(found: Roles) -> str:
    """Return the kind of a problem of the coordinates that were found."""
    if "t" not in found.coordinates:
        return "steady"
    return "transient" if len(found.coordinates) > 1 else "ode"


def _coefficients(kind: str, found: Roles) -> dict[str, str]:
    """Return the name of the unknown coefficient of each field's equation."""
    base = _FITTED[kind][0]
    names: dict[str, str] = {}
    for field in found.fields:
        name = base if len(found.fields) == 1 else f"{base}_{field}"
        while name in found.fields:
            name = f"{name}0"
        names[field] = name
    return names


def _problem(
    kind: str, found: Roles, coefficients: Mapping[str, str], units: Mapping[str, str]
) -> dict[str, str]:
    """Return the parts of the file of a problem that is fitted."""
    _, declaration, summary = _FITTED[kind]
    space = [name for name in found.coordinates if name != "t"]
    first = next(iter(found.fields))
    imports = ["Problem", "residual"]
    if kind == "transient":
        imports.append("positive")
    domain = []
    if space:
        imports.append(_DOMAINS[len(space) - 1])
        ranges = ", ".join(f"{name}={_rounded(found.ranges[name])}" for name in space)
        stated = [units.get(found.coordinates[name], "") for name in space]
        domain.append(f"    space = {imports[-1]}({ranges}){_comment(stated)}")
    if "t" in found.ranges:
        stated = [units.get(found.coordinates["t"], "")]
        domain.append(f"    time = {_rounded(found.ranges['t'])}{_comment(stated)}")
    lines = []
    methods = []
    method = template(f"measured_{kind}.method")
    for field, coefficient in coefficients.items():
        lines.append(f"    {declaration.format(coefficient)}")
        about = {
            "method": "balance" if len(coefficients) == 1 else f"balance_{field}",
            "field": field,
            "coefficient": coefficient,
            "laplacian": f"{field}_{space[0] * 2}" if len(space) == 1 else f"lap_{field}",
        }
        methods.append(method.substitute(about).rstrip())
    listed = ", ".join(f'"{field}"' for field in found.fields)
    return {
        "imports": ", ".join(sorted(imports)),
        "summary": summary.format(first, coefficients[first]),
        "fields": listed if len(found.fields) > 1 else f"{listed},",
        "domain": "\n".join(domain),
        "coefficients": "\n".join(lines),
        "equations": "\n\n".join(methods),
        "region": "boundary" if space else "initial",
        "first": first,
    }


def _rounded(ends: tuple[float, float]) -> tuple[float, float]:
    """Return an interval that contains another one and is at most 2 % longer, of few digits."""
    lower, upper = ends
    digits = 2 - math.floor(math.log10(upper - lower))
    step = Decimal(1).scaleb(-digits)
    below = (Decimal(repr(lower)) / step).to_integral_value(ROUND_FLOOR) * step
    above = (Decimal(repr(upper)) / step).to_integral_value(ROUND_CEILING) * step
    return float(below), float(above)


def _node(data: str, settings: Mapping[str, Any], found: Roles) -> dict[str, Any]:
    """Return the settings of the measurements; names that are those of columns are left out."""
    path = Path(data).expanduser().resolve()
    here = Path.cwd().resolve()
    node: dict[str, Any] = {"path": str(path)}
    if path.is_relative_to(here):
        node["path"] = os.path.relpath(path, here)
    node |= settings
    node["coordinates"] = dict(found.coordinates)
    node["fields"] = {**found.fields, **found.derivatives}
    if found.sigmas:
        node["sigma"] = dict(found.sigmas)
    return node


def _guesses(file: str, found: Roles) -> list[str]:
    """Return what was guessed of a file, in one line each."""
    lines = [f"coordinates: {_listed(found.coordinates)}"]
    if found.by_unit:
        lines.append(f"{', '.join(found.by_unit)}: told by the unit alone; see whether it is right")
    lines.append(f"fields: {_listed(found.fields)}")
    if found.derivatives:
        lines.append(f"derivatives: {_listed(found.derivatives)}")
    if found.sigmas:
        lines.append(f"standard deviations: {_listed(found.sigmas)}")
    lines += found.left_out
    return [f"{file}: {line}" for line in lines]


def _listed(columns: Mapping[str, str]) -> str:
    """Return names, each with its column where that has another one."""
    texts = []
    for name, column in columns.items():
        texts.append(name if name == column else f"{name} (column {column!r})")
    return ", ".join(texts)


def _comment(units: Sequence[str]) -> str:
    """Return the comment that states units, or nothing where none is known."""
    return f"  # in {', '.join(units)}" if all(units) else ""


def _flow(value: Mapping[str, Any]) -> str:
    """Return settings in one line of YAML."""
    text = yaml.safe_dump(value, sort_keys=False, default_flow_style=True, allow_unicode=True)
    return " ".join(text.split())


def _in_comment(name: str) -> str:
    """Return the name of a file as a comment or a docstring can hold it."""
    return " ".join(name.replace("\\", "/").replace('"', "'").split())


def _in_python(value: Any) -> str:
    """Return a setting as Python code, in double quotes where it can be."""
    return repr(value) if '"' in repr(value) else repr(value).replace("'", '"')
