"""Fields and their derivatives at any points, for errors, pictures and users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.derivatives import Symbol, parse
from pinn.errors import InputError
from pinn.objective.objective import Objective
from pinn.objective.points import Blocks

CHUNK = 4096  # points per call: one shape, so one compilation, and bounded memory


class Evaluator:
    """Evaluates named fields and derivatives of an objective's trial solution."""

    def __init__(self, objective: Objective, names: Sequence[str]) -> None:
        problem = objective.problem
        where = f"{type(problem).__name__}"
        self.objective = objective
        self.symbols: list[Symbol] = []
        for name in names:
            symbol = parse(
                name, coordinates=problem.coordinates, fields=problem.functions, where=where
            )
            if symbol.kind not in ("derivative", "laplacian"):
                raise InputError(
                    f"{where}: {name!r} cannot be evaluated at a point; name a field or a derivative."
                )
            self.symbols.append(symbol)

    def __call__(self, theta: tf.Tensor, points: np.ndarray) -> dict[str, np.ndarray]:
        """Return the values [n] by name at points [n, d] for a flat vector [p]."""
        if not len(points):
            return {s.name: np.zeros(0, self.objective.dtype) for s in self.symbols}
        chunks = [self._chunk(theta, piece) for piece in _pieces(points, self.objective.dtype)]
        return {
            s.name: np.concatenate([c[s.name].numpy() for c in chunks])[: len(points)]
            for s in self.symbols
        }

    @tf.function(autograph=False, jit_compile=True)
    def _chunk(self, theta: tf.Tensor, columns: tf.Tensor) -> dict[str, Any]:
        objective = self.objective
        tensors = objective.flat.partition(theta)
        problem = objective.bound(tensors)
        coordinates = dict(zip(problem.coordinates, tf.unstack(columns), strict=True))
        with objective.flat.scope(tensors):
            return objective.engine.evaluate(
                objective.trial(problem), self.symbols, coordinates, {}
            )


class ResidualSize:
    """The root of the weighted sum of a region's squared residuals, point by point."""

    def __init__(self, objective: Objective, region: str = "interior") -> None:
        self.objective, self.region = objective, region

    def __call__(self, theta: tf.Tensor, points: np.ndarray) -> np.ndarray:
        """Return |r| [n] at points [n, d] for a flat vector [p]."""
        chunks = [self._chunk(theta, piece) for piece in _pieces(points, self.objective.dtype)]
        return np.concatenate([c.numpy() for c in chunks])[: len(points)]

    @tf.function(autograph=False, jit_compile=True)
    def _chunk(self, theta: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
        objective = self.objective
        weights = {t.name: w for t, w in zip(objective.terms, objective.weights, strict=True)}
        piece = Blocks(
            columns, tf.zeros([0, columns.shape[1]], columns.dtype), {}, tf.ones_like(columns[0])
        )
        found = objective.residuals(objective.flat.partition(theta), self.region, piece)
        return tf.sqrt(tf.add_n([weights[name] * r**2 for name, r in found.items()]))


def _pieces(points: np.ndarray, dtype: str) -> list[tf.Tensor]:
    """Return points [n, d] in pieces [d, size], the last one filled up."""
    count = len(points)
    size = min(
        CHUNK, 1 << (count - 1).bit_length()
    )  # powers of two, so that few shapes are ever compiled
    padded = np.concatenate([points, np.repeat(points[-1:], -count % size, axis=0)])
    return [
        tf.constant(np.ascontiguousarray(p.T), dtype) for p in np.split(padded, len(padded) // size)
    ]
