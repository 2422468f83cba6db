"""Residuals of a problem at smooth random fields of given offsets and scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.jets import Jet
from pinn.objective.blocks import Blocks, cut_into_blocks
from pinn.objective.objective import Objective
from pinn.objective.point_sets import PointSet, draw
from pinn.objective.residuals import Residuals
from pinn.objective.scales import FieldScale
from pinn.objective.terms import is_misfit
from pinn.objective.trial import functions_of
from pinn.problem import Problem, Term

WAVES = 12  # per field
DRAWS = 8  # of random fields, over which medians are taken
POINTS = 512  # per region and draw
# Standard deviation of the wave numbers, in coordinates that go from -1 to 1: about half a wave.
WAVE_NUMBER = np.pi / 2
SEED = 20_260_101


class _Waves(NamedTuple):
    """The random waves of one function at the points of a region; every draw has its own.

    Attributes:
        numbers: wave numbers [waves, d, n], zero for coordinates that the function lacks.
        phases: phases [waves, n].
    """

    numbers: tf.Tensor
    phases: tf.Tensor


class Probe:
    """A problem's residuals where its fields are offset + scale × a random field.

    The random field has mean square 1:

        p(z) = Σₖ √(2/K) cos(κₖ · z + φₖ),   κₖ ~ N(0, (π/2)² I),   φₖ uniform

    with K = 12 waves and the coordinates z scaled to [-1, 1].  All of its derivatives are exact.
    Nothing is compiled, and the network of the objective plays no part.

    Args:
        objective: the loss whose residuals are meant; its own scales are ignored.
        problem: the problem with the coefficients to be taken.
        data: the measurements.
    """

    def __init__(
        self, objective: Objective, problem: Problem, data: PointSet | None = None
    ) -> None:
        self.objective = objective
        self.problem = problem
        self.terms: tuple[Term, ...] = tuple(t for t in objective.terms if not is_misfit(t))
        self.data = data
        self._residuals = Residuals(
            problem,
            self.terms,
            engine=objective.engine,
            dtype=objective.dtype,
            continuation=objective.continuation,
        )
        self._blocks: dict[str, Blocks] = {}
        self._waves: dict[str, list[_Waves]] = {}
        self._outputs: dict[str, list[Jet]] = {}

    @property
    def regions(self) -> list[str]:
        """The regions of the terms."""
        return list(dict.fromkeys(term.region for term in self.terms))

    def residuals(self, region: str, fields: Mapping[str, FieldScale]) -> dict[str, Array]:
        """Return the residuals [draws, n] of a region's terms, in their own units.

        Args:
            region: the region.
            fields: offset and scale by function; a scale of zero gives a constant field.
        """
        block = self._block(region)

        def trial(coordinates: Mapping[str, Any]) -> Mapping[str, Any]:
            outputs = self._unit_fields(region, coordinates)
            return functions_of(
                self.problem, outputs, coordinates, hard=self.objective.hard, scales=fields
            )

        values = self._residuals(self.problem, trial, region, block)
        return {name: np.asarray(v, float).reshape(DRAWS, -1) for name, v in values.items()}

    def _block(self, region: str) -> Blocks:
        """Return the points of a region as one block, repeated for every draw."""
        if region not in self._blocks:
            if region == "data":
                assert self.data is not None
                chosen = np.resize(np.arange(len(self.data.coordinates)), POINTS)
                values = {name: value[chosen] for name, value in self.data.values.items()}
                points = PointSet(self.data.coordinates[chosen], None, values)
            else:
                points = draw(self.problem, region, POINTS, seed=SEED)
            rows = np.tile(np.arange(len(points.coordinates)), DRAWS)
            normals = None if points.normals is None else points.normals[rows]
            values = {name: value[rows] for name, value in points.values.items()}
            repeated = PointSet(points.coordinates[rows], normals, values)
            cut = cut_into_blocks(repeated, threads=1, size=len(rows), dtype=self.objective.dtype)
            self._blocks[region] = tf.nest.map_structure(lambda a: a[0, 0], cut)
            self._waves[region] = self._drawn_waves(region, len(points.coordinates))
        return self._blocks[region]

    def _drawn_waves(self, region: str, count: int) -> list[_Waves]:
        """Return the waves of every function at the points of a region."""
        rng = np.random.default_rng([SEED, len(region), count])
        names = self.problem.coordinates
        waves = []
        for function in self.problem.functions:
            numbers = WAVE_NUMBER * rng.standard_normal((WAVES, len(names), DRAWS))
            phases = rng.uniform(0, 2 * np.pi, (WAVES, DRAWS))
            if function in self.problem.unknown_fields:
                own = self.problem.unknown_fields[function].coordinates
                numbers[:, [name not in own for name in names]] = 0
            dtype = self.objective.dtype
            waves.append(
                _Waves(
                    tf.constant(np.repeat(numbers, count, axis=2), dtype),
                    tf.constant(np.repeat(phases, count, axis=1), dtype),
                )
            )
        return waves

    def _unit_fields(self, region: str, coordinates: Mapping[str, Any]) -> list[Any]:
        """Return one random field per function at the points of a region, tensors or jets."""
        if region in self._outputs:
            return self._outputs[region]
        outputs = [self._unit_field(waves, coordinates) for waves in self._waves[region]]
        # The Taylor engine asks for the same jets whenever the residuals are the same; the nested
        # engine differentiates the function itself, which must then be evaluated anew.
        if isinstance(outputs[0], Jet):
            self._outputs[region] = outputs
        return outputs

    def _unit_field(self, waves: _Waves, coordinates: Mapping[str, Any]) -> Any:
        lower, upper = self.problem.bounds
        angle: Any = 0.0
        for i, name in enumerate(self.problem.coordinates):
            half = (upper[i] - lower[i]) / 2
            scaled = (coordinates[name] - (lower[i] + half)) * (1 / half)
            angle = scaled * waves.numbers[:, i] + angle
        summands = tf.cos(angle + waves.phases) * np.sqrt(2 / WAVES)
        if isinstance(summands, Jet):
            return summands.map(lambda component: tf.reduce_sum(component, 0))
        return tf.reduce_sum(summands, 0)


def median_size(residuals: Array) -> float:
    """Return the median over draws of the root mean square of residuals [draws, n].

    Draws with a residual that is not finite do not count; NaN if there are no others.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.sqrt(np.mean(residuals**2, axis=1))
    finite = sizes[np.isfinite(sizes)]
    return float(np.median(finite)) if len(finite) else np.nan
