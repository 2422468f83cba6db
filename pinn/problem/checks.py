"""Checks of a problem at construction: its declaration, coefficients and unknowns."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pinn.derivatives import Symbol, parse_two_sided
from pinn.errors import InputError, did_you_mean
from pinn.geometry import REGIONS, Domain, is_data
from pinn.parameters import Parameter
from pinn.problem.declaration import FINAL_TIME, POSITIVE, Term, complete_term, integrands
from pinn.problem.materials import differing
from pinn.problem.names import check_names, check_positive_fields
from pinn.problem.parameter_checks import check_parameters
from pinn.problem.regions import Region, has_normals, has_points, label_of, region_names
from pinn.problem.two_sided import check_two_sided, is_two_sided, shared_coordinates
from pinn.settings import check_positive
from pinn.symmetry import check_symmetries
from pinn.unknowns import Unknown, check_unknown_fields, unknown

if TYPE_CHECKING:
    from pinn.problem.problem import Problem


def check_declaration(problem: Problem) -> None:
    """Raise an InputError for fields, a domain or symmetries that are missing or do not fit."""
    name = type(problem).__name__
    if not problem.fields or not isinstance(problem.space, Domain) or not problem.coordinates:
        raise InputError(
            f"{name}: declare fields, such as ('u',), and space, such as Interval(x=(0.0, 1.0))."
        )
    check_names(problem)
    check_parameters(problem)
    axes = problem.space.coordinates
    for coordinate in problem.periodic:
        if coordinate not in axes:
            raise InputError(
                f"{name}: periodic={problem.periodic}: {coordinate!r} is no coordinate of space."
                f"{did_you_mean(coordinate, axes)}"
            )
    for function, scale in problem.scales.items():
        if function not in problem.functions:
            hint = did_you_mean(function, problem.functions)
            raise InputError(f"{name}: scales: {function!r} is no field.{hint}")
        check_positive(f"{name}: scales: {function}", scale)
    check_symmetries(name, problem.symmetries, coordinates=axes, fields=problem.fields)
    check_unknown_fields(
        name, problem.unknown_fields, coordinates=problem.coordinates, fields=problem.fields
    )
    check_positive_fields(problem)


def check_units(problem: Problem) -> None:
    """Raise an InputError for units that are no text, or those of nothing in the problem."""
    name = type(problem).__name__
    if not isinstance(problem.units, Mapping):
        raise InputError(
            f"{name}: units={problem.units!r} is no dict; give units by name, such as {{'x': 'm'}}."
        )
    known = (*problem.coordinates, *problem.functions, *problem.coefficients)
    for key, unit in problem.units.items():
        if key not in known:
            raise InputError(
                f"{name}: units: {key!r} is no coordinate, field or coefficient."
                f"{did_you_mean(str(key), known)}"
            )
        if not isinstance(unit, str) or not unit.strip():
            raise InputError(
                f"{name}: units: {key}={unit!r} is no unit; give text, such as 'm', or '1' for a "
                "number without one."
            )


def check_coefficients(problem: Problem) -> None:
    """Raise an InputError for a coefficient that is no number, or not positive where it must be."""
    name = type(problem).__name__
    defaults = {field.name: field.default for field in dataclasses.fields(problem)}
    for coefficient in problem.coefficients:
        value: Any = getattr(problem, coefficient)
        where = f"{name}: {coefficient}={value!r}"
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise InputError(f"{where} is not a number; set problem.{coefficient}.")
        positive = problem.demands(coefficient).get(POSITIVE)
        default = defaults[coefficient]
        positive = positive or (isinstance(default, Parameter) and default.log)
        if not math.isfinite(value) or (positive and value <= 0):
            demand = "a positive finite number" if positive else "a finite number"
            raise InputError(f"{where} is not {demand}; set problem.{coefficient}.")


def checked_unknowns(problem: Problem) -> dict[str, Unknown]:
    """Return the unknowns by name, as objects.

    Raises:
        InputError: for what is no coefficient, the final time, or a start out of range.
    """
    name = type(problem).__name__
    known = {field.name for field in dataclasses.fields(problem)} - {"unknowns"}
    unknowns = {}
    if not isinstance(problem.unknowns, Mapping | None):
        raise InputError(
            f"{name}: unknowns={problem.unknowns!r}; give starts by name, such as {{'nu': 1.0}}."
        )
    for key, value in (problem.unknowns or {}).items():
        if key not in known:
            raise InputError(
                f"{name}: unknown {key!r} is no coefficient of the problem."
                f"{did_you_mean(key, known)}"
            )
        coefficient = value if isinstance(value, Unknown) else unknown(key, value)
        demands = problem.demands(key)
        if demands.get(FINAL_TIME):
            raise InputError(
                f"{name}: unknown {key}: it is the final time, not a coefficient; leave it out."
            )
        if demands.get(POSITIVE) and coefficient.start <= 0:
            raise InputError(
                f"unknowns.{key}: start={coefficient.start}; {key} is positive, so start above 0."
            )
        unknowns[key] = coefficient
    return unknowns


def check_regions(problem: Problem) -> None:
    """Raise an InputError for a declared region with a name that is taken, or without points."""
    name = type(problem).__name__
    if not isinstance(problem.regions, Mapping):
        raise InputError(
            f"{name}: regions={problem.regions!r} is no dict; give regions by name, such as "
            "{'middle': At(x=0.0)}."
        )
    taken = (*REGIONS, *problem.space.boundaries)
    for key, region in problem.regions.items():
        label = label_of(problem, key)
        is_word = isinstance(key, str) and key.isidentifier()
        if not is_word or key in taken or is_data(key):
            raise InputError(
                f"{label} cannot name a region: it is taken, or no word; choose another name."
            )
        if not isinstance(region, Region):
            raise InputError(
                f"{label} is a {type(region).__name__}; give a region, such as At(x=0.0)."
            )
        region.check(problem, label)
        if not has_points(problem, key):
            raise InputError(
                f"{label}: {region!r} has almost no points in the domain; move or widen it."
            )


def check_terms(problem: Problem) -> None:
    """Raise an InputError for a missing residual: all, one of the ansatz, or one of a region."""
    name = type(problem).__name__
    if not problem.terms:
        raise InputError(f"{name}: no residual; mark a method with @residual(on='interior').")
    missing = set(problem.satisfied) - {term.name for term in problem.terms}
    if missing:
        raise InputError(
            f"{name}.ansatz: satisfies {missing.pop()!r}, which is no residual of the problem."
        )
    used = {term.region for term in problem.terms}
    used |= {integral.region for integral in problem.integrals.values()}
    for region in problem.regions:
        if region not in used:
            raise InputError(
                f"{label_of(problem, region)} has no residual; mark a method with "
                f"@residual(on={region!r}), or remove the region."
            )


def term_of(problem: Problem, name: str, region: str) -> Term:
    """Return the term of a residual method, whose parameters are parsed.

    Raises:
        InputError: for a region that the problem does not have, or a symbol that has no meaning
            there.
    """
    where = f"{type(problem).__name__}.{name}"
    regions = {"data", "initial", *region_names(problem)}
    if is_two_sided(region):
        check_two_sided(problem, region, where)
    elif region not in regions and not is_data(region):
        periodic = f" ({', '.join(problem.periodic)} being periodic)" if problem.periodic else ""
        raise InputError(
            f"{where}: unknown region {region!r}{periodic}.{did_you_mean(region, regions)}"
        )
    if region == "initial" and not problem.time:
        raise InputError(
            f"{where}: an initial condition in a steady problem; declare time = (0.0, 1.0)."
        )
    read = partial(problem.symbol, where=where)
    if is_two_sided(region):
        shared = shared_coordinates(problem, region)
        read = partial(
            parse_two_sided,
            coordinates=problem.coordinates,
            fields=problem.functions,
            shared=shared,
            coefficients=differing(problem),
            where=where,
        )
    symbols = []
    for parameter in inspect.signature(getattr(problem, name)).parameters:
        if is_two_sided(region):
            _check_local(problem, parameter, region, where)
        symbol = read(parameter)
        _check_symbol(symbol, problem, region, where)
        symbols.append(symbol)
    return complete_term(problem, name, region, symbols)


def _check_local(problem: Problem, name: str, region: str, where: str) -> None:
    """Raise an InputError for an integral or a delayed field on a region with two sides."""
    base = re.sub(r"_[12]$", "", name)
    if base in integrands(type(problem)) or base in problem.delays:
        raise InputError(
            f"{where}: {name!r} is an integral or a delayed field, and region {region!r} has two "
            "sides; take it in a residual on one face."
        )


def _check_symbol(symbol: Symbol, problem: Problem, region: str, where: str) -> None:
    if symbol.kind == "normal" and not has_normals(problem, region):
        raise InputError(
            f"{where}: {symbol.name!r} is a normal derivative, but region {region!r} has no normal."
        )
    if symbol.kind == "data" and not is_data(region):
        raise InputError(
            f"{where}: {symbol.name!r} is a measurement; mark the method with @residual(on='data')."
        )


def check_derived(problem: Problem, quantities: Any, shape: tuple[int, ...]) -> Mapping[str, Any]:
    """Return what `derived` gave.

    Raises:
        InputError: if that is no dict, takes a name twice, or has values of another shape.
    """
    where = f"{type(problem).__name__}.derived"
    if not isinstance(quantities, Mapping):
        raise InputError(
            f"{where}: returns a {type(quantities).__name__}; return a dict, such as "
            "{'abs_h': …}."
        )
    for name, value in quantities.items():
        if name in (*problem.functions, *problem.coordinates):
            raise InputError(
                f"{where}: {name!r} is a field or coordinate already; choose another name."
            )
        if np.shape(value) != shape:
            raise InputError(
                f"{where}: {name!r} has shape {np.shape(value)}, not {shape}; return one value per "
                "point."
            )
    return quantities


def check_reference_error(problem: Problem, errors: Any) -> dict[str, float]:
    """Return what `reference_error` gave.

    Raises:
        InputError: if that is no dict of numbers by quantity.
    """
    where = f"{type(problem).__name__}.reference_error"
    if not isinstance(errors, Mapping):
        raise InputError(
            f"{where}: returns a {type(errors).__name__}; return a dict, such as {{'u': 1e-6}}."
        )
    for name, error in errors.items():
        if name not in problem.quantities:
            raise InputError(
                f"{where}: {name!r} is no field.{did_you_mean(str(name), problem.quantities)}"
            )
        if not isinstance(error, int | float | np.number):
            raise InputError(f"{where}: {name!r} has {error!r}; give a number, such as 1e-6.")
    return {name: float(error) for name, error in errors.items()}
