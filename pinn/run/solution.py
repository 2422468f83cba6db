"""What a run gives: fields and any derivative at any points, coefficients, history, figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from jaxtyping import Float
from numpy.typing import ArrayLike

from pinn.errors import InputError, did_you_mean
from pinn.objective import Evaluator, Objective, PointSet, evaluate_law
from pinn.parameters import check_given
from pinn.plotting import save_figures
from pinn.problem import Problem, free_coordinates
from pinn.record import History, RunFolder
from pinn.run.error_estimate import ErrorEstimate
from pinn.run.errors import Values, gauge_values
from pinn.run.misfits import measured_columns
from pinn.run.stage_run import EvaluateNames
from pinn.uncertainty import Posterior

NO_ESTIMATE = (
    "there is no estimate of the error of several modes, in float32, for many parameters, for "
    "trials, and where no residual depends on the network"
)
NOTICEABLE = 1e-3  # the estimated relative error from which on noise is drawn as a band


class Solution:
    """A solved problem: a plain value, which several threads may evaluate at the same time.

    Call it with coordinates to get the fields; name a derivative to get that.

    Attributes:
        problem: the problem.
        metrics: what `metrics.json` of a run holds.
        history: what `history.csv` of a run holds; `history["loss"]` is a column, one value per
            report.
        points: the points of the last draw by region.
        weights: weights [n] of the points of those terms whose points have weights of their own.
        folder: the run's folder, or None.
        modes: the modes of an eigenvalue problem in the order in which they were found, as
            solutions; this solution is the last of them.  Empty without.
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
        evaluate: EvaluateNames | None = None,
        units: Mapping[str, Mapping[str, str]] | None = None,
        modes: Sequence[Solution] = (),
        estimate: Callable[[], ErrorEstimate | None] | None = None,
    ) -> None:
        """Keep what a run has found.

        Args:
            objective: the loss of the last stage.
            theta: the vector [p] that it ended with.
            metrics: see above.
            history: see above.
            points: see above.
            weights: see above.
            folder: see above.
            problem: the problem, where the objective's is a stage of it.
            evaluate: (names, points [n, d]) -> values [n] by name, over all stages; None: the
                objective's trial solution.
            units: by region, the units that measurements state.
            modes: see above.
            estimate: returns the estimated error, which takes seconds where it is not known yet, or
                None where there is none.
        """
        self.objective = objective
        self.theta = theta
        self.problem: Any = problem or objective.problem
        self.metrics = metrics
        self.history = history
        self.weights = weights or {}
        self.folder = folder
        self.modes = tuple(modes)
        self._evaluate = evaluate or self._trial
        self._units = units
        self._find_estimate = estimate
        self.points = {region: self._placed(region, drawn) for region, drawn in points.items()}

    @property
    def network(self) -> keras.Model:
        """The trained network; `network.save("name.keras")` saves it.

        It is a part of the solution: conditions that are built in, scales, and windows of time
        before the last are not in it. The solution itself gives the fields.
        """
        return self.objective.network

    @property
    def unknowns(self) -> dict[str, float]:
        """The unknown coefficients that the run determined, by name, in their own units."""
        return {k: float(v) for k, v in self.objective.coefficients(self.theta).items()}

    def __call__(
        self, *positional: ArrayLike, **coordinates: ArrayLike
    ) -> dict[str, Float[np.ndarray, "*shape"]]:
        """Return all functions and derived quantities by name at coordinates that broadcast.

        Coordinates go by name, or in order: space, parameters, time.

        Raises:
            InputError: if a coordinate is missing or too many, or the value of a parameter is
                outside of its range.
        """
        shape, points = self._located(positional, coordinates)
        values = self._values(self.problem.functions, points, shape)
        return self.problem.with_derived(values, points)

    def estimated_error(
        self, *positional: ArrayLike, **coordinates: ArrayLike
    ) -> dict[str, Float[np.ndarray, "*shape"]]:
        """Return the estimated true values less those of the solution, by name, at coordinates.

        The arguments are those of a call for the fields.  The estimate is a Gauss–Newton step on
        points that no training used, to first order.  Noise in measurements is not part of it: see
        `standard_error`.

        Raises:
            InputError: where there is no estimate, and as for the fields.
        """
        estimate = self._known_estimate()
        shape, points = self._located(positional, coordinates)
        _, missing = estimate(points)
        return {name: value.reshape(shape) for name, value in missing.items()}

    def standard_error(
        self, *positional: ArrayLike, **coordinates: ArrayLike
    ) -> dict[str, Float[np.ndarray, "*shape"]]:
        """Return the standard deviations that noise in measurements gives the solution, by name.

        The arguments are those of a call for the fields, and so are the units.  The model is that
        of the standard errors of unknown coefficients: the fit is linearized, equations and
        conditions bind it as their weights say, and the noise is as large as the measurements'
        standard deviations, or as the misfit where none are given.

        Raises:
            InputError: where there is no estimate, without measurements, and as for the fields.
        """
        estimate = self._known_estimate()
        if not estimate.has_noise:
            raise InputError(
                "standard_error: the problem has no measurements, so no noise; see estimated_error."
            )
        shape, points = self._located(positional, coordinates)
        found = estimate.standard_error(points)
        return {name: value.reshape(shape) for name, value in found.items()}

    def diagnose(self) -> list[str]:
        """Return what is known of the solution's error without a reference, in one line each.

        These are estimated errors, what the equations leave open, other warnings of the run, and
        its verdict.  Of a run that was loaded, it takes seconds.
        """
        found: Mapping[str, float] = self.metrics.get("estimated_error", {})
        lines = [f"{name}: estimated relative error {size:.1e}" for name, size in found.items()]
        warnings = list(self.metrics.get("warnings", ()))
        if self._estimate is None:
            lines.append(f"{NO_ESTIMATE}; compare two runs instead")
        else:
            opened = self._estimate.open_directions
            lines.append(
                f"amplification {opened.amplification:.2g}: the largest relative error that a "
                "residual may hide, over that residual's share of its typical size"
            )
            warnings += [line for line in opened.lines().values() if line not in warnings]
        verdict = self.metrics.get("verdict")
        return [*lines, *(f"warning: {line}" for line in warnings), *([verdict] if verdict else [])]

    @property
    def posterior(self) -> Posterior | None:
        """Draws of the flat vector of parameters; None where the run has made none."""
        return None if self._estimate is None else self._estimate.posterior

    def _known_estimate(self) -> ErrorEstimate:
        """Return the estimated error; an InputError where there is none."""
        if self._estimate is None:
            raise InputError(f"Solution: {NO_ESTIMATE}; compare two runs instead.")
        return self._estimate

    @cached_property
    def _estimate(self) -> ErrorEstimate | None:
        return None if self._find_estimate is None else self._find_estimate()

    def derivative(
        self, name: str, *positional: ArrayLike, **coordinates: ArrayLike
    ) -> Float[np.ndarray, "*shape"]:
        """Return a derivative by its name, such as "u_xx" or "lap_u", at coordinates.

        Raises:
            InputError: if there is no such derivative, and as for the fields.
        """
        shape, points = self._located(positional, coordinates)
        return self._values((name,), points, shape)[name]

    def law(self, name: str, **arguments: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Return an unknown function of fields at values of its arguments, in its own units.

        Args:
            name: the name of the unknown field.
            arguments: values of the fields and coordinates on which it depends; they broadcast.
                Outside of the values that the solution takes, nothing determines the function.

        Raises:
            InputError: if there is no such function, or an argument is missing or too many.
        """
        laws = self.problem.laws
        if name not in laws:
            raise InputError(
                f"Solution: {name!r} is no unknown function of fields.{did_you_mean(name, laws)}"
            )
        own = tuple(self.problem.unknown_fields[name].arguments)
        if set(arguments) != set(own):
            raise InputError(f"Solution: law {name!r} depends on {', '.join(own)}; give each once.")
        shape, points = _points(own, arguments)
        columns = dict(zip(own, points.T, strict=True))
        return evaluate_law(self.objective, self.theta, name, columns).reshape(shape)

    def integral(self, name: str, **coordinates: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Return an integral of the problem by its name, in its own units.

        Args:
            name: the name of the integrand's method.
            coordinates: the coordinates on which the integral depends, by name; they broadcast.

        Raises:
            InputError: if there is no such integral, or a coordinate is missing or too many.
        """
        integrals = self.problem.integrals
        if name not in integrals:
            raise InputError(f"Solution: no integral {name!r}.{did_you_mean(name, integrals)}")
        own = integrals[name].own
        if set(coordinates) != set(own):
            given = ", ".join(own) or "no coordinate"
            raise InputError(f"Solution: integral {name!r} depends on {given}; give that by name.")
        middle = {c: 0.5 * (lower + upper) for c, (lower, upper) in self.problem.ranges.items()}
        shape, points = self._located((), {**middle, **coordinates})
        return np.asarray(self._evaluate((name,), points)[name]).reshape(shape)

    def save_figures(self, folder: str | Path | None = None) -> list[Path]:
        """Draw all figures into a folder (default: the run's `figures`) and return their paths."""
        if folder is None:
            if self.folder is None:
                raise InputError("save_figures: this solution has no run folder; name one.")
            folder = RunFolder(self.folder).figures
        problem = self.problem
        has_reference = bool(self.metrics.get("relative_l2"))
        # Of a run that was loaded, it takes seconds to make the estimate again.
        shows_estimate = bool(self.metrics.get("estimated_error")) and not has_reference
        weighted = {}
        for term in self.objective.terms:
            if term.name in self.weights:
                coordinates = self.points[term.region].coordinates
                weighted[term.name] = (coordinates, self.weights[term.name])
        return save_figures(
            Path(folder),
            coordinates=problem.coordinates,
            parameters=problem.parameters,
            bounds=problem.bounds,
            fields=problem.quantities,
            evaluate=lambda at: self._inside(at, lambda inside: self(**inside)),
            reference=self._drawn_reference if has_reference else None,
            estimated=self._drawn_estimate if shows_estimate else None,
            spread=self._drawn_spread if self._shows_spread else None,
            undetermined=self._drawn_directions(),
            distance=lambda at: problem.space.distance(*(at[c] for c in problem.space.coordinates)),
            history=self.history,
            points={region: points.on_all_sides for region, points in self.points.items()},
            weights=weighted,
            units=problem.units,
            laws=problem.laws_of_one_field,
            log_axes=problem.log_axes,
            truths={k: v.get("truth") for k, v in self.metrics.get("unknowns", {}).items()},
            measured=measured_columns(problem, self.points, self._evaluate, self._units),
        )

    def _placed(self, region: str, points: PointSet) -> PointSet:
        """Return the points of a region, on a free boundary where it has come to lie."""
        free = free_coordinates(self.problem, region)
        if not free:
            return points
        coordinates = points.coordinates.copy()
        for name, values in self._evaluate(tuple(free.values()), points.coordinates).items():
            axes = [self.problem.coordinates.index(c) for c, field in free.items() if field == name]
            coordinates[:, axes] = values[:, None]
        return points._replace(coordinates=coordinates)

    def _trial(self, names: Sequence[str], points: np.ndarray) -> Values:
        return Evaluator(self.objective, names)(self.theta, points)

    def _reference(self, coordinates: Mapping[str, np.ndarray]) -> Values:
        shape, points = _points(self.problem.coordinates, coordinates)
        reference = self.problem.with_derived(self.problem.reference_at(points), points)
        return {name: value.reshape(shape) for name, value in reference.items()}

    def _drawn_estimate(self, coordinates: Mapping[str, np.ndarray]) -> Values:
        def size(inside: Mapping[str, np.ndarray]) -> Values:
            found = self.estimated_error(**inside)
            if not self._known_estimate().has_noise:
                return found
            noise = self.standard_error(**inside)
            return {name: np.hypot(value, noise[name]) for name, value in found.items()}

        return self._inside(coordinates, size)

    @property
    def _shows_spread(self) -> bool:
        """Whether noise in the measurements moves the solution enough for a band around it."""
        found: Mapping[str, float] = self.metrics.get("estimated_error", {})
        large = max(found.values(), default=0.0) >= NOTICEABLE
        return large and self._estimate is not None and self._estimate.has_noise

    def _drawn_spread(self, coordinates: Mapping[str, np.ndarray]) -> Values:
        return self._inside(coordinates, lambda inside: self.standard_error(**inside))

    def _drawn_directions(self) -> list[Callable[[Mapping[str, np.ndarray]], Values]]:
        """Return what the equations leave open of functions, where the metrics say so."""
        # Of a run that was loaded, it takes seconds to make the estimate again.
        if not self.metrics.get("undetermined") or self._estimate is None:
            return []
        estimate = self._estimate
        directions = [d for d in estimate.open_directions.found if d.parts[0]]
        taking_part = {name for direction in directions for name in direction.parts[0]}
        names = [name for name in self.problem.functions if name in taking_part]

        def drawn(step: np.ndarray) -> Callable[[Mapping[str, np.ndarray]], Values]:
            def change(inside: Mapping[str, np.ndarray]) -> Values:
                _, points = _points(self.problem.coordinates, inside)
                found = estimate.along(step, points)
                return {name: found[name] for name in names}

            return lambda at: self._inside(at, change)

        return [drawn(direction.step) for direction in directions]

    def _drawn_reference(self, coordinates: Mapping[str, np.ndarray]) -> Values:
        return self._inside(coordinates, self._reference)

    def _inside(
        self,
        coordinates: Mapping[str, np.ndarray],
        function: Callable[[dict[str, np.ndarray]], Values],
    ) -> Values:
        """Return a function of coordinates [n] by name inside the domain, and NaN outside."""
        space = self.problem.space
        _, points = _points(self.problem.coordinates, coordinates)
        inside = space.contains(points[:, : len(space.coordinates)])
        values = function({c: values[inside] for c, values in coordinates.items()})
        everywhere = {}
        for name, value in values.items():
            everywhere[name] = np.full(len(inside), np.nan)
            everywhere[name][inside] = value
        return everywhere

    def _located(
        self, positional: Sequence[ArrayLike], coordinates: Mapping[str, ArrayLike]
    ) -> tuple[tuple[int, ...], np.ndarray]:
        """Return the shape of given coordinates, and their points [n, d].

        Raises:
            InputError: for coordinates that are not the problem's, each once, and parameters out of
                range.
        """
        known = self.problem.coordinates
        for name in coordinates:
            if name not in known:
                hint = did_you_mean(name, known)
                raise InputError(f"Solution: {name!r} is no coordinate.{hint}")
        count = len(positional) + len(coordinates)
        coordinates = {**dict(zip(known, positional, strict=False)), **coordinates}
        if not count == len(coordinates) == len(known):
            parameters = ", ".join(self.problem.parameters)
            more = f" ({parameters} among them, on which the solution depends)"
            text = f"Solution: give the coordinates {', '.join(known)}, each once"
            raise InputError(f"{text}{more if parameters else ''}.")
        shape, points = _points(known, coordinates)
        columns = dict(zip(known, points.T, strict=True))
        check_given("Solution", self.problem.parameters, columns)
        return shape, points

    def _values(self, names: tuple[str, ...], points: np.ndarray, shape: tuple[int, ...]) -> Values:
        """Return named functions or derivatives at points [n, d], in a shape."""
        values = dict(self._evaluate(names, points))
        # A field known up to a constant, or a function of time, is shown as its error is measured.
        gauges = self.metrics.get("gauge", {})
        for name in set(self.problem.gauge) & set(names) & set(gauges):
            values[name] = values[name] + gauge_values(self.problem, gauges[name], points)
        return {name: value.reshape(shape) for name, value in values.items()}


def _points(
    names: Sequence[str], coordinates: Mapping[str, ArrayLike]
) -> tuple[tuple[int, ...], np.ndarray]:
    """Return the shape to which coordinates broadcast, and the points [n, d]."""
    try:
        arrays = np.broadcast_arrays(*(np.asarray(coordinates[c], float) for c in names))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Solution: {error}; give {', '.join(names)} as numbers of shapes that broadcast."
        ) from None
    return arrays[0].shape, np.stack([a.ravel() for a in arrays], axis=1)
