"""Outward normals at measured points of a boundary."""

from __future__ import annotations

import numpy as np

from pinn.arrays import AnyArray, Array
from pinn.errors import InputError
from pinn.geometry.domain import outward
from pinn.measurements.measured import SLACK
from pinn.measurements.names import is_normal
from pinn.measurements.table import row_in_words
from pinn.objective import PointSet
from pinn.problem import Problem

DIFFERENCE = 1e-6  # of the domain's size, by which slopes of the distance are estimated
INWARD = 10 * SLACK  # of the domain's size: the other place at which a normal is computed
SAME = 1e-3  # the largest difference between two normals that count as one


def with_normals(
    problem: Problem,
    points: PointSet,
    where: str,
    *,
    rows: AnyArray | None = None,
    lines: AnyArray | None = None,
) -> PointSet:
    """Return measurements with normals where normal derivatives were measured.

    The outward normal is −∇d, with the signed distance d to the boundary.

    Args:
        problem: the problem.
        points: the measurements.
        where: the measurements, as messages call them.
        rows: the rows [n] of the source on which the points stand; None: in order.
        lines: the lines of a file on which the rows of the source stand.

    Raises:
        InputError: for a normal derivative off the boundary, in a corner, or on a face of a
            periodic coordinate.
    """
    names = [name for name in points.values if is_normal(problem, name)]
    if not names:
        return points
    measured = np.any([~np.isnan(points.values[name]) for name in names], axis=0)
    chosen = np.flatnonzero(measured)
    space = len(problem.space.coordinates)
    places = points.coordinates[chosen, :space]
    size = float(np.max(problem.bounds[1][:space] - problem.bounds[0][:space]))
    found, reasons = _normals(problem, places, size)
    bad = [i for i, reason in enumerate(reasons) if reason]
    if bad:
        first = int(chosen[bad[0]])
        row = row_in_words(first if rows is None else int(rows[first]), lines)
        at = ", ".join(
            f"{c}={v:g}" for c, v in zip(problem.space.coordinates, places[bad[0]], strict=True)
        )
        raise InputError(
            f"{where}: {names[0]} at {len(bad)} of {len(chosen)} points has no normal, first {row} "
            f"({at}; {reasons[bad[0]]}); leave these out, or give u_x and the like."
        )
    normals = np.zeros((len(measured), space))
    normals[chosen] = found
    return points._replace(normals=normals)


def _normals(problem: Problem, places: Array, size: float) -> tuple[Array, list[str]]:
    """Return unit normals [n, ds] at places [n, ds], and per place why there is none, or ""."""
    distance = np.asarray(problem.space.distance(*places.T))
    step = DIFFERENCE * size
    here = outward(problem.space, places, step)
    lengths = np.linalg.norm(here, axis=1)
    inside = outward(problem.space, places - INWARD * size * here, step)
    axes = [problem.space.coordinates.index(c) for c in problem.periodic]
    reasons = []
    for i in range(len(places)):
        reason = ""
        if abs(distance[i]) > SLACK * size:
            reason = "it is not on the boundary"
        elif not np.allclose(here[i], inside[i], atol=SAME) or abs(lengths[i] - 1) > SAME:
            reason = "it is in a corner"
        elif axes and np.max(np.abs(here[i][axes])) > SAME:
            reason = "it is on a face of a periodic coordinate"
        reasons.append(reason)
    with np.errstate(divide="ignore", invalid="ignore"):
        return here / lengths[:, None], reasons
