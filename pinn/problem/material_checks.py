"""Checks of the materials that a problem's class declares."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pinn.errors import InputError, did_you_mean
from pinn.geometry import REGIONS, Domain
from pinn.problem.declaration import POSITIVE
from pinn.problem.materials import Material, differing, masks_at
from pinn.problem.names import is_finite
from pinn.sampling import unit_cube

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

_SAMPLE = 1 << 14  # points that show whether the materials fill space


def check_materials(problem: Problem) -> None:
    """Raise an InputError for materials that do not fit the problem, or do not fill its space."""
    title = type(problem).__name__
    if not isinstance(problem.materials, Mapping):
        raise InputError(
            f"{title}: materials={problem.materials!r} is no dict; give materials by name, such as "
            "{'wool': Material(Interval(x=(0.1, 0.3)), k=0.04)}."
        )
    if not problem.materials:
        return
    for law in problem.laws:
        raise InputError(
            f"{title}.unknown_fields: {law!r} is a function of a field, which has a network in "
            "every material; let it depend on coordinates, or leave materials out."
        )
    taken = (*REGIONS, *problem.space.boundaries, *problem.regions)
    for name, material in problem.materials.items():
        where = f"{title}.materials: {name!r}"
        if not isinstance(name, str) or not name.isidentifier() or name in taken:
            raise InputError(
                f"{where} cannot name a material: it is taken, or no word; choose another name."
            )
        if not isinstance(material, Material):
            raise InputError(
                f"{where} is a {type(material).__name__}; give a Material, with its domain."
            )
        _check_domain(problem, material.domain, where)
        _check_coefficients(problem, material, where)
    _check_filled(problem)
    _check_ends(problem)
    _check_moving(problem)


def check_stated(problem: Problem) -> None:
    """Raise an InputError for a coefficient that is set or unknown without any effect.

    These are the coefficients that every material states itself.
    """
    defaults = {f.name: f.default for f in dataclasses.fields(problem)}
    for name in differing(problem):
        if not all(name in material.coefficients for material in problem.materials.values()):
            continue
        is_set = getattr(problem, name) != defaults[name]
        if is_set or name in problem.unknowns:
            what = "an unknown" if name in problem.unknowns else f"{getattr(problem, name)!r}"
            raise InputError(
                f"{type(problem).__name__}: {name} is {what}, but every material states its own; "
                f"name another coefficient there, as in Material(…, {name}='{name}_1')."
            )


def _check_domain(problem: Problem, domain: Domain | None, where: str) -> None:
    space = problem.space.coordinates
    if domain is None:
        rest = [name for name, m in problem.materials.items() if m.domain is None]
        if len(rest) > 1:
            raise InputError(
                f"{where}: {' and '.join(rest)} have no domain; one material is the rest of space."
            )
        return
    for c in domain.coordinates:
        if c not in space:
            raise InputError(
                f"{where}: {domain!r}: {c!r} is no space coordinate.{did_you_mean(c, space)}"
            )


def _check_coefficients(problem: Problem, material: Material, where: str) -> None:
    known = problem.coefficients
    for name, value in material.coefficients.items():
        if name in problem.parameters:
            raise InputError(
                f"{where}: {name} is a parameter, the same at all points of space; declare another "
                f"coefficient, as in {name}_of_material: float = 1.0, and state that."
            )
        if name not in known:
            raise InputError(
                f"{where}: {name!r} is no coefficient; declare it, as in {name}: float = 1.0."
                f"{did_you_mean(name, known)}"
            )
        if isinstance(value, str):
            common = {*known, *problem.parameters} - set(differing(problem))
            if value not in common:
                raise InputError(
                    f"{where}: {name}={value!r} is no coefficient that is the same in all "
                    f"materials.{did_you_mean(value, common)}"
                )
        elif not is_finite(value):
            raise InputError(f"{where}: {name}={value!r} is no finite number; give one.")
        elif problem.demands(name).get(POSITIVE) and value <= 0:
            raise InputError(f"{where}: {name}={value!r} is not positive; give a positive number.")


def _check_filled(problem: Problem) -> None:
    """Raise an InputError where no material lies, and for a material that lies nowhere."""
    title = f"{type(problem).__name__}.materials"
    space = problem.space
    points = space.interior(unit_cube(_SAMPLE, len(space.coordinates)))
    points = points[space.accepts(points)]
    masks = masks_at(problem, points)
    empty = ~np.any(list(masks.values()), axis=0)
    if empty.any():
        place = zip(space.coordinates, points[empty][0], strict=True)
        at = ", ".join(f"{c}={value:.4g}" for c, value in place)
        raise InputError(f"{title}: none at {at}; add Material(…) without a domain for the rest.")
    for name, mask in masks.items():
        if not mask.any():
            raise InputError(
                f"{title}: {name!r} has almost no points in space, or lies in earlier ones; move "
                "or remove it."
            )


def _check_ends(problem: Problem) -> None:
    """Raise an InputError for a periodic coordinate at whose two ends the materials differ."""
    space = problem.space
    for c in problem.periodic:
        unit = unit_cube(_SAMPLE, len(space.coordinates) - 1)
        ends = []
        for face in (f"{c}-", f"{c}+"):
            points, _ = space.face(face, unit)
            ends.append(list(masks_at(problem, points).values()))
        if not np.array_equal(*ends):
            raise InputError(
                f"{type(problem).__name__}: periodic={problem.periodic}: the materials at {c}- and "
                f"{c}+ differ; leave {c} out, and write residuals on ('{c}-', '{c}+')."
            )


def _check_moving(problem: Problem) -> None:
    """Raise an InputError for a free boundary, along which the materials are not known."""
    for name, region in problem.regions.items():
        if region.moving:
            raise InputError(
                f"{type(problem).__name__}.regions: {name!r}: a free boundary does not go with "
                "materials; leave one of the two out."
            )
