"""Typical sizes of fields and residuals, found from the problem before any training.

Smooth random fields of a known size are put into the residuals (see `probe.py`):

1. Conditions that give a field's values name its offset and scale, as measurements do.
2. The scale of another field is that at which its share of a residual balances what the residual
   holds without it: sources, inhomogeneous conditions.  Here the random fields vary as fast as
   those do.
3. A field that nothing drives takes the scale at which its share of some residual equals that of
   the fields that have a scale.
4. The size of an unknown coefficient is that at which it counts as much as the rest of a residual.
5. The size of a residual is its root mean square where all fields have their typical size.
   Misfits in units of the standard deviations of measurements have one size in common, so that
   these alone decide how the measurements count among each other.  A complementarity has the size
   of its first expression, and a balance by which the second one has it too.

Scales and sizes are powers of two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pinn.arrays import Array
from pinn.errors import InputError
from pinn.geometry import is_data
from pinn.objective.balance import NEGLIGIBLE, balanced
from pinn.objective.batch import FIRST_STAGE, StageParameters
from pinn.objective.complementarity import expressions
from pinn.objective.objective import Objective
from pinn.objective.point_sets import DataSets
from pinn.objective.probe import LARGEST_WAVE_NUMBER, Probe, median_size
from pinn.objective.scales import FieldScale, Scales, power_of_two
from pinn.objective.searched import searched
from pinn.objective.terms import Misfit, given_values, only_value
from pinn.objective.unknown_sizes import unknown_size
from pinn.problem import Term

LEAST_SHARE = 1e-16  # of the largest value: the least that counts for a positive field
CENTERED = 3.0  # a middle within this many half-ranges of zero needs no offset
END = 0.1  # the share of points at each end of logarithmic time that tells how residuals grow
NONE: Mapping[str, float] = {}


def find_scales(
    objective: Objective,
    data: DataSets | None = None,
    *,
    given: Scales | None = None,
    stage: StageParameters = FIRST_STAGE,
    time: tuple[float, float] | None = None,
    handover: Callable[[Array], dict[str, Array]] | None = None,
) -> Scales:
    """Return the typical sizes of an objective's fields and residuals.

    Args:
        objective: the loss; its own scales are ignored.
        data: the measurements, by region.
        given: sizes that are already known, which are kept.
        stage: the parameters of the stage whose coefficients are taken.
        time: the interval of a window; None: the problem's own.
        handover: the initial residuals of the last window's end at points [n, d], by term; None
            where the problem has its own initial condition.
    """
    given = given or Scales()
    if _is_complete(given, objective):
        return given
    theta = objective.flat.flatten()
    problem = objective.bound(objective.flat.partition(theta), stage)
    if time is not None:
        problem = problem.bind({"time": time})
    probe = Probe(objective, problem, data, handover=handover)
    plain = probe
    if problem.positive_fields:  # as if these were any fields
        any_fields = problem.bind({"positive_fields": ()})
        plain = Probe(objective, any_fields, data, handover=handover)
    fields = _Fields(probe, plain, data, given).found()
    unknowns = _sizes_of_unknowns(objective, probe, fields, given)
    starts = {name: u.start for name, u in searched(problem, unknowns).items()}
    sizes, balances, rates = _residual_sizes(objective, probe, fields, starts, given)
    return Scales(
        fields=fields,
        residuals={**sizes, **_of_terms(objective, given.residuals)},
        balances={**balances, **_of_terms(objective, given.balances)},
        rates=rates,
        unknowns=unknowns,
    )


def _is_complete(given: Scales, objective: Objective) -> bool:
    """Return whether nothing is left to find."""
    terms = {term.name for term in objective.terms}
    pairs = {term.name for term in objective.terms if term.kind == "complementarity"}
    has_sizes = terms <= set(given.residuals) and pairs <= set(given.balances)
    has_unknowns = set(objective.unknowns) <= set(given.unknowns)
    has_fields = set(objective.problem.functions) <= set(given.fields)
    return has_unknowns and has_fields and has_sizes


def _of_terms(objective: Objective, given: Mapping[str, float]) -> dict[str, float]:
    """Return the sizes or balances of an objective's terms that are known."""
    names = [term.name for term in objective.terms]
    return {name: given[name] for name in names if name in given}


def _sizes_of_unknowns(
    objective: Objective, probe: Probe, fields: Mapping[str, FieldScale], given: Scales
) -> dict[str, float]:
    """Return the sizes of the unknown coefficients: those that are known, and powers of two."""
    sizes = {}
    for name, unknown in objective.searched.items():
        if name in given.unknowns:
            sizes[name] = given.unknowns[name]
        else:
            sizes[name] = power_of_two(unknown_size(probe, fields, name, unknown))
    return sizes


def _residual_sizes(
    objective: Objective,
    probe: Probe,
    fields: Mapping[str, FieldScale],
    coefficients: Mapping[str, float],
    given: Scales,
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return the size of every term where all fields have their typical size, balances and rates.

    The fields are smooth: with the wave numbers of the data, the highest derivatives would count
    for so much that the loss hardly asked for the equation.
    """
    found: dict[str, float] = {}
    rates = _of_terms(objective, given.rates)
    time_scale = probe.problem.time_scale
    orders = {term.name: term.order_in_time for term in objective.terms}
    for region in probe.regions:
        found_there = probe.residuals(region, fields, coefficients=coefficients)
        for name, residuals in found_there.items():
            order = orders.get(name, 0)
            if time_scale is not None and order and not is_data(region):
                times = probe.times(region)
                plain = time_scale.factor(times, order)
                rate = rates.get(name) or _rate(residuals, plain)
                if rate > 0:
                    rates[name] = rate
                    residuals = residuals * time_scale.factor(times, order, rate) / plain
            found[name] = median_size(residuals)
    sizes: dict[str, float] = {}
    balances: dict[str, float] = {}
    weighed: dict[str, float] = {}  # the sizes of misfits in units of their standard deviations
    for term in objective.terms:
        size, *others = (found.get(e.name, np.nan) for e in expressions(term))
        if others:
            balances[term.name] = _usable(size) / _usable(others[0])
        if isinstance(term, Misfit):
            if term.is_of_value:
                size = fields[term.predicted.field].scale
            sigma = _typical_sigma(probe.data, term)
            if sigma is not None:
                weighed[term.name] = size / sigma
        sizes[term.name] = _usable(size)
    # The most precise measurements have the size that they would have without deviations.
    common = _usable(max(weighed.values(), default=1.0))
    return {**sizes, **dict.fromkeys(weighed, common)}, balances, rates


def _rate(residuals: Array, stretched: Array) -> float:
    """Return κ of residuals whose mean square grows like a² + (b x)²: b/a; 0 where it does not.

    Args:
        residuals: the residuals [draws, n] of an equation in logarithmic time.
        stretched: xᵐ at their points, [draws, n].
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.where(np.isfinite(residuals), residuals, 0.0) ** 2
    early = stretched <= np.quantile(stretched, END)
    late = stretched >= np.quantile(stretched, 1 - END)
    first, last = (float(np.mean(squares[at])) for at in (early, late))
    x2_first, x2_last = (float(np.mean(stretched[at] ** 2)) for at in (early, late))
    growth = (last - first) / (x2_last - x2_first) if x2_last > x2_first else 0.0
    if not (growth > 0 and np.isfinite(growth)):
        return 0.0
    at_start = max(first - growth * x2_first, NEGLIGIBLE * first)
    return power_of_two(np.sqrt(growth / at_start))


def _usable(size: float) -> float:
    """Return the power of two next to a size, 1 for what is no positive finite number."""
    return power_of_two(size) if np.isfinite(size) and size > 0 else 1.0


def _typical_sigma(data: DataSets | None, term: Misfit) -> float | None:
    """Return the typical standard deviation of what a misfit compares with; None without any.

    It is the one with which all values together would count as much as with their own.
    """
    points = (data or {}).get(term.region)
    name = term.predicted.name
    if points is None or name not in points.sigmas:
        return None
    sigmas = points.sigmas[name][~np.isnan(points.values[name])]
    return float(np.mean(sigmas**-2.0) ** -0.5)


class _Fields:
    """The search for the offsets and scales of all functions of a problem.

    Args:
        probe: the problem's residuals at random fields.
        plain: the same where positive fields may have any values.
        data: the measurements.
        given: scales that are already known.
    """

    def __init__(self, probe: Probe, plain: Probe, data: DataSets | None, given: Scales) -> None:
        self.probe = probe
        self.plain = plain
        self.data = data
        self.given = given
        self.offsets: dict[str, float] = dict.fromkeys(probe.problem.functions, 0.0)
        self.positive = probe.problem.positive_fields
        self.scales: dict[str, float] = {}  # of the functions for which one is known
        self.varying: tuple[str, ...] = ()  # the positive fields that vary while others rest
        self.wave_numbers = probe.smooth
        self._known: dict[tuple[str, str, float], dict[str, Array]] = {}

    def found(self) -> dict[str, FieldScale]:
        """Return offset and scale by function."""
        # 1. What conditions and measurements name.
        for name, values in self._named_values().items():
            self._take_range(name, values)
        # What is given takes their place.
        stated = dict(self.probe.problem.scales)
        self.scales |= stated
        for name, (offset, scale) in self.given.fields.items():
            self.offsets[name] = offset
            stated[name] = self.scales[name] = scale
        self._find_middles()
        self._vary_as_the_data_do()
        # 2. What drives the other fields.
        for name in self.positive:
            if name not in self.scales:
                self._drive([name])
        # Where positive fields span orders of magnitude, their middle says little of the others.
        self.varying = self.positive
        self._known.clear()
        self._drive(self._missing())
        # 3. What the other fields ask for.
        self._balance()
        found = {}
        for name, offset in self.offsets.items():
            scale = self.scales.get(name, abs(offset) or 1.0)
            found[name] = FieldScale(offset, float(stated.get(name, power_of_two(scale))))
        return found

    def _find_middles(self) -> None:
        """Find the geometric middle of positive fields whose values nothing names.

        It is their scale, given or as that of any field.
        """
        found: Mapping[str, FieldScale] = {}
        for name in self.positive:
            if self.offsets[name] != 0:
                continue
            if name in self.scales:
                self.offsets[name] = self.scales[name]
                continue
            found = found or _Fields(self.plain, self.plain, self.data, self.given).found()
            self.offsets[name] = abs(found[name].offset) or found[name].scale

    def _vary_as_the_data_do(self) -> None:
        """Let the random fields vary as fast as sources and conditions do."""
        constant = {name: FieldScale(offset, 0.0) for name, offset in self.offsets.items()}
        numbers = self.probe.smooth
        for region in self.probe.regions:
            numbers = np.fmax(numbers, self.probe.variation(region, constant))
        self.wave_numbers = np.minimum(numbers, LARGEST_WAVE_NUMBER)

    def _named_values(self) -> dict[str, Array]:
        """Return the values that conditions and measurements give to fields, by field."""
        values: dict[str, list[Array]] = {}
        free = self.plain.free_of_ansatz()
        for term in self.probe.terms:
            field = only_value(term)
            if field in free and term.region != "interior" and not is_data(term.region):
                values.setdefault(field, []).append(self._given_values(term))
        for points in (self.data or {}).values():
            for name, column in points.values.items():
                if name in free:
                    values.setdefault(name, []).append(np.asarray(column, float))
        joined = {}
        for name, arrays in values.items():
            everything = np.concatenate([array.ravel() for array in arrays])
            finite = everything[np.isfinite(everything)]
            if len(finite):
                joined[name] = finite
        return joined

    def _given_values(self, term: Term) -> Array:
        """Return the values that a condition gives to its field; NaN if it gives none."""
        at = []
        for constant in (0.0, 1.0, 2.0):
            fields = {}
            for name in self.probe.problem.functions:
                fields[name] = FieldScale(constant, 0.0)
            at.append(self.plain.residuals(term.region, fields)[term.name])
        return given_values(at)

    def _take_range(self, name: str, values: Array) -> None:
        """Take the offset and scale of a field from the range of its known values."""
        if name in self.positive:
            values = values[values > np.max(values) * LEAST_SHARE]
            if not len(values):
                raise InputError(
                    f"{type(self.probe.problem).__name__}: positive_fields: the values that {name} "
                    "is given are not positive; leave it out."
                )
        low = float(np.min(values))
        high = float(np.max(values))
        if name in self.positive:
            self.offsets[name] = float(np.sqrt(low * high))
            if high - low > NEGLIGIBLE * high:
                self.scales[name] = high - self.offsets[name]
            return
        middle = (low + high) / 2
        half = (high - low) / 2
        if half <= NEGLIGIBLE * abs(middle):
            self.offsets[name] = middle  # one value everywhere; something else sets the scale
        elif abs(middle) <= CENTERED * half:
            self.scales[name] = max(abs(low), abs(high))
        else:
            self.offsets[name] = middle
            self.scales[name] = half

    def _drive(self, names: Sequence[str]) -> None:
        """Find the scales of some fields that sources and inhomogeneous conditions ask for.

        Conditions come before equations.  Of several, the largest counts.
        """
        by_condition: dict[str, float] = {}
        by_equation: dict[str, float] = {}
        for name in names:
            for term in self._terms_with(name):
                at_rest = self._at(term.region, name, 0.0)[term.name]
                scale = self._balanced(term, name, median_size(at_rest))
                if scale > 0:
                    inside = ("interior", *self.probe.problem.materials)
                    target = by_equation if term.region in inside else by_condition
                    target[name] = max(target.get(name, 0.0), scale)
        self.scales |= {**by_equation, **by_condition}

    def _balance(self) -> None:
        """Find the scales of fields that nothing drives, from those that have a scale."""
        while missing := self._missing():
            asked: dict[str, float] = {}
            moved = {region: self._moved(region) for region in self.probe.regions}
            for name in missing:
                for term in self._terms_with(name):
                    at_rest = self._at(term.region, name, 0.0)[term.name]
                    others = moved[term.region][term.name]
                    target = median_size(others - at_rest)
                    found = [self._balanced(term, name, target)]
                    # An unknown function is a coefficient, which may be small beside the rest.
                    if name in self.probe.problem.fields:
                        found.append(self._balanced(term, name, target, beside=True))
                    for scale in found:
                        if scale > 0:
                            asked[name] = min(asked.get(name, np.inf), scale)
            if not asked:
                return
            self.scales |= asked

    def _missing(self) -> list[str]:
        """Return the functions whose scale is not known."""
        return [name for name in self.offsets if name not in self.scales]

    def _terms_with(self, field: str) -> list[Term]:
        """Return the terms that take a field, one of its derivatives, or an integral of it."""
        terms = []
        for term in self.probe.terms:
            if any(field in self.probe.problem.functions_in(symbol) for symbol in term.symbols):
                terms.append(term)
        return terms

    def _balanced(self, term: Term, name: str, target: float, *, beside: bool = False) -> float:
        """Return the scale of a field at which a residual changes by `target`; 0 if none does.

        Args:
            term: the term of the residual.
            name: the field.
            target: the change.
            beside: whether the fields with a scale vary meanwhile, or rest.
        """
        offset = abs(self.offsets[name])
        at = self._beside if beside else self._at

        def change(scale: float) -> float:
            at_rest = at(term.region, name, 0.0)[term.name]
            return median_size(at(term.region, name, scale)[term.name] - at_rest)

        return balanced(change, target, guess=offset or 1.0, whole=offset)

    def _at(self, region: str, name: str, scale: float) -> dict[str, Array]:
        """Return the residuals of a region where one field varies and the others rest.

        The fields in `varying` do not rest.
        """
        key = (region, name if scale else "", scale)
        if key not in self._known:
            fields = {field: FieldScale(offset, 0.0) for field, offset in self.offsets.items()}
            for field in self.varying:
                fields[field] = FieldScale(self.offsets[field], self.scales.get(field, 0.0))
            fields[name] = FieldScale(self.offsets[name], scale)
            self._known[key] = self.probe.residuals(region, fields, self.wave_numbers)
        return self._known[key]

    def _beside(self, region: str, name: str, scale: float) -> dict[str, Array]:
        """Return the residuals of a region where one field, and those with a scale, vary."""
        return self._moved(region, {name: scale})

    def _moved(self, region: str, more: Mapping[str, float] = NONE) -> dict[str, Array]:
        """Return the residuals of a region where the fields with a scale vary, the others rest.

        Args:
            region: the region.
            more: scales of others that vary too.
        """
        present = {}
        for name, offset in self.offsets.items():
            scale = more.get(name, self.scales.get(name, 0.0))
            present[name] = FieldScale(offset, scale)
        return self.probe.residuals(region, present, self.wave_numbers)
