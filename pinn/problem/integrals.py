"""Integrals of a problem: what they run over, and what they depend on."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pinn.derivatives import Symbol
from pinn.errors import InputError, did_you_mean
from pinn.geometry import Box, NoSpace
from pinn.problem.declaration import Marks, Term, integrands, residual_methods
from pinn.problem.delays import check_free_name
from pinn.problem.names import is_finite
from pinn.problem.regions import At, Region, has_normals

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

OWN = "_at"  # ends the name of a coordinate of the point at which an integral is evaluated


@dataclass(frozen=True)
class Integral:
    """An integral of a problem.

    Attributes:
        name: the name of its integrand's method, by which residuals take it.
        region: the region whose points in space are integrated over; "" for none.
        running: the coordinates that run through their ranges beside the region's.
        limits: the limits of the only such coordinate: numbers, or its own name for its value at
            the point at which the integral is evaluated; where there are several, None.
        fixed: the values of the coordinates that the region fixes beside those of space: of the
            time and of parameters.
        symbols: what the integrand depends on, as in `Term`.
        taken: number of symbols that the integrand's method takes.
        own: the coordinates of the point at which the integral is evaluated, as far as it depends
            on them, in the problem's order.
        earlier: the number of the earlier mode whose inner product with the present one it is; 0
            for none.
        method: the name of its integrand's method, where that is not its own.
    """

    name: str
    region: str
    running: tuple[str, ...]
    limits: tuple[float | str, float | str] | None
    fixed: Mapping[str, float]
    symbols: tuple[Symbol, ...]
    taken: int
    own: tuple[str, ...]
    earlier: int = 0
    method: str = ""

    @property
    def integrand(self) -> Term:
        """The integrand as a residual, which is called and checked in the same way."""
        return Term(self.method or self.name, self.region, self.symbols, taken=self.taken)

    @property
    def is_number(self) -> bool:
        """Whether it depends on no coordinate."""
        return not self.own

    @property
    def reaches_in_time(self) -> bool:
        """Whether it takes the fields at times other than that of the point."""
        return "t" in self.running or "t" in self.fixed

    @property
    def has_own_limit(self) -> bool:
        """Whether a limit is the coordinate of the point at which it is evaluated."""
        return self.limits is not None and any(isinstance(end, str) for end in self.limits)


def integrals_of(problem: Problem) -> dict[str, Integral]:
    """Return the integrals of a problem by name.

    Raises:
        InputError: for an integral over what the problem does not have, limits that do not fit, or
            an integrand with a parameter that has no meaning.
    """
    return {name: _integral(problem, name, m) for name, m in integrands(type(problem)).items()}


def check_integrals(problem: Problem) -> None:
    """Raise an InputError for an integral that is not well declared."""
    residuals = residual_methods(type(problem))
    for name in integrands(type(problem)):
        where = f"{type(problem).__name__}.{name}"
        if name in residuals:
            raise InputError(
                f"{where}: is a residual and an integrand; write one method for each of them."
            )
        if problem.materials:
            raise InputError(f"{where}: integrals do not go with materials; leave one of them out.")
        if name in problem.delays:
            raise InputError(f"{where}: is a delayed field too; rename one of them.")
        check_free_name(problem, name, where)
    integrals_of(problem)


def _integral(problem: Problem, name: str, method: Any) -> Integral:
    where = f"{type(problem).__name__}.{name}"
    marks: Marks = method.integral
    region, running = _what_runs(problem, marks, where)
    fixed = _fixed_beyond_space(problem, region, running, where)
    if region:
        running_in_all = {*problem.space.coordinates, *running}
    else:
        _check_ranges(problem, running, where)
        running_in_all = {*running}
    limits = _limits(problem, marks, running, where)
    symbols = []
    own = {c for c in problem.coordinates if c not in running_in_all and c not in fixed}
    for parameter in inspect.signature(getattr(problem, name)).parameters:
        symbol = _symbol(problem, parameter, region, where)
        symbols.append(symbol)
        if symbol.source == OWN:
            own.add(parameter.removesuffix(OWN))
    own |= {end for end in limits or () if isinstance(end, str)}
    in_order = tuple(c for c in problem.coordinates if c in own)
    named = {symbol.name for symbol in symbols}
    read = [Symbol(p, "coordinate") for p in problem.parameters if p not in named]
    everything = (*symbols, *read)
    return Integral(name, region, running, limits, fixed, everything, len(symbols), in_order)


def _what_runs(problem: Problem, marks: Marks, where: str) -> tuple[str, tuple[str, ...]]:
    """Return the region that an integral is over, "" for none, and the coordinates."""
    inside = ("interior", "initial") if problem.time else ("interior",)
    regions = (*inside, *problem.boundaries, *problem.regions)
    known = (*problem.coordinates, *regions)
    for name in marks.over:
        if name not in known:
            hint = did_you_mean(str(name), known)
            raise InputError(f"{where}: over={name!r} is no coordinate and no region.{hint}")
        if name in problem.coordinates and name in regions:
            raise InputError(
                f"{where}: over={name!r} is a coordinate and a region; rename the region."
            )
    for name in marks.over:
        if name in problem.parameters:
            raise InputError(
                f"{where}: over={name!r} is a parameter; integrate over space and time."
            )
    named = [name for name in marks.over if name in regions]
    running = tuple(c for c in problem.coordinates if c in marks.over)
    if len(named) > 1 or len(named) + len(running) != len(marks.over) or not marks.over:
        raise InputError(
            f"{where}: over={marks.over!r}; name coordinates, each once, and at most one region."
        )
    region = named[0] if named else ""
    if region and set(running) - {"t"}:
        raise InputError(
            f"{where}: over={marks.over!r}: a region has its own coordinates in space; name it "
            "alone, or with 't'."
        )
    return region, running


def _fixed_beyond_space(
    problem: Problem, region: str, running: tuple[str, ...], where: str
) -> dict[str, float]:
    """Return the time and the parameters that a region fixes, by name, or nothing.

    Raises:
        InputError: for a region in space that is not the same everywhere else.
    """
    if not region:
        return {}
    problem.space.volume  # noqa: B018 - raises an error where it is not known
    declared = problem.regions.get(region)
    fixed: dict[str, float] = {}
    if region == "initial" and problem.time:
        fixed["t"] = problem.time[0]
    if isinstance(declared, Region):
        _check_constant(problem, region, declared, where)
    if isinstance(declared, At):
        fixed |= {c: v for c, v in declared.fixed.items() if c not in problem.space.coordinates}
    if isinstance(problem.space, NoSpace) and "t" not in fixed:
        raise InputError(
            f"{where}: region {region!r} is a single point of a problem in time alone; integrate "
            "over='t'."
        )
    if "t" in fixed and "t" in running:
        raise InputError(f"{where}: region {region!r} has one time; leave 't' out of over.")
    return fixed


def _check_constant(problem: Problem, name: str, region: Region, where: str) -> None:
    """Raise an InputError for a region that depends on time or on a parameter."""
    if region.moving:
        raise InputError(
            f"{where}: region {name!r} moves with an unknown field; integrate over a region that "
            "is the same at all times."
        )
    for c in inspect.signature(region.where).parameters if region.where else ():
        if c not in problem.space.coordinates:
            raise InputError(
                f"{where}: the predicate of region {name!r} depends on {c}; integrate over a "
                f"region that is the same for all {c}."
            )


def _check_ranges(problem: Problem, running: tuple[str, ...], where: str) -> None:
    """Raise an InputError for a coordinate whose range depends on other coordinates."""
    for c in running:
        if c != "t" and not isinstance(problem.space, Box):
            raise InputError(
                f"{where}: over={c!r}: its range depends on the other coordinates in "
                f"{problem.space!r}; integrate over a region, such as over='interior'."
            )


def _limits(
    problem: Problem, marks: Marks, running: tuple[str, ...], where: str
) -> tuple[float | str, float | str] | None:
    """Return the limits of the only coordinate that runs; None where there is not exactly one."""
    given = {"lower": marks.lower, "upper": marks.upper}
    stated = {side: end for side, end in given.items() if end is not None}
    if len(running) != 1:
        if stated:
            raise InputError(
                f"{where}: limits need exactly one coordinate in over; name it, as in "
                "over='t', upper='t'."
            )
        return None
    (c,) = running
    ends = dict(zip(given, problem.ranges[c], strict=True))
    low, high = ends.values()
    for side, end in stated.items():
        if end != c and not (is_finite(end) and low <= float(end) <= high):
            raise InputError(
                f"{where}: {side}={end!r} is neither {c!r} nor a number from {low:g} to {high:g}; "
                "give one of them."
            )
    lower, upper = ({**ends, **stated}).values()
    if lower == upper or (is_finite(lower) and is_finite(upper) and lower > upper):
        raise InputError(
            f"{where}: lower={lower!r} does not lie below upper={upper!r}; exchange or change them."
        )
    return lower, upper


def _symbol(problem: Problem, name: str, region: str, where: str) -> Symbol:
    """Return what a parameter of an integrand stands for."""
    if name.endswith(OWN) and name.removesuffix(OWN) in problem.coordinates:
        return Symbol(name, "coordinate", source=OWN)
    if name in integrands(type(problem)):
        raise InputError(
            f"{where}: {name!r} is an integral itself; take it in a residual, beside this one."
        )
    symbol = problem.symbol(name, where)
    if symbol.kind == "data":
        raise InputError(
            f"{where}: {name!r} is a measurement, which has no integral; leave it out."
        )
    if symbol.kind == "normal" and not (region and has_normals(problem, region)):
        raise InputError(
            f"{where}: {name!r} is a normal derivative, and the integral is over no part of the "
            "boundary; name one in over."
        )
    return symbol
