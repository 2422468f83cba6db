"""Fields, derivatives and residual sizes at any points, for errors, pictures and users."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from jaxtyping import Float

from pinn.arrays import check_shapes
from pinn.derivatives import Symbol
from pinn.errors import InputError
from pinn.objective.batch import FIRST_STAGE, StageParameters
from pinn.objective.blocks import Blocks
from pinn.objective.objective import Objective
from pinn.objective.trial import unknown_field_output, unknown_field_value
from pinn.problem import Problem
from pinn.problem.materials import masks_at

Values = dict[str, Float[np.ndarray, " n"]]
"""Values [n] by name."""

CHUNK = 4096  # points per call: few shapes to compile, and bounded memory


class Evaluator:
    """Evaluates named functions and derivatives of an objective's trial solution.

    Args:
        objective: the objective.
        names: names of functions, derivatives, integrals or delayed fields, such as "u", "u_xx",
            "lap_u" or "mass".

    Raises:
        InputError: for a name that is neither.
    """

    def __init__(self, objective: Objective, names: Sequence[str]) -> None:
        problem = objective.problem
        where = type(problem).__name__
        self.objective = objective
        self.symbols: list[Symbol] = []
        for name in names:
            symbol = problem.symbol(name, where)
            if symbol.kind in ("coordinate", "normal", "data"):
                raise InputError(
                    f"{where}: {name!r} cannot be evaluated at a point; "
                    f"name a field or a derivative."
                )
            self.symbols.append(symbol)

    @check_shapes
    def __call__(
        self,
        theta: Float[tf.Tensor, " p"],
        points: Float[np.ndarray, "n d"],
        stage: StageParameters = FIRST_STAGE,
    ) -> dict[str, Float[np.ndarray, " n"]]:
        """Return the values [n] by name at points [n, d] for a vector [p] in a stage."""
        return self._by_chunks(points, lambda columns: self._chunk(theta, columns, stage))

    @check_shapes
    def slope(
        self,
        theta: Float[tf.Tensor, " p"],
        direction: Float[tf.Tensor, " p"],
        points: Float[np.ndarray, "n d"],
        stage: StageParameters = FIRST_STAGE,
    ) -> dict[str, Float[np.ndarray, " n"]]:
        """Return the derivatives [n] by name along a direction [p] of the vector [p]."""
        return self._by_chunks(
            points, lambda columns: self._slope_chunk(theta, direction, columns, stage)
        )

    @tf.function(autograph=False)
    def _slope_chunk(
        self, theta: tf.Tensor, direction: tf.Tensor, columns: tf.Tensor, stage: StageParameters
    ) -> dict[str, tf.Tensor]:
        with tf.autodiff.ForwardAccumulator(theta, direction) as accumulator:
            values = self._values(theta, columns, stage)
        slopes = {}
        for name, value in values.items():
            slope = accumulator.jvp(value)
            slopes[name] = tf.zeros_like(value) if slope is None else slope
        return slopes

    @check_shapes
    def jacobian(
        self,
        theta: Float[tf.Tensor, " p"],
        points: Float[np.ndarray, "n d"],
        stage: StageParameters = FIRST_STAGE,
    ) -> dict[str, Float[np.ndarray, "n p"]]:
        """Return the derivatives [n, p] by name by the vector [p], at few points [n, d]."""
        return self._by_chunks(points, lambda columns: self._jacobian_chunk(theta, columns, stage))

    @tf.function(autograph=False)
    def _jacobian_chunk(
        self, theta: tf.Tensor, columns: tf.Tensor, stage: StageParameters
    ) -> dict[str, tf.Tensor]:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(theta)
            values = self._values(theta, columns, stage)
        found = {}
        for name, value in values.items():
            found[name] = tape.jacobian(
                value, theta, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
        return found

    def _by_chunks(
        self, points: np.ndarray, program: Callable[[tf.Tensor], Mapping[str, tf.Tensor]]
    ) -> Values:
        """Return what a program gives for chunks of points [n, d], joined: [n, …] by name."""
        names = [symbol.name for symbol in self.symbols]
        if not len(points):
            return {name: np.zeros(0, self.objective.dtype) for name in names}
        rows = _with_masks(self.objective.problem, points)
        nodes = self.objective.values.nodes(self.symbols)
        chunks = [program(columns) for columns in _chunks(rows, self.objective.dtype, nodes)]
        values: Values = {}
        for name in names:
            # Points fill the last chunk up.
            values[name] = np.concatenate([c[name].numpy() for c in chunks])[: len(points)]
        return values

    @tf.function(autograph=False, jit_compile=True)
    def _chunk(
        self, theta: tf.Tensor, columns: tf.Tensor, stage: StageParameters
    ) -> dict[str, tf.Tensor]:
        return self._values(theta, columns, stage)

    def _values(
        self, theta: tf.Tensor, columns: tf.Tensor, stage: StageParameters
    ) -> dict[str, tf.Tensor]:
        objective = self.objective
        tensors = objective.flat.partition(theta)
        problem = objective.bound(tensors, stage)
        rows, materials = _without_masks(problem, columns)
        coordinates = dict(zip(problem.coordinates, tf.unstack(rows), strict=True))
        with objective.flat.scope(tensors):
            trial = objective.trial(problem, stage, materials=materials)
            return objective.values(problem, trial, self.symbols, coordinates)


def evaluate_law(
    objective: Objective, theta: tf.Tensor, name: str, arguments: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return the values [n] of an unknown function of fields at values [n] of its arguments.

    Args:
        objective: the objective.
        theta: the vector [p].
        name: the unknown field.
        arguments: values of the fields and coordinates that it depends on, by name.
    """
    problem = objective.problem
    scales = objective.scales.fields
    given = {a: tf.constant(values, objective.dtype) for a, values in arguments.items()}
    zeros = tf.zeros_like(next(iter(given.values())))  # for coordinates that play no part
    at = [given.get(c, zeros) for c in problem.coordinates]
    seen = dict(zip(problem.coordinates, problem.seen(at), strict=True))
    with objective.flat.scope(objective.flat.partition(theta)):
        output = unknown_field_output(problem, objective.network, name, seen, given, scales)
    return np.asarray(unknown_field_value(problem, name, output, scales))


class ResidualSize:
    """The square root of the weighted sum of a region's squared residuals, point by point."""

    def __init__(self, objective: Objective, region: str = "interior") -> None:
        self.objective = objective
        self.region = region

    @check_shapes
    def __call__(
        self,
        theta: Float[tf.Tensor, " p"],
        points: Float[np.ndarray, "n d"],
        stage: StageParameters = FIRST_STAGE,
    ) -> Float[np.ndarray, " n"]:
        """Return |r| [n] at points [n, d] for a vector [p] in a stage."""
        rows = _with_masks(self.objective.problem, points)
        columns = _chunks(rows, self.objective.dtype, self.objective.nodes(self.region))
        chunks = [self._chunk(theta, c, stage) for c in columns]
        return np.concatenate([c.numpy() for c in chunks])[: len(points)]

    @tf.function(autograph=False, jit_compile=True)
    def _chunk(self, theta: tf.Tensor, columns: tf.Tensor, stage: StageParameters) -> tf.Tensor:
        objective = self.objective
        rows, materials = _without_masks(objective.problem, columns)
        no_normals = tf.zeros([0, columns.shape[1]], columns.dtype)
        block = Blocks(rows, no_normals, {}, tf.ones_like(columns[0]), materials=materials)
        tensors = objective.flat.partition(theta)
        residuals = objective.residuals(tensors, self.region, block, stage)
        weights = objective.weight_by_term
        return tf.sqrt(tf.add_n([weights[name] * r**2 for name, r in residuals.items()]))


def _with_masks(problem: Problem, points: np.ndarray) -> np.ndarray:
    """Return points [n, d] with a column per material: 1 in it, 0 elsewhere."""
    masks = masks_at(problem, points).values()
    return np.column_stack([points, *masks]) if masks else points


def _without_masks(problem: Problem, columns: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Return the coordinates [d, n], and the materials [n] by name, of such points [d + m, n]."""
    if not problem.materials:
        return columns, {}
    count = len(problem.coordinates)
    masks = tf.unstack(columns[count:])
    return columns[:count], dict(zip(problem.materials, masks, strict=True))


def _chunks(points: np.ndarray, dtype: str, nodes: int) -> list[tf.Tensor]:
    """Return points [n, d] in chunks [d, size], the last one padded.

    Each point is evaluated at a number of quadrature nodes, or at itself alone.
    """
    count = len(points)
    largest = 1 << (max(1, CHUNK // nodes).bit_length() - 1)
    size = min(largest, 1 << (count - 1).bit_length())  # powers of two: few shapes are compiled
    padded = np.concatenate([points, np.repeat(points[-1:], -count % size, axis=0)])
    chunks = np.split(padded, len(padded) // size)
    return [tf.constant(np.ascontiguousarray(c.T), dtype) for c in chunks]
