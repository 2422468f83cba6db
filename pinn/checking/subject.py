"""What is checked: a problem with the terms of its loss, and residuals at typical arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.derivatives import Symbol
from pinn.errors import InputError
from pinn.objective import UNSCALED, FieldScale, Objective, PointSet, draw
from pinn.objective.method_checks import residual_value
from pinn.objective.probe import LEAST_WAVE_NUMBER
from pinn.objective.scales import UNIT
from pinn.objective.terms import Misfit
from pinn.problem import Problem, Term
from pinn.problem.materials import at_points
from pinn.problem.two_sided import is_two_sided
from pinn.problem.user_code import user_code

POINTS = 64  # per region, at which residuals are tried
DTYPE = "float64"  # of all checks
SEED = 20_260_102
KINDS = ("coordinate", "derivative", "laplacian", "normal", "data")
NEGLIGIBLE = 1e-10  # a share below which a slope counts as zero


class Sample(NamedTuple):
    """A residual and its derivatives by its own parameters, at points of its region.

    Attributes:
        points: the points.
        values: the residual [n], in its own units.
        slopes: its derivative [n] by every parameter, by name.
    """

    points: PointSet
    values: Array
    slopes: Mapping[str, Array]


@dataclass(frozen=True)
class Subject:
    """A problem as a run would solve it.

    Attributes:
        problem: the problem.
        terms: the residuals that the run imposes: those in the loss, and those of the ansatz.
        weights: the loss weight of every term of the loss.
        scales: offset and scale of every function as far as they are known, else 0 and 1; those of
            a positive field near its middle.
        balanced: whether the loss divides the residuals by their sizes.
        measured: names of the measured fields.
        objective: the loss.
    """

    problem: Problem
    terms: Sequence[Term]
    weights: Mapping[str, float]
    scales: Mapping[str, FieldScale]
    balanced: bool
    measured: Sequence[str]
    objective: Objective
    _samples: dict[tuple[str, str, float], Sample | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, problem: Problem, objective: Objective, measured: Sequence[str]) -> Subject:
        """Return a problem with a loss, whose scales have been found where it has any."""
        # Unknowns stand where the search starts.
        problem = problem.bind({name: u.start for name, u in objective.searched.items()})
        active = [term for term in objective.terms if not isinstance(term, Misfit)]
        exact = problem.satisfied if objective.hard else ()
        names = {term.name for term in active}
        # What holds on interfaces by itself is neither missing nor too much.
        known = names.union(exact)
        methods = [t for t in problem.terms if t.is_method and t.name in known]
        terms = list(map(objective.scales.balanced, methods))
        scales = {name: objective.scales.fields.get(name, UNIT) for name in problem.functions}
        for name in problem.positive_fields:
            scales[name] = scales[name].near_middle
        return cls(
            problem=problem,
            terms=terms,
            weights=objective.weight_by_term,
            scales=scales,
            balanced=objective.scales != UNSCALED,
            measured=measured,
            objective=objective,
        )

    @property
    def equations(self) -> list[Term]:
        """The terms on the interior."""
        return [term for term in self.terms if term.region == "interior"]

    @property
    def is_inverse(self) -> bool:
        """Whether coefficients or functions are unknown, so that values may be given twice."""
        return bool(self.measured or self.problem.unknowns or self.problem.unknown_fields)

    @property
    def is_understood(self) -> bool:
        """Whether all symbols of all terms are coordinates, fields and their derivatives."""
        return all(s.kind in KINDS for term in self.terms for s in term.symbols)

    def size(self, symbol: Symbol) -> float:
        """Return the typical size of a symbol where fields vary by half a wave per coordinate.

        A value counts with its offset; derivatives of u are scale × Π π/2 / half the range.
        """
        offset, scale = self.scales[symbol.field]
        rates = self.rates
        if symbol.kind == "laplacian":
            squares = [rates[c] ** 4 for c in self.problem.space.coordinates]
            return scale * float(np.sqrt(sum(squares)))
        if symbol.kind == "normal":
            return scale * max(rates[c] for c in self.problem.space.coordinates)
        if not symbol.index:
            return abs(offset) + scale
        return scale * float(np.prod([rates[c] for c in symbol.index]))

    @property
    def rates(self) -> dict[str, float]:
        """The wave number of half a wave across the domain, by coordinate.

        Where time counts by its logarithm, that of time is the one at the beginning.
        """
        rates: dict[str, float] = {}
        for c, (lower, upper) in self.problem.ranges.items():
            rates[c] = LEAST_WAVE_NUMBER / (0.5 * (upper - lower))
        scale = self.problem.time_scale
        if scale is not None:
            rates["t"] = LEAST_WAVE_NUMBER / (0.5 * scale.seen_range[1] * scale.scale)
        return rates

    def sample(self, term: Term, region: str = "", *, spread: float = 1.0) -> Sample | None:
        """Return a residual at random fields of typical size; None if it accepts no such fields.

        Nor is there a sample on a region with two sides.

        Args:
            term: the term.
            region: from where points are drawn; "": the term's own region.
            spread: factor of the fields' variation; with 0 every field is its offset.
        """
        if is_two_sided(term.region):
            return None
        key = (term.name, region or term.region, spread)
        if key not in self._samples:
            points = draw(self.problem, key[1], POINTS, seed=SEED)
            self._samples[key] = self.sample_at(term, points, spread=spread)
        return self._samples[key]

    def sample_at(self, term: Term, points: PointSet, *, spread: float = 1.0) -> Sample | None:
        """Return a residual at points, as `sample` does; None for one with non-local values."""
        if not all(symbol.is_local for symbol in term.symbols):
            return None
        rng = np.random.default_rng(SEED)
        columns = dict(zip(self.problem.coordinates, points.coordinates.T, strict=True))
        arguments: dict[str, Array] = {}
        for symbol in term.symbols:
            if symbol.kind == "coordinate":
                arguments[symbol.name] = columns[symbol.name]
                continue
            offset, scale = self.scales[symbol.field]
            random = rng.standard_normal(len(points.coordinates))
            if symbol.index or symbol.kind in ("laplacian", "normal"):
                values = spread * self.size(symbol) * random
                if self.problem.time_scale is not None:
                    stretch = self.problem.time_scale.stretch(columns["t"])
                    values = values / stretch ** symbol.index.count("t")
                arguments[symbol.name] = values
            elif symbol.field in self.problem.positive_fields:
                growth = spread * scale / offset
                arguments[symbol.name] = offset * np.exp(growth * np.sin(random))
            else:
                arguments[symbol.name] = offset + spread * scale * random
        tensors = {name: tf.constant(values, DTYPE) for name, values in arguments.items()}
        with tf.GradientTape() as tape:
            tape.watch(list(tensors.values()))
            value = _value(at_points(self.problem, points.coordinates), term, tensors)
        if value is None:
            return None
        with user_code(self.problem, term.name, DTYPE):
            zero = tf.UnconnectedGradients.ZERO
            slopes: Any = tape.gradient(value, tensors, unconnected_gradients=zero)
        by_name = {name: np.asarray(slope, float) for name, slope in slopes.items()}
        return Sample(points, _column(value, len(points.coordinates)), by_name)


def residuals(
    problem: Problem, term: Term, arguments: Mapping[str, Array], count: int
) -> Array | None:
    """Return a residual [n] for arguments [n] by name; None if it refuses them."""
    tensors = {name: tf.constant(values, DTYPE) for name, values in arguments.items()}
    value = _value(problem, term, tensors)
    return None if value is None else _column(value, count)


def _value(problem: Problem, term: Term, arguments: Mapping[str, tf.Tensor]) -> Any:
    """Return a residual as a tensor; None if it refuses the arguments."""
    try:
        value = residual_value(problem, term, list(arguments.values()), DTYPE)
    except InputError as error:
        # As of an assertion, or an index out of range.
        if not isinstance(error.__cause__, tf.errors.InvalidArgumentError):
            raise
        return None
    return tf.convert_to_tensor(value, DTYPE)


def _column(value: tf.Tensor, count: int) -> Array:
    return np.broadcast_to(np.asarray(value, float), (count,))


def typical(values: Array) -> float:
    """Return the median size of what is finite; 0 if nothing is."""
    finite = np.abs(values[np.isfinite(values)])
    return float(np.median(finite)) if len(finite) else 0.0


def shown(number: float) -> str:
    """Return a number with three digits for people, such as 1,200 or 3.4e+07."""
    number += 0.0  # no negative zero
    return f"{number:,.3g}" if 1e-3 <= abs(number) < 1e5 or number == 0 else f"{number:.1e}"
