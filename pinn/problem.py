"""Problems: named residuals on named regions; a residual's parameter names declare its derivatives."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from pinn.derivatives import Symbol, parse
from pinn.errors import InputError, did_you_mean
from pinn.geometry import REGIONS, Domain, NoSpace
from pinn.symmetry import Mirror, check_symmetries
from pinn.unknowns import Unknown, UnknownField, check_unknown_fields, unknown


def residual(*, on: str) -> Callable[[Callable[..., Any]], Any]:
    """Mark a method of a problem as a residual on a region.

    Regions are "interior", "initial" (the start time), "boundary" (all faces), a part of it that
    has a name, such as "holes", a face such as "x-" or "x+", and "data" (the points of
    measurements).  The method's name is the loss's name, its CSV column and its weight's key.
    """

    def mark(method: Callable[..., Any]) -> Any:
        method.region = on  # type: ignore[attr-defined]
        return method

    return mark


def satisfies(*names: str) -> Callable[[Callable[..., Any]], Any]:
    """Mark an ansatz with the residuals that it makes vanish identically; they leave the loss."""

    def mark(method: Callable[..., Any]) -> Any:
        method.satisfies = names  # type: ignore[attr-defined]
        return method

    return mark


def positive(default: float) -> Any:
    """Return a coefficient's default value, with the demand that the coefficient be positive and finite."""
    return field(default=default, metadata={"positive": True})


def final_time(default: float) -> Any:
    """Return a coefficient's default value, with the demand that it be where the time interval, from 0, ends."""
    return field(default=default, metadata={"positive": True, "final_time": True})


@dataclass(frozen=True)
class Term:
    """A residual of a problem: its name, its region and the symbols that it takes."""

    name: str
    region: str
    symbols: tuple[Symbol, ...]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A differential equation with its conditions; subclass it and declare fields, domain and residuals.

    Attributes:
        unknowns: coefficients to be found, by the name of the attribute that holds the true value.
        fields: names of the functions that the equations determine.
        unknown_fields: coefficients that are functions, to be found, by name; each has a network of
            its own. Residuals take them and their derivatives as they take fields.
        space: the domain in space; `NoSpace()`, the default, for functions of time alone.
        time: the time interval, or None for a steady problem.
        gauge: fields that are determined up to a constant only (a pressure, say), or, where the
            problem depends on time, up to a function of time.
        periodic: space coordinates in which the solution has the domain's length as its period.  It
            is the network that makes it so, by embedding them; their faces are no boundary.
        symmetries: mirror symmetries of the solution, which `network.symmetric=true` builds in.

    Raises:
        InputError: at construction, for a name that is no coordinate, field or derivative, a
            coefficient out of range, or an unknown that is no coefficient.
    """

    unknowns: Mapping[str, Any] = field(default_factory=dict)

    fields: ClassVar[tuple[str, ...]] = ()
    unknown_fields: ClassVar[Mapping[str, UnknownField]] = {}
    space: ClassVar[Domain] = NoSpace()
    time: ClassVar[tuple[float, float] | None] = None
    gauge: ClassVar[tuple[str, ...]] = ()
    periodic: ClassVar[tuple[str, ...]] = ()
    symmetries: ClassVar[tuple[Mirror, ...]] = ()

    def __post_init__(self) -> None:
        name = type(self).__name__
        for end in (f.name for f in dataclasses.fields(self) if f.metadata.get("final_time")):
            object.__setattr__(self, "time", (0.0, getattr(self, end)))
        if not self.fields or not isinstance(self.space, Domain) or not self.coordinates:
            raise InputError(
                f"{name}: declare fields, such as ('u',), and space, such as Interval(x=(0.0, 1.0))."
            )
        for c in self.periodic:
            if c not in self.space.coordinates:
                hint = did_you_mean(c, self.space.coordinates)
                raise InputError(
                    f"{name}: periodic={self.periodic}: {c!r} is no coordinate of space.{hint}"
                )
        check_symmetries(
            name, self.symmetries, coordinates=self.space.coordinates, fields=self.fields
        )
        check_unknown_fields(
            name, self.unknown_fields, coordinates=self.coordinates, fields=self.fields
        )
        for f in dataclasses.fields(self):
            value: Any = getattr(self, f.name)
            if (
                f.name == "unknowns"
                or not isinstance(f.default, int | float)
                or isinstance(f.default, bool)
            ):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise InputError(
                    f"{name}: {f.name}={value!r} is not a number; set problem.{f.name}."
                )
            if not math.isfinite(value) or (f.metadata.get("positive") and value <= 0):
                demand = (
                    "a positive finite number" if f.metadata.get("positive") else "a finite number"
                )
                raise InputError(
                    f"{name}: {f.name}={value!r} is not {demand}; set problem.{f.name}."
                )
        known = {f.name for f in dataclasses.fields(self)} - {"unknowns"}
        unknowns = {}
        for key, value in (self.unknowns or {}).items():
            if key not in known:
                raise InputError(
                    f"{name}: unknown {key!r} is no coefficient of the problem.{did_you_mean(key, known)}"
                )
            unknowns[key] = value if isinstance(value, Unknown) else unknown(key, value)
            demands = next(f.metadata for f in dataclasses.fields(self) if f.name == key)
            if demands.get("final_time"):
                raise InputError(
                    f"{name}: unknown {key}: it is the final time, not a coefficient; leave it out."
                )
            if demands.get("positive") and unknowns[key].start <= 0:
                raise InputError(
                    f"unknowns.{key}: start={unknowns[key].start}; {key} is positive, so start above 0."
                )
        object.__setattr__(self, "unknowns", unknowns)
        if not self.terms:
            raise InputError(f"{name}: no residual; mark a method with @residual(on='interior').")
        missing = set(self.satisfied) - {t.name for t in self.terms}
        if missing:
            raise InputError(
                f"{name}.ansatz: satisfies {missing.pop()!r}, which is no residual of the problem."
            )

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of all that networks give: the fields, then the unknown fields."""
        return (*self.fields, *self.unknown_fields)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates: space, then "t" if the problem depends on time."""
        return (*self.space.coordinates, *(("t",) if self.time else ()))

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner of the domain in space and time, [d] each."""
        lower, upper = self.space.bounds
        if self.time:
            return np.append(lower, self.time[0]), np.append(upper, self.time[1])
        return lower, upper

    @property
    def boundaries(self) -> dict[str, tuple[str, ...]]:
        """The faces behind the name of every region of the boundary; periodic coordinates have no faces."""
        periodic = {f"{c}{side}" for c in self.periodic for side in "-+"}
        found = {
            name: tuple(f for f in faces if f not in periodic)
            for name, faces in self.space.boundaries.items()
        }
        return {name: faces for name, faces in found.items() if faces}

    @property
    def faces(self) -> tuple[str, ...]:
        """Names of the faces that are a boundary: those of coordinates that are not periodic."""
        return self.boundaries.get("boundary", ())

    @property
    def terms(self) -> tuple[Term, ...]:
        """The residuals, in the order of their definition."""
        return tuple(
            self._term(name, method.region) for name, method in _marked(type(self)).items()
        )

    @property
    def satisfied(self) -> tuple[str, ...]:
        """Names of the residuals that vanish by the ansatz; empty without one."""
        return getattr(self.ansatz, "satisfies", ())

    def _term(self, name: str, region: str) -> Term:
        where = f"{type(self).__name__}.{name}"
        regions = (*(r for r in REGIONS if r != "boundary"), *self.boundaries)
        if region not in regions:
            periodic = f" ({', '.join(self.periodic)} being periodic)" if self.periodic else ""
            raise InputError(
                f"{where}: unknown region {region!r}{periodic}.{did_you_mean(region, regions)}"
            )
        if region == "initial" and not self.time:
            raise InputError(
                f"{where}: an initial condition in a steady problem; declare time = (0.0, 1.0)."
            )
        names = list(inspect.signature(getattr(self, name)).parameters)
        symbols = tuple(
            parse(n, coordinates=self.coordinates, fields=self.functions, where=where)
            for n in names
        )
        for s in symbols:
            if s.kind == "normal" and region in ("interior", "initial", "data"):
                raise InputError(
                    f"{where}: {s.name!r} is a normal derivative, but region {region!r} has no normal."
                )
            if s.kind == "data" and region != "data":
                raise InputError(
                    f"{where}: {s.name!r} is a measurement; mark the method with @residual(on='data')."
                )
        return Term(name, region, symbols)

    def bind(self, values: Mapping[str, Any]) -> Problem:
        """Return a copy whose coefficients have other values, tensors included; nothing is validated."""
        bound = copy.copy(self)
        for name, value in values.items():
            object.__setattr__(bound, name, value)
        return bound

    def ansatz(self, net: Any) -> Any:
        """Return the fields from coordinates and the network's output `net`; override to build conditions in.

        Parameters are coordinates by name and `net`: one array [n] where there is one field, else a
        tuple. Use TensorFlow's functions (`tf.sin`); return one field or a tuple of all.
        """
        return net

    def reference(self, **coordinates: np.ndarray) -> dict[str, np.ndarray] | None:
        """Return the reference by field (unknown fields too) for NumPy coordinates; None where there is none."""
        return None

    def reference_error(self) -> dict[str, float]:
        """Return the reference's own relative L2 error by field or derived quantity; empty where it is a formula."""
        return {}

    def derived(self) -> dict[str, Any]:
        """Return what else is reported, by name, from fields [n] in NumPy; override with fields as parameters.

        Such as `def derived(self, u, v): return {"abs_h": np.hypot(u, v)}`.  Errors, pictures and
        solutions then have it beside the fields, of the prediction and of the reference alike.
        """
        return {}

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the functions and of the quantities derived from them."""
        return tuple(self.with_derived({name: np.ones(1) for name in self.functions}))

    def with_derived(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the fields' values [n] by name, and behind them the quantities derived from them.

        Raises:
            InputError: if `derived` returns no dict, a name that is taken, or values of another
                shape.
        """
        where, found = f"{type(self).__name__}.derived", call(self.derived, values)
        if not isinstance(found, Mapping):
            raise InputError(
                f"{where}: returns a {type(found).__name__}; return a dict, such as {{'abs_h': …}}."
            )
        shape = np.shape(next(iter(values.values())))
        for name, value in found.items():
            if name in (*self.functions, *self.coordinates):
                raise InputError(
                    f"{where}: {name!r} is a field or coordinate already; choose another name."
                )
            if np.shape(value) != shape:
                raise InputError(
                    f"{where}: {name!r} has shape {np.shape(value)}, not {shape}; return one each point."
                )
        return {**values, **found}

    def reference_at(self, points: np.ndarray) -> dict[str, np.ndarray] | None:
        """Return the reference at points [n, d] by field, [n] each.

        Raises:
            InputError: if it lacks a field, or has values of another shape or not finite.
        """
        columns = dict(zip(self.coordinates, np.asarray(points, float).T, strict=True))
        found = call(self.reference, columns)
        if found is None:
            return None
        where = f"{type(self).__name__}.reference"
        if not isinstance(found, Mapping):
            raise InputError(
                f"{where}: returns a {type(found).__name__}; return a dict, such as {{'u': …}}."
            )
        found = dict(found)
        for name in self.functions:
            if name not in found:
                raise InputError(
                    f"{where}: lacks field {name!r} (it has {', '.join(found) or 'none'}); return them all."
                )
            value = np.asarray(found[name], float)
            if value.shape not in ((), (len(points),)):
                raise InputError(
                    f"{where}: field {name!r} has shape {value.shape} at {len(points)} points; return one each."
                )
            value = np.broadcast_to(value, (len(points),))
            if not np.all(np.isfinite(value)):
                at = ", ".join(f"{c}={v[~np.isfinite(value)][0]:.6g}" for c, v in columns.items())
                raise InputError(
                    f"{where}: field {name!r} is not finite at {at}; correct the formula."
                )
            found[name] = value
        return {name: found[name] for name in self.functions}


def call(function: Callable[..., Any], available: Mapping[str, Any]) -> Any:
    """Call a function with those of the `available` values that its parameters name."""
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return function(**available)
    missing = [p.name for p in parameters if p.name not in available]
    if missing:
        name = getattr(function, "__qualname__", str(function))
        raise InputError(
            f"{name}: unknown parameter {missing[0]!r}.{did_you_mean(missing[0], available)}"
        )
    return function(**{p.name: available[p.name] for p in parameters})


def _marked(cls: type) -> dict[str, Any]:
    """Return the residual methods of a class, inherited ones first, each in the order of definition."""
    found: dict[str, Any] = {}
    for ancestor in reversed(cls.__mro__):
        for name, member in vars(ancestor).items():
            if hasattr(member, "region"):
                found[name] = member
            elif name in found:
                del found[name]
    return found
