"""Measurements next to a solution: predicted values, misfits and χ²."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from pinn.arrays import Array
from pinn.geometry import is_data
from pinn.measurements import coordinates_of, name_of
from pinn.objective import DataSets, Misfit, Objective, PointSet
from pinn.plotting import MeasuredColumn
from pinn.problem import Problem
from pinn.record import MisfitMetrics
from pinn.run.stage_run import EvaluateNames

FAR_SHARE = 0.1  # of the spread of measurements: the misfit from which on they are not fitted
FAR_SIGMAS = 2.0  # the same over standard deviations, where these are known
ONE_BY_ONE = 3.0  # times as far as a fitted measurement is one that was left out
FEWEST = 10  # measurements that can say so


def predictions(problem: Problem, points: PointSet, evaluate: EvaluateNames) -> dict[str, Array]:
    """Return what a solution gives for all that was measured, [n] by name.

    Args:
        problem: the problem.
        points: the measurements.
        evaluate: (names, points [n, d]) -> values [n] by name.
    """
    space = problem.space.coordinates
    needed: dict[str, list[str]] = {}  # a normal derivative is a sum of others
    for name in points.values:
        symbol = problem.symbol(name)
        is_normal = symbol.kind == "normal"
        needed[name] = [f"{symbol.field}_{c}" for c in space] if is_normal else [name]
    names = list(dict.fromkeys(name for group in needed.values() for name in group))
    values = evaluate(names, points.coordinates)
    found = {}
    for name, group in needed.items():
        found[name] = np.asarray(values[group[0]], float)
        if group != [name]:
            assert points.normals is not None
            slopes = np.stack([values[slope] for slope in group], axis=1)
            found[name] = np.sum(points.normals * slopes, axis=1)
    return found


def misfits(
    problem: Problem, data: DataSets, evaluate: EvaluateNames
) -> dict[str, dict[str, MisfitMetrics]]:
    """Return the misfit to all measurements, by set and by what was measured."""
    found: dict[str, dict[str, MisfitMetrics]] = {}
    for region, points in data.items():
        by_name = {}
        for name, predicted in predictions(problem, points, evaluate).items():
            known = ~np.isnan(points.values[name])
            residuals = points.values[name][known] - predicted[known]
            chi_squared = None
            if name in points.sigmas:
                chi_squared = float(np.sum((residuals / points.sigmas[name][known]) ** 2))
            by_name[name] = MisfitMetrics(
                count=len(residuals),
                rms=float(np.sqrt(np.mean(residuals**2))),
                chi_squared=chi_squared,
            )
        found[name_of(region)] = by_name
    return found


def unfitted(data: DataSets, found: Mapping[str, Mapping[str, MisfitMetrics]]) -> list[str]:
    """Return one line for every column of measurements that a solution is far from.

    Either its noise is as large, or the equations do not hold for what was measured.

    Args:
        data: the measurements, by region.
        found: the misfits to them, as `misfits` returns them.
    """
    lines: list[str] = []
    for region, points in data.items():
        name_of_set = name_of(region)
        for name, misfit in found[name_of_set].items():
            values = points.values[name]
            spread = float(np.nanstd(values))
            far = ""
            if misfit.reduced is not None:
                times = math.sqrt(misfit.reduced)
                if times > FAR_SIGMAS:
                    far = f"{times:.2g} times their standard deviations"
            elif (misfit.rms or 0.0) > FAR_SHARE * spread:
                share = (misfit.rms or 0.0) / spread if spread else math.inf
                far = f"{100 * share:.2g} % of their spread"
            if far and misfit.count >= FEWEST:
                where = f" of {name_of_set}" if len(data) > 1 else ""
                lines.append(
                    f"{name}: the solution is off the measurements{where} by {far} (rms): their "
                    "noise is as large, or the equations do not hold for them."
                )
    return lines


def unpredicted(
    objective: Objective,
    data: DataSets,
    found: Mapping[str, Mapping[str, MisfitMetrics]],
    factors: Mapping[str, float],
) -> list[str]:
    """Return one line for every column of measurements that a solution fits value by value.

    Args:
        objective: the loss.
        data: the measurements, by region.
        found: the misfits to them, as `misfits` returns them.
        factors: by how much more each would be missed if it were left out, as
            `MeasuredFit.left_out` has them.
    """
    lines: list[str] = []
    for term in objective.terms:
        if not isinstance(term, Misfit):
            continue
        name = term.predicted.name
        misfit = found[name_of(term.region)][name]
        spread = float(np.nanstd(data[term.region].values[name]))
        factor = factors.get(term.name, 1.0)
        missed = factor * (misfit.rms or 0.0)
        if factor > ONE_BY_ONE and missed > FAR_SHARE * spread and misfit.count >= FEWEST:
            lines.append(
                f"{name}: each measurement is fitted by itself: left out, it would be missed by "
                f"{100 * missed / spread:.2g} % of their spread (rms); the equations do not hold "
                "for them, or do not determine what is between them: give conditions, or more "
                "measurements."
            )
    return lines


def measured_columns(
    problem: Problem,
    sets: DataSets,
    evaluate: EvaluateNames | None = None,
    units: Mapping[str, Mapping[str, str]] | None = None,
) -> list[MeasuredColumn]:
    """Return all measurements as pictures show them, with predictions where there is a solution.

    Args:
        problem: the problem.
        sets: point sets by region; those that are no measurements are left out.
        evaluate: (names, points [n, d]) -> values [n] by name; None before there is a solution.
        units: by region, the units that measurements state; those of the problem come first.
    """
    columns = []
    for region, points in sets.items():
        if not is_data(region):
            continue
        predicted = predictions(problem, points, evaluate) if evaluate else {}
        for name, values in points.values.items():
            known = ~np.isnan(values)
            source = name_of(region)
            # An integral has no place along the other coordinates.
            places = coordinates_of(problem, [name]) or problem.coordinates
            axes = [problem.coordinates.index(c) for c in places]
            columns.append(
                MeasuredColumn(
                    source if region != "data" else "",
                    name,
                    places,
                    points.coordinates[known][:, axes],
                    values[known],
                    points.sigmas[name][known] if name in points.sigmas else None,
                    predicted[name][known] if evaluate else None,
                    {**_stated(units, region), **problem.units},
                )
            )
    return columns


def _stated(units: Mapping[str, Mapping[str, str]] | None, region: str) -> dict[str, str]:
    """Return the units that the measurements of a region state, by name."""
    return {name: unit for name, unit in (units or {}).get(region, {}).items() if unit}
