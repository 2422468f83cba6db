"""The base class of all problems."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform

import numpy as np
from jaxtyping import Float

from pinn.arrays import check_shapes
from pinn.derivatives import Symbol, parse
from pinn.geometry import Domain, NoSpace
from pinn.parameters import Parameter
from pinn.problem import checks
from pinn.problem.conditions import check_conditions, interface_terms
from pinn.problem.declaration import FINAL_TIME, Term, integrands, residual_methods
from pinn.problem.delays import Delay, check_delays
from pinn.problem.evaluation import call, reference_columns
from pinn.problem.integrals import Integral, check_integrals, integrals_of
from pinn.problem.log_time import LogTime
from pinn.problem.material_checks import check_materials, check_stated
from pinn.problem.materials import Material, bound_to_none, bound_to_points, masks_at
from pinn.problem.modes import inner_products, mode_terms
from pinn.problem.names import check_log_time, check_time
from pinn.problem.parameter_checks import checked_parameters
from pinn.problem.regions import Region
from pinn.problem.two_sided import find_interfaces
from pinn.problem.user_code import check_methods, user_code
from pinn.symmetry import Mirror
from pinn.unknowns import UnknownField


class _Frozen:
    """Refuses assignments, for subclasses that have no such methods of their own."""

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
@dataclass(frozen=True, kw_only=True)
class Problem(_Frozen):
    """A differential equation with its conditions.

    Subclass it and declare fields, domain and residuals. Annotated attributes of a subclass are
    coefficients. Subclasses are frozen, keyword-only dataclasses; they need no decorator, and a
    decorator does no harm.

    A coefficient whose value is a range, {"lower": …, "upper": …}, is a parameter: the solution is
    a function of it too.

    Attributes:
        unknowns: the coefficients to determine, by the attribute that holds the true value.
        fields: names of the functions that the equations determine.
        positive_fields: fields that are positive everywhere, and may span orders of magnitude: each
            is an exponential function of what the network computes.
        unknown_fields: coefficients that are functions, to be determined, by name. Each has a
            network of its own. Residuals take them and their derivatives like fields.
        space: the domain in space; `NoSpace()`, the default, for functions of time alone.
        time: the time interval, or None for a steady problem.
        log_time: the time after the beginning from which on the solution changes with the logarithm
            of time, in units of time; None: it changes with time. Points are then drawn evenly in
            ln(1 + (t − t₀)/τ), which the network sees in place of time.
        regions: regions by name, beside those that every problem has, as in `{"middle":
            At(x=0.0)}`.
        materials: parts of space with coefficients and functions of their own, by name. Each name
            is a region too. All fields and fluxes are continuous through interfaces.
        interfaces: where materials touch, such as "plaster|wool", found from their domains.
        delays: values of fields at earlier times, by the names under which residuals take them, as
            in `{"u_late": Delay("u", t=1.0, past=0.0)}`.
        gauge: fields that are determined up to a constant only (a pressure, say), or up to a
            function of time where the problem depends on time.
        periodic: space coordinates in which the solution has the domain's length as its period. The
            network is made periodic, by an embedding; the faces of these coordinates are no
            boundary.
        scales: the distance of a field's values from their middle, in the field's units, by field,
            where it is known better than the conditions tell.
        symmetries: mirror symmetries of the solution, which `network.symmetric=true` builds in.
        units: units of coordinates, fields and coefficients, by name, as in `{"x": "m", "T": "K"}`.
            They are shown with the values; where all have one, the dimensions of the residuals are
            checked (extra `units`).

    Raises:
        InputError: at construction, for a name that is no coordinate, field or derivative, a
            coefficient out of range, or an unknown that is no coefficient.
    """

    unknowns: Mapping[str, Any] = field(default_factory=dict)

    fields: ClassVar[tuple[str, ...]] = ()
    positive_fields: ClassVar[tuple[str, ...]] = ()
    unknown_fields: ClassVar[Mapping[str, UnknownField]] = {}
    space: ClassVar[Domain] = NoSpace()
    time: ClassVar[tuple[float, float] | None] = None
    log_time: ClassVar[float | None] = None
    regions: ClassVar[Mapping[str, Region]] = {}
    materials: ClassVar[Mapping[str, Material]] = {}
    interfaces: ClassVar[tuple[str, ...]] = ()
    delays: ClassVar[Mapping[str, Delay]] = {}
    gauge: ClassVar[tuple[str, ...]] = ()
    periodic: ClassVar[tuple[str, ...]] = ()
    scales: ClassVar[Mapping[str, float]] = {}
    symmetries: ClassVar[tuple[Mirror, ...]] = ()
    units: ClassVar[Mapping[str, str]] = {}

    # What a run binds where it solves for several modes: their number, and at the nodes of their
    # inner product the values [modes - 1, nodes] of those before the present one.
    mode_count: ClassVar[int] = 1
    earlier_modes: ClassVar[Mapping[str, Any]] = {}

    _demands: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    _parameters: ClassVar[Mapping[str, Parameter]] = {}

    def __init_subclass__(cls, **settings: Any) -> None:
        """Make a subclass a frozen, keyword-only dataclass, which a decorator may do once more."""
        super().__init_subclass__(**settings)
        dataclass(frozen=True, kw_only=True)(cls)
        # A second decoration would find its methods taken, so `_Frozen` refuses assignments. It
        # would also lose the metadata, because a default replaces the field that states it.
        del cls.__setattr__
        del cls.__delattr__
        own = vars(cls).get("__annotations__", {})
        demands = {f.name: f.metadata for f in dataclasses.fields(cls) if f.name in own}
        cls._demands = {**cls._demands, **demands}

    def __post_init__(self) -> None:
        for name in self._demands:
            if self.demands(name).get(FINAL_TIME):
                object.__setattr__(self, "time", (0.0, getattr(self, name)))
        object.__setattr__(self, "_parameters", checked_parameters(self))
        for name, found in self._parameters.items():
            object.__setattr__(self, name, found)
        checks.check_declaration(self)
        checks.check_units(self)
        checks.check_coefficients(self)
        check_time(self)
        check_log_time(self)
        object.__setattr__(self, "unknowns", checks.checked_unknowns(self))
        check_delays(self)
        checks.check_regions(self)
        check_materials(self)
        check_stated(self)
        object.__setattr__(self, "interfaces", find_interfaces(self))
        check_methods(self)
        check_integrals(self)
        checks.check_terms(self)
        check_conditions(self)

    @classmethod
    def demands(cls, name: str) -> Mapping[str, Any]:
        """Return what `positive` and `final_time` demand of a coefficient."""
        return cls._demands.get(name, {})

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of all functions: the fields, then the unknown fields."""
        return (*self.fields, *self.unknown_fields)

    @property
    def laws(self) -> tuple[str, ...]:
        """Names of the unknown fields that are functions of fields."""
        names = []
        for name, function in self.unknown_fields.items():
            if set(function.arguments) & set(self.fields):
                names.append(name)
        return tuple(names)

    @property
    def laws_of_one_field(self) -> dict[str, str]:
        """The field on which a law depends, by the law's name, where it is its only argument."""
        only = {}
        for name in self.laws:
            if len(self.unknown_fields[name].arguments) == 1:
                only[name] = self.unknown_fields[name].arguments[0]
        return only

    @property
    def outputs(self) -> int:
        """The number of outputs of the networks: one per field and material, and unknown field."""
        return len(self.fields) * max(1, len(self.materials)) + len(self.unknown_fields)

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the coefficients: the attributes that are numbers, and no parameters."""
        numbers = []
        for attribute in dataclasses.fields(self):
            default = attribute.default
            is_number = isinstance(default, int | float) and not isinstance(default, bool)
            is_fixed = not isinstance(getattr(self, attribute.name), Parameter)
            if (is_number or isinstance(default, Parameter)) and is_fixed:
                numbers.append(attribute.name)
        return tuple(numbers)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates: space, then the parameters, then "t" in a transient problem."""
        inputs = (*self.space.coordinates, *self._parameters)
        return (*inputs, "t") if self.time else inputs

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The coefficients on which the solution depends as on a coordinate, by name."""
        return self._parameters

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner of the domain in space, parameters and time, [d] each."""
        lower, upper = self.space.bounds
        for parameter in self._parameters.values():
            lower = np.append(lower, parameter.lower)
            upper = np.append(upper, parameter.upper)
        if self.time:
            return np.append(lower, self.time[0]), np.append(upper, self.time[1])
        return lower, upper

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lower and upper bound of every coordinate by name, in its own units."""
        lower, upper = self.bounds
        return dict(zip(self.coordinates, zip(lower, upper, strict=True), strict=True))

    @property
    def in_space(self) -> Self:
        """A copy without time and parameters, whose regions have points in space."""
        return self.bind({"time": None, "_parameters": {}})

    @property
    def seen_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The bounds of what the network sees: logarithms where parameters or time count so."""
        lower, upper = self.bounds
        for name, parameter in self._parameters.items():
            axis = self.coordinates.index(name)
            lower[axis], upper[axis] = parameter.seen_range
        if self.time_scale is not None:
            lower[-1], upper[-1] = self.time_scale.seen_range
        return lower, upper

    def seen(self, coordinates: Sequence[Any]) -> list[Any]:
        """Return what the network sees of all coordinates: arrays, tensors or jets, in order."""
        seen = list(coordinates)
        for name, parameter in self._parameters.items():
            axis = self.coordinates.index(name)
            seen[axis] = parameter.seen(seen[axis])
        if self.time_scale is not None:
            seen[-1] = self.time_scale.seen(seen[-1])
        return seen

    @property
    def time_scale(self) -> LogTime | None:
        """The scale on which time counts by its logarithm; None where it counts as it is."""
        if self.time is None or self.log_time is None:
            return None
        return LogTime(*self.time, self.log_time)

    @property
    def log_axes(self) -> dict[str, float]:
        """By coordinate, the value after its lower bound from which on it counts by logarithm."""
        return {} if self.log_time is None else {"t": self.log_time}

    def at(self, coordinates: Mapping[str, Any]) -> Self:
        """Return a copy whose parameters have their values at points; itself without parameters.

        Args:
            coordinates: values by name, those of all parameters among them.
        """
        if not self._parameters:
            return self
        return self.bind({name: coordinates[name] for name in self._parameters})

    def on_grid(self, points: np.ndarray) -> np.ndarray:
        """Return points [n, d] whose parameters are moved to the values of their grids.

        A reference that is computed anew for each value is thus computed a few times.
        """
        moved = points.copy()
        for name, parameter in self._parameters.items():
            axis = self.coordinates.index(name)
            grid = parameter.grid
            # Equal parts of the range, one for each value of the grid.
            number = np.floor(len(grid) * parameter.share(points[:, axis])).astype(int)
            moved[:, axis] = grid[np.clip(number, 0, len(grid) - 1)]
        return moved

    @property
    def boundaries(self) -> dict[str, tuple[str, ...]]:
        """The faces of every region of the boundary; periodic coordinates have no faces."""
        periodic = {f"{c}{side}" for c in self.periodic for side in "-+"}
        boundaries = {}
        for name, faces in self.space.boundaries.items():
            remaining = tuple(face for face in faces if face not in periodic)
            if remaining:
                boundaries[name] = remaining
        return boundaries

    @property
    def faces(self) -> tuple[str, ...]:
        """Names of the faces that are a boundary: those of coordinates that are not periodic."""
        return self.boundaries.get("boundary", ())

    @property
    def terms(self) -> tuple[Term, ...]:
        """The residuals, in the order of their definition, and what joins materials and modes."""
        methods = residual_methods(type(self))
        own = []
        for name, method in methods.items():
            own.append(replace(checks.term_of(self, name, method.region), kind=method.kind))
        return (*own, *interface_terms(self), *mode_terms(self))

    @property
    def integrals(self) -> dict[str, Integral]:
        """The integrals by name, in the order of their definition."""
        return integrals_of(self)

    def symbol(self, name: str, where: str = "") -> Symbol:
        """Return what a parameter of a residual stands for; `where` names the residual in errors.

        Raises:
            InputError: if the name has no meaning.
        """
        return parse(
            name,
            coordinates=self.coordinates,
            fields=self.functions,
            integrals=tuple(integrands(type(self))),
            delays={delayed: delay.field for delayed, delay in self.delays.items()},
            where=where,
        )

    def functions_in(self, symbol: Symbol) -> set[str]:
        """Return the functions on which the value of a symbol depends; none for a measurement."""
        if symbol.kind == "integral":
            integrals = {**self.integrals, **inner_products(self)}
            inner = (self.functions_in(s) for s in integrals[symbol.source].symbols)
            return set().union(*inner)
        if not symbol.field or symbol.kind == "data":
            return set()
        if symbol.field in self.laws:
            return {symbol.field, *self.unknown_fields[symbol.field].arguments} & {*self.functions}
        return {symbol.field}

    @property
    def satisfied(self) -> tuple[str, ...]:
        """Names of the residuals that vanish because of the ansatz; empty without one."""
        return getattr(self.ansatz, "satisfies", ())

    def bind(self, values: Mapping[str, Any]) -> Self:
        """Return a copy whose coefficients have other values, tensors included, without checks."""
        bound = copy.copy(self)
        for name, value in values.items():
            object.__setattr__(bound, name, value)
        return bound

    def ansatz(self, net: Any) -> Any:
        """Return the fields from the network's output; override to build conditions in.

        Parameters are coordinates by name and `net`: one array [n] for one field, else a tuple.
        Use TensorFlow's functions (`tf.sin`); return one field or a tuple of all.
        """
        return net

    def reference(self, **coordinates: np.ndarray) -> dict[str, np.ndarray] | None:
        """Return the reference by function for NumPy coordinates; None without a reference."""
        return None

    def reference_error(self) -> dict[str, float]:
        """Return the relative L2 error of the reference itself by quantity; empty for a formula."""
        return {}

    def derived(self) -> dict[str, Any]:
        """Return derived quantities by name from fields [n] in NumPy; override it.

        Parameters are fields, as in `def derived(self, u, v): return {"abs_h": np.hypot(u, v)}`.
        Errors, pictures and solutions then have it in addition to the fields, for prediction and
        reference.
        """
        return {}

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the functions and of the quantities derived from them."""
        center = np.array([[(low + high) / 2 for low, high in self.ranges.values()]])
        values = {name: np.ones(1) for name in self.functions}
        return tuple(self.with_derived(values, center))

    @check_shapes
    def with_derived(
        self,
        values: Mapping[str, Float[np.ndarray, "*shape"]],
        points: Float[np.ndarray, "n d"] | None = None,
    ) -> dict[str, Float[np.ndarray, "*shape"]]:
        """Return the fields' values by name, followed by the quantities derived from them.

        Args:
            values: the fields' values by name.
            points: the points of the values, in order; needed where the problem has parameters.

        Raises:
            InputError: if `derived` returns no dict, a name that is taken, or values of another
                shape.
        """
        shape = np.shape(next(iter(values.values())))
        at_points = self
        if self._parameters and points is not None:
            columns = zip(self.coordinates, points.T, strict=True)
            at_points = self.at({name: column.reshape(shape) for name, column in columns})
        at_points = bound_to_none(at_points, "and derived takes fields alone; leave it out there.")
        with user_code(at_points, "derived"):
            quantities = call(at_points.derived, values)
        return {**values, **checks.check_derived(self, quantities, shape)}

    @check_shapes
    def reference_at(
        self, points: Float[np.ndarray, "n d"]
    ) -> dict[str, Float[np.ndarray, " n"]] | None:
        """Return the reference at points [n, d] by field, [n] each.

        The method is called once per distinct value of the parameters, which are numbers in it.

        Raises:
            InputError: if it lacks a field, or has values of another shape or not finite.
        """
        points = np.asarray(points, float)
        axes = [self.coordinates.index(name) for name in self._parameters]
        if not axes or not len(points):
            return self._reference_at(points)
        distinct, groups = np.unique(points[:, axes], axis=0, return_inverse=True)
        reference = {name: np.zeros(len(points)) for name in self.functions}
        for i, values in enumerate(distinct):
            rows = groups.ravel() == i
            fixed = self.bind(dict(zip(self._parameters, values.tolist(), strict=True)))
            found = fixed._reference_at(points[rows])
            if found is None:
                return None
            for name, column in found.items():
                reference[name][rows] = column
        return reference

    def _reference_at(self, points: np.ndarray) -> dict[str, np.ndarray] | None:
        """Return the reference at points [n, d], whose parameters have one value."""
        columns = dict(zip(self.coordinates, points.T, strict=True))
        problem = bound_to_points(self, masks_at(self, points))
        with user_code(self, "reference"):
            values = call(problem.reference, columns)
        if values is None:
            return None
        where = f"{type(self).__name__}.reference"
        return reference_columns(values, self.functions, columns, where)

    def checked_reference_error(self) -> dict[str, float]:
        """Return what `reference_error` gives; the largest over the parameters' grid.

        Raises:
            InputError: if it fails, or gives no number per quantity.
        """
        largest: dict[str, float] = {}
        grids = [parameter.grid.tolist() for parameter in self._parameters.values()]
        for values in itertools.product(*grids):
            fixed = self.bind(dict(zip(self._parameters, values, strict=True)))
            with user_code(fixed, "reference_error"):
                errors = fixed.reference_error()
            for name, error in checks.check_reference_error(self, errors).items():
                largest[name] = max(error, largest.get(name, 0.0))
        return largest
