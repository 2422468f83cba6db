"""What a run gives: fields and any derivative at any points, coefficients, history, figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn.errors import InputError, did_you_mean
from pinn.objective import Evaluator, Objective, PointSet
from pinn.plotting import save_figures
from pinn.problem import Problem
from pinn.record import History
from pinn.run.monitor import Evaluate, gauge_values


class Solution:
    """A solved problem.  Call it with coordinates; name a derivative to get that.

    Attributes:
        problem: the problem.
        metrics: what `metrics.json` of a run holds.
        history: what `history.csv` of a run holds; `history["loss"]` is a column, one value per
            report.
        points: the points of the last draw by region, [n, d] each.
        weights: weights [n] of the points of those terms whose points have their own, by the term's
            name.
        folder: the run's folder, or None.
    """

    def __init__(
        self,
        objective: Objective,
        theta: tf.Tensor,
        *,
        metrics: dict[str, Any],
        history: History,
        points: dict[str, PointSet],
        weights: dict[str, np.ndarray] | None = None,
        folder: Path | None,
        problem: Problem | None = None,
        evaluator: Callable[[tuple[str, ...]], Evaluate] | None = None,
    ) -> None:
        self.objective, self.theta = objective, theta
        self.problem: Any = (
            problem or objective.problem
        )  # the whole one, where the objective's is a window of time
        self._evaluator = evaluator or (lambda names: Evaluator(objective, names))
        self.metrics, self.history, self.points, self.folder = metrics, history, points, folder
        self.weights = weights or {}
        self._evaluators: dict[tuple[str, ...], Evaluate] = {}

    @property
    def network(self) -> keras.Model:
        """The trained network; `network.save("name.keras")` keeps it."""
        return self.objective.network

    @property
    def unknowns(self) -> dict[str, float]:
        """The coefficients that were found, by name, in their own units."""
        return {k: float(v) for k, v in self.objective.coefficients(self.theta).items()}

    def __call__(self, *positional: Any, **coordinates: Any) -> dict[str, np.ndarray]:
        """Return all functions and derived quantities by name at coordinates, in order or by name, that broadcast."""
        return self.problem.with_derived(self._at(self.problem.functions, positional, coordinates))

    def derivative(self, name: str, *positional: Any, **coordinates: Any) -> np.ndarray:
        """Return one derivative by its name, such as "u_xx" or "lap_u", at coordinates.

        Raises:
            InputError: if there is no such derivative, or a coordinate is missing or too many.
        """
        return self._at((name,), positional, coordinates)[name]

    def save_figures(self, folder: str | Path | None = None) -> list[Path]:
        """Draw all figures into a folder (default: the run's `figures`) and return their paths."""
        if folder is None and self.folder is None:
            raise InputError("save_figures: this solution has no run folder; name one.")
        objective, problem = self.objective, self.problem
        truth = {name: float(getattr(problem, name)) for name in objective.unknowns}
        folder = Path(folder) if folder is not None else Path(str(self.folder)) / "figures"
        lower, upper = problem.bounds
        return save_figures(
            folder,
            coordinates=problem.coordinates,
            bounds=(lower, upper),
            fields=problem.quantities,
            evaluate=lambda at: self._inside(at, lambda inside: self(**inside)),
            reference=self._drawn_reference if self.metrics.get("relative_l2") else None,
            distance=lambda at: problem.space.distance(*(at[c] for c in problem.space.coordinates)),
            history=self.history,
            points={region: p.coordinates for region, p in self.points.items()},
            weights={
                t.name: (self.points[t.region].coordinates, self.weights[t.name])
                for t in objective.terms
                if t.name in self.weights
            },
            truths=truth,
        )

    def _reference(self, coordinates: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        shape, points = _points(self.problem.coordinates, coordinates)
        found = self.problem.reference_at(points)
        return {
            name: value.reshape(shape) for name, value in self.problem.with_derived(found).items()
        }

    def _drawn_reference(self, coordinates: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return self._inside(coordinates, self._reference)

    def _inside(self, coordinates: dict[str, np.ndarray], function: Any) -> dict[str, np.ndarray]:
        """Return what a function of coordinates [n] by name gives inside the domain, and NaN outside."""
        space, points = self.problem.space, _points(self.problem.coordinates, coordinates)[1]
        inside = space.contains(points[:, : len(space.coordinates)])
        found = function({c: values[inside] for c, values in coordinates.items()})
        everywhere = {name: np.full(len(inside), np.nan) for name in found}
        for name, values in found.items():
            everywhere[name][inside] = values
        return everywhere

    def _at(
        self, names: tuple[str, ...], positional: Any, coordinates: dict[str, Any]
    ) -> dict[str, np.ndarray]:
        known = self.problem.coordinates
        for name in coordinates:
            if name not in known:
                raise InputError(f"Solution: {name!r} is no coordinate.{did_you_mean(name, known)}")
        count = len(positional) + len(coordinates)
        coordinates = {**dict(zip(known, positional, strict=False)), **coordinates}
        if not count == len(coordinates) == len(known):
            raise InputError(f"Solution: give the coordinates {', '.join(known)}, each once.")
        shape, points = _points(known, coordinates)
        if names not in self._evaluators:
            self._evaluators[names] = self._evaluator(names)
        found = self._evaluators[names](self.theta, points)
        # A field known up to a constant, or a function of time, is shown as its error is measured.
        for name in set(self.problem.gauge) & set(names) & set(self.metrics.get("gauge", {})):
            found[name] = found[name] + gauge_values(
                self.problem, self.metrics["gauge"][name], points
            )
        return {name: value.reshape(shape) for name, value in found.items()}


def _points(
    names: tuple[str, ...], coordinates: dict[str, Any]
) -> tuple[tuple[int, ...], np.ndarray]:
    try:
        arrays = np.broadcast_arrays(*(np.asarray(coordinates[c], float) for c in names))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Solution: {error}; give {', '.join(names)} as numbers of shapes that broadcast."
        ) from None
    return arrays[0].shape, np.stack([a.ravel() for a in arrays], axis=1)
