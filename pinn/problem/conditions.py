"""What holds on interfaces by itself: the continuity of every field, and of every flux."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING

from pinn.derivatives import SIDES, Symbol, parse
from pinn.errors import InputError, did_you_mean
from pinn.problem.declaration import (
    CONTINUITY,
    FLUX,
    Term,
    complete_term,
    flux_methods,
    residual_methods,
)
from pinn.problem.two_sided import INTERFACES, is_two_sided, members

if TYPE_CHECKING:
    from pinn.problem.problem import Problem


def interface_terms(problem: Problem) -> list[Term]:
    """Return the conditions on the interfaces of a problem, apart from its own residuals.

    They are the jump of every field, `continuity_T`, and that of every flux, `flux_heat`.  Each
    holds on all interfaces on which no residual replaces it.
    """
    terms = []
    for field in problem.fields:
        value = Symbol(field, "derivative", field)
        name = f"{CONTINUITY}{field}"
        terms.append(Term(name, "", (value.on(1), value.on(2)), kind="continuity"))
    for flux in flux_methods(type(problem)):
        symbols = flux_term(problem, flux).symbols
        sided = [_on_side(symbol, side) for side in SIDES for symbol in symbols]
        terms.append(Term(f"{FLUX}{flux}", "", tuple(sided), kind="flux"))
    placed = []
    for term in terms:
        remaining = [i for i in problem.interfaces if i not in _replaced(problem, term.name)]
        if remaining:
            is_whole = len(remaining) == len(problem.interfaces)
            region = INTERFACES if is_whole else ",".join(remaining)
            placed.append(replace(term, region=region))
    return placed


def flux_term(problem: Problem, name: str) -> Term:
    """Return a flux on one side of the interfaces, as a term that is computed like a residual.

    Raises:
        InputError: for a parameter that has no meaning on an interface, or none at all.
    """
    where = f"{type(problem).__name__}.{name}"
    symbols = []
    for parameter in inspect.signature(getattr(problem, name)).parameters:
        symbol = parse(
            parameter, coordinates=problem.coordinates, fields=problem.functions, where=where
        )
        if symbol.kind == "data":
            raise InputError(f"{where}: {parameter!r} is a measurement; leave it out of a flux.")
        symbols.append(symbol)
    if not any(symbol.field for symbol in symbols):
        raise InputError(
            f"{where}: a flux without a field; take one, such as {problem.fields[0]}_n."
        )
    return complete_term(problem, name, INTERFACES, symbols)


def check_conditions(problem: Problem) -> None:
    """Raise an InputError for interface conditions that cannot be meant, or are missing."""
    fluxes = flux_methods(type(problem))
    title = type(problem).__name__
    if not problem.materials:
        if fluxes:
            raise InputError(
                f"{title}.{next(iter(fluxes))}: a flux needs interfaces; declare materials."
            )
        _check_replaced(problem, [])
        return
    automatic = [f"{CONTINUITY}{field}" for field in problem.fields]
    automatic += [f"{FLUX}{flux}" for flux in fluxes]
    for name in residual_methods(type(problem)):
        if name in automatic:
            raise InputError(
                f"{title}.{name}: is the name of a condition on interfaces; choose another name, "
                f"and say replaces={name!r} to take its place."
            )
    _check_replaced(problem, automatic)
    for interface in problem.interfaces:
        _check_slopes(problem, interface)


def _check_replaced(problem: Problem, known: list[str]) -> None:
    """Raise an InputError for a condition that is replaced and does not exist."""
    for name, method in residual_methods(type(problem)).items():
        where = f"{type(problem).__name__}.{name}"
        for replaced in method.replaces:
            if replaced not in known:
                raise InputError(
                    f"{where}: replaces={replaced!r} is no condition on interfaces."
                    f"{did_you_mean(replaced, known)}"
                )
            if not _interfaces(problem, method.region):
                raise InputError(
                    f"{where}: replaces={replaced!r} on region {method.region!r}, which is no "
                    "interface; name two materials, as in on=('plaster', 'wool')."
                )


def _check_slopes(problem: Problem, interface: str) -> None:
    """Raise an InputError for a field of second order whose slope nothing joins at an interface."""
    inside = ("interior", *interface.split("|"))
    second_order: dict[str, None] = {}
    joined: set[str] = set()
    for term in problem.terms:
        for symbol in term.symbols:
            if term.region in inside and _order(symbol) > 1:
                second_order[symbol.field] = None
            if interface in _interfaces(problem, term.region) and _order(symbol):
                joined.add(symbol.field)
    # Whoever replaces a flux says what holds instead, such as a value that is given there.
    for flux in flux_methods(type(problem)):
        if interface in _replaced(problem, f"{FLUX}{flux}"):
            joined |= {symbol.field for symbol in flux_term(problem, flux).symbols}
    for field in second_order:
        if field in problem.fields and field not in joined:
            raise InputError(
                f"{type(problem).__name__}: nothing says how {field}_n goes through the interface "
                f"{interface!r}; mark a method with @flux, such as k {field}_n."
            )


def _order(symbol: Symbol) -> int:
    """Return the order of a derivative; 0 for what is none."""
    return {"laplacian": 2, "normal": 1}.get(symbol.kind, len(symbol.index))


def _replaced(problem: Problem, condition: str) -> set[str]:
    """Return the interfaces on which a residual replaces a condition."""
    replaced: set[str] = set()
    for method in residual_methods(type(problem)).values():
        if condition in method.replaces:
            replaced |= _interfaces(problem, method.region)
    return replaced


def _interfaces(problem: Problem, region: str) -> set[str]:
    """Return the interfaces of a region, as the problem names them."""
    if not is_two_sided(region):
        return set()
    pairs = {frozenset(pair) for pair in members(problem, region)}
    return {i for i in problem.interfaces if frozenset(i.split("|")) in pairs}


def _on_side(symbol: Symbol, side: int) -> Symbol:
    """Return a flux's symbol on a side of an interface; coordinates are the same on both."""
    return symbol if symbol.kind == "coordinate" else symbol.on(side)
