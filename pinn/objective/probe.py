"""Residuals of a problem at smooth random fields of given offsets and scales."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.geometry import is_data
from pinn.jets import Jet
from pinn.objective.blocks import Blocks, cut_into_blocks
from pinn.objective.complementarity import expressions
from pinn.objective.objective import Objective
from pinn.objective.point_sets import DataSets, draw
from pinn.objective.residuals import Residuals
from pinn.objective.scales import FieldScale
from pinn.objective.terms import Misfit
from pinn.objective.trial import functions_of
from pinn.problem import Problem, Term

WAVES = 12  # per field
DRAWS = 8  # of random fields, over which medians are taken
POINTS = 512  # per region and draw, and no more than there are measurements
NODES = 8  # of quadrature, per coordinate; sizes need no more
# Least standard deviation of the wave numbers, in coordinates that go from -1 to 1: half a wave.
LEAST_WAVE_NUMBER = np.pi / 2
LARGEST_WAVE_NUMBER = 32.0
DIFFERENCE = 1e-5  # of scaled coordinates, by which slopes are estimated
SEED = 20_260_101
NO_COEFFICIENTS: Mapping[str, float] = {}


class _Waves(NamedTuple):
    """The random waves of all functions at the points of a region; every draw has its own.

    Attributes:
        numbers: wave numbers [outputs, waves, d, n], zero for coordinates that a function lacks.
        phases: phases [outputs, waves, n].
    """

    numbers: tf.Tensor
    phases: tf.Tensor


class Probe:
    """A problem's residuals where its fields are offset + scale × a random field.

    The random field has mean square 1:

        p(z) = Σₖ √(2/K) cos(κₖ · z + φₖ),   κₖ ~ N(0, diag σ²),   φₖ uniform

    with K = 12 waves and the coordinates z scaled to [-1, 1].  All of its derivatives are exact.
    A positive field grows exponentially with its random field, which is sin p, so that its largest
    value is offset + scale.
    The network of the objective plays no part.

    Args:
        objective: the loss whose residuals are meant; its own scales are ignored.
        problem: the problem with the coefficients to be taken.
        data: the measurements, by region.
        handover: the initial residuals of the last window's end at points [n, d], by term; None
            where the problem has its own initial condition.

    Attributes:
        smooth: the least standard deviations σ [d] of the wave numbers: half a wave for every
            coordinate.
    """

    def __init__(
        self,
        objective: Objective,
        problem: Problem,
        data: DataSets | None = None,
        *,
        handover: Callable[[Array], dict[str, Array]] | None = None,
    ) -> None:
        self.objective = objective
        self.problem = problem
        # Measured values of a field name its scale; all else tells of it as residuals do.
        taken = [t for t in objective.terms if not (isinstance(t, Misfit) and t.is_of_value)]
        # The two expressions of a complementarity have units of their own.
        self.terms: tuple[Term, ...] = tuple(chain.from_iterable(map(expressions, taken)))
        self.data = data
        self.handover = handover
        self.smooth = np.full(len(problem.coordinates), LEAST_WAVE_NUMBER)
        self._residuals = Residuals(
            problem,
            self.terms,
            engine=objective.engine,
            dtype=objective.dtype,
            continuation=objective.continuation,
            nodes=NODES,
            point_by_point=True,  # every draw has its own fields, and therefore its own integrals
        )
        self._blocks: dict[str, Blocks] = {}

    @property
    def regions(self) -> list[str]:
        """The regions of the terms."""
        return list(dict.fromkeys(term.region for term in self.terms))

    def residuals(
        self,
        region: str,
        fields: Mapping[str, FieldScale],
        wave_numbers: Array | None = None,
        *,
        coefficients: Mapping[str, float] = NO_COEFFICIENTS,
    ) -> dict[str, Array]:
        """Return the residuals [draws, n] of a region's terms, in their own units.

        Args:
            region: the region.
            fields: offset and scale by function; a scale of zero gives a constant field.
            wave_numbers: standard deviations σ [d] of the fields' wave numbers; None: `smooth`.
            coefficients: values in place of the problem's own, by name.
        """
        return self._residuals_at(
            region, self._points(region), fields, wave_numbers, coefficients=coefficients
        )

    def times(self, region: str) -> Array:
        """Return the times [draws, n] of the points of a region."""
        return np.asarray(self._points(region).coordinates[-1], float).reshape(DRAWS, -1)

    def variation(self, region: str, fields: Mapping[str, FieldScale]) -> Array:
        """Return how fast a region's residuals vary along the coordinates, [d].

            maxₜ median |∂rₜ/∂z| / median |rₜ|   over the terms t

        with the coordinates z scaled to [-1, 1], by differences.  Where the fields are constant,
        these are the wave numbers of sources and conditions.  Medians, so that a corner or a hole,
        around which a residual is steep, does not count for the whole domain.
        """
        block = self._points(region)
        lower, upper = self.problem.seen_bounds
        here = self._residuals_at(region, block, fields)
        fastest = np.zeros(len(lower))
        for i, half in enumerate((upper - lower) / 2):
            moved = self._moved(block, i, DIFFERENCE * half)
            there = self._residuals_at(region, moved, fields)
            for name, residuals in here.items():
                change = np.median(np.abs(there[name] - residuals)) / DIFFERENCE
                size = np.median(np.abs(residuals))
                if size > 0 and np.isfinite(change):
                    fastest[i] = max(fastest[i], change / size)
        return fastest

    def _moved(self, block: Blocks, axis: int, step: float) -> Blocks:
        """Return a block whose points are moved along a coordinate, as the network sees it."""
        problem = self.problem
        name = problem.coordinates[axis]
        factors = np.ones((len(problem.coordinates), 1))
        shift = np.zeros((len(problem.coordinates), 1))
        if name in problem.parameters and problem.parameters[name].log:
            factors[axis] = np.exp(step)
        elif name == "t" and problem.time_scale is not None:
            factors[axis] = np.exp(step)
            shift[axis] = (problem.time_scale.scale - problem.time_scale.begin) * np.expm1(step)
        else:
            shift[axis] = step
        return _at(block, lambda coordinates: coordinates * factors + shift)

    def free_of_ansatz(self) -> set[str]:
        """Return the fields that are what the network computes, whatever it computes."""
        fields = self.problem.fields
        if not self.objective.hard:
            return set(fields)
        drawn = draw(self.problem, "interior", 32, seed=SEED)
        points = drawn.coordinates
        dtype = self.objective.dtype
        materials = {name: tf.cast(mask, dtype) for name, mask in drawn.materials.items()}
        coordinates = {}
        for name, column in zip(self.problem.coordinates, points.T, strict=True):
            coordinates[name] = tf.constant(column, dtype)
        rng = np.random.default_rng(SEED)
        outputs = []
        for _ in self.problem.functions:
            outputs.append(tf.constant(rng.standard_normal(len(points)), dtype))
        # A field's outputs in all materials are the same here, so that no choice among them shows.
        of_fields = outputs[: len(fields)]
        repeated = [*of_fields * max(1, len(materials)), *outputs[len(fields) :]]
        values = functions_of(self.problem, repeated, coordinates, hard=True, materials=materials)
        unchanged = set()
        for name, output in zip(fields, of_fields, strict=True):
            if np.array_equal(np.asarray(values[name]), np.asarray(output)):
                unchanged.add(name)
        return unchanged

    def _points(self, region: str) -> Blocks:
        if region not in self._blocks:
            self._blocks[region] = self._block(region)
        return self._blocks[region]

    def _residuals_at(
        self,
        region: str,
        block: Blocks,
        fields: Mapping[str, FieldScale],
        wave_numbers: Array | None = None,
        *,
        coefficients: Mapping[str, float] = NO_COEFFICIENTS,
    ) -> dict[str, Array]:
        """Return the residuals [draws, n] of a region's terms at the points of a block."""
        given = [fields[name] for name in self.problem.functions]
        values = tf.constant(given, self.objective.dtype)
        waves = self._waves(block, self.smooth if wave_numbers is None else wave_numbers)
        own = {name: tf.constant(c, values.dtype) for name, c in coefficients.items()}
        residuals = self._program(region, block, waves, values, own)
        return {name: np.asarray(r, float).reshape(DRAWS, -1) for name, r in residuals.items()}

    @tf.function(autograph=False)
    def _program(
        self,
        region: str,
        block: Blocks,
        waves: _Waves,
        values: tf.Tensor,
        coefficients: Mapping[str, tf.Tensor],
    ) -> dict[str, tf.Tensor]:
        """Return the residuals [draws n] of a region, for offsets and scales [functions, 2]."""
        problem = self.problem.bind(coefficients)
        names = problem.functions
        scales = {name: FieldScale(*tf.unstack(values[i])) for i, name in enumerate(names)}

        def trial(materials: Mapping[str, Any], at: Mapping[str, Any]) -> Mapping[str, Any]:
            outputs = [self._unit_field(i, waves, at) for i in range(problem.outputs)]
            return functions_of(
                problem,
                outputs,
                at,
                hard=self.objective.hard,
                scales=scales,
                materials=materials,
            )

        return self._residuals(problem, lambda m: partial(trial, m), region, block)

    def _block(self, region: str) -> Blocks:
        """Return the points of a region as one block, repeated for every draw."""
        if is_data(region):
            assert self.data is not None
            measured = self.data[region]._replace(sigmas={})  # residuals have their own units
            points = measured.take(np.arange(min(len(measured.coordinates), POINTS)))
        else:
            points = draw(self.problem, region, POINTS, seed=SEED)
        if region == "initial" and self.handover is not None:
            points = points._replace(values=self.handover(points.coordinates))
        rows = np.tile(np.arange(len(points.coordinates)), DRAWS)
        repeated = points.take(rows)
        cut = cut_into_blocks(repeated, threads=1, size=len(rows), dtype=self.objective.dtype)
        return tf.nest.map_structure(lambda a: a[0, 0], cut)

    def _waves(self, block: Blocks, wave_numbers: Array) -> _Waves:
        """Return the waves of every function at the points of a block."""
        rng = np.random.default_rng(SEED)
        problem = self.problem
        numbers = rng.standard_normal((problem.outputs, WAVES, len(problem.coordinates), DRAWS))
        numbers *= wave_numbers[:, None]
        first = problem.outputs - len(problem.unknown_fields)
        for i, (name, function) in enumerate(problem.unknown_fields.items(), start=first):
            if name not in problem.laws:  # which vary as the fields do
                absent = [c not in function.arguments for c in problem.coordinates]
                numbers[i][:, absent] = 0
        phases = rng.uniform(0, 2 * np.pi, (problem.outputs, WAVES, DRAWS))
        count = static_size(block.quadrature) // DRAWS
        return _Waves(
            tf.constant(np.repeat(numbers, count, axis=-1), block.coordinates.dtype),
            tf.constant(np.repeat(phases, count, axis=-1), block.coordinates.dtype),
        )

    def _unit_field(self, number: int, waves: _Waves, coordinates: Mapping[str, Any]) -> Any:
        """Return the random field of an output at points, a tensor [n] or a jet."""
        lower, upper = self.problem.seen_bounds
        seen = self.problem.seen([coordinates[name] for name in self.problem.coordinates])
        angle: Any = 0.0
        numbers, phases = waves.numbers[number], waves.phases[number]
        first = seen[0].value if isinstance(seen[0], Jet) else seen[0]
        nodes = static_size(first) // static_size(numbers, -1)
        if nodes > 1:  # of quadrature, which follow each other; all have the waves of their point
            numbers = tf.repeat(numbers, nodes, axis=-1)
            phases = tf.repeat(phases, nodes, axis=-1)
        for i, coordinate in enumerate(seen):
            half = (upper[i] - lower[i]) / 2
            scaled = (coordinate - (lower[i] + half)) * (1 / half)
            angle = scaled * numbers[:, i] + angle
        summands = tf.cos(angle + phases) * np.sqrt(2 / WAVES)
        if isinstance(summands, Jet):
            field: Any = summands.map(lambda component: tf.reduce_sum(component, 0))
        else:
            field = tf.reduce_sum(summands, 0)
        count = len(self.problem.fields)
        is_field = number < self.problem.outputs - len(self.problem.unknown_fields)
        positive = is_field and self.problem.fields[number % count] in self.problem.positive_fields
        return tf.sin(field) if positive else field


def _at(block: Blocks, moved: Callable[[tf.Tensor], tf.Tensor]) -> Blocks:
    """Return a block whose points [d, n] have been moved, on both sides where there are two."""
    opposite = dict(block.opposite)
    if opposite:
        opposite["coordinates"] = moved(opposite["coordinates"])
    return block._replace(coordinates=moved(block.coordinates), opposite=opposite)


def median_size(residuals: Array) -> float:
    """Return the median over draws of the root mean square of residuals [draws, n].

    Draws with a residual that is not finite do not count; NaN if there are no others.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.sqrt(np.mean(residuals**2, axis=1))
    finite = sizes[np.isfinite(sizes)]
    return float(np.median(finite)) if len(finite) else np.nan
