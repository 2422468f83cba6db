"""Modes of an eigenvalue problem: solutions that are orthogonal to each other.

A problem states one mode, with a normalization ∫ q(u) dx = 1 whose integrand q is a quadratic form.
The inner product in which modes are orthogonal is its polarization,

    ⟨u, v⟩ = ¼ ∫ (q(u + v) − q(u − v)) dx.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from pinn.derivatives import Symbol
from pinn.errors import InputError
from pinn.problem.declaration import Term, residual_methods
from pinn.problem.integrals import Integral
from pinn.problem.user_code import user_code

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

ORTHOGONAL = "orthogonal_"  # how the names of conditions between modes begin
POINTS = 8  # at which an integrand is tried
KINDS = ("coordinate", "derivative", "laplacian")
TOLERANCE = 1e-9  # relative, of the parallelogram law


def inner_products(problem: Problem) -> dict[str, Integral]:
    """Return the inner products of a mode with the modes before it, by name; usually none."""
    if problem.mode_count == 1:
        return {}
    norm = norm_of(problem)
    found = {}
    for number in range(1, problem.mode_count):
        name = f"{ORTHOGONAL}{number}"
        found[name] = replace(norm, name=name, method=norm.name, earlier=number)
    return found


def mode_terms(problem: Problem) -> tuple[Term, ...]:
    """Return the conditions that a mode is orthogonal to those before it; usually none.

    In the stage of the first mode, the others do not exist yet, and their inner products are zero.
    """
    names = inner_products(problem)
    if not names:
        return ()
    region = _normalized_on(problem)
    terms = []
    for name in names:
        symbol = Symbol(name, "integral", source=name)
        terms.append(Term(name, region, (symbol,), kind="orthogonality"))
    return tuple(terms)


def norm_of(problem: Problem) -> Integral:
    """Return the integral that normalizes a mode.

    Raises:
        InputError: if not exactly one integral is a number with a quadratic integrand.
    """
    quadratic = []
    for integral in problem.integrals.values():
        if integral.is_number and _is_quadratic(problem, integral):
            quadratic.append(integral)
    if len(quadratic) != 1:
        names = ", ".join(i.name for i in quadratic) or "none"
        raise InputError(
            f"{type(problem).__name__}: modes need one integral whose integrand is quadratic, "
            f"which normalizes them (found: {names}); declare one, as in @integral(over="
            "'interior') with return u**2."
        )
    return quadratic[0]


def check_modes(problem: Problem) -> None:
    """Raise an InputError for a problem that is no eigenvalue problem."""
    name = type(problem).__name__
    if not problem.unknowns:
        raise InputError(
            f"{name}: modes: no coefficient is unknown; name the eigenvalue, as in unknowns="
            "{'E': 1.0}."
        )
    if problem.time or problem.parameters or problem.unknown_fields:
        raise InputError(
            f"{name}: modes are those of a steady problem, without parameters and unknown fields; "
            "leave them out, or use modes=1."
        )
    _normalized_on(problem)


def _normalized_on(problem: Problem) -> str:
    """Return the region of the residual that takes the norm."""
    norm = norm_of(problem).name
    for name, method in residual_methods(type(problem)).items():
        if norm in inspect.signature(getattr(problem, name)).parameters:
            return method.region
    raise InputError(
        f"{type(problem).__name__}: modes: no residual takes {norm!r}, so that zero is a solution; "
        f"normalize it, as in return {norm} - 1."
    )


def _is_quadratic(problem: Problem, integral: Integral) -> bool:
    """Return whether an integrand q is a quadratic form: q(2u) = 4 q(u), and the parallelogram law.

    q(u + v) + q(u − v) = 2 q(u) + 2 q(v)
    """
    if not all(symbol.kind in KINDS for symbol in integral.symbols):
        return False
    rng = np.random.default_rng(0)
    places = []
    first = []
    second = []
    for symbol in integral.symbols:
        is_coordinate = symbol.kind == "coordinate"
        drawn = rng.uniform(*problem.ranges[symbol.name], POINTS) if is_coordinate else 0.0
        places.append(np.zeros(POINTS) + drawn)
        for fields in (first, second):
            fields.append(rng.standard_normal(POINTS) * (not is_coordinate))

    def q(u: float, v: float) -> np.ndarray:
        arguments = []
        for place, one, other in zip(places, first, second, strict=True):
            arguments.append(tf.constant(place + u * one + v * other, tf.float64))
        with user_code(problem, integral.name, "float64"):
            return np.asarray(integral.integrand.value(problem, arguments), float)

    laws = (q(2, 0) - 4 * q(1, 0), q(1, 1) + q(1, -1) - 2 * q(1, 0) - 2 * q(0, 1))
    size = np.max(np.abs(q(1, 0)))
    return bool(size > 0 and all(np.max(np.abs(law)) <= TOLERANCE * size for law in laws))
