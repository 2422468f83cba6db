"""Where an unknown field is not determined: no residual depends on its values there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.objective import Objective
from pinn.problem import Problem, Term
from pinn.run.slopes import slopes
from pinn.run.stage_run import EvaluateNames

BLIND = 0.02  # of the largest slope of residuals, below which a field is hardly determined
PLACES = 401  # of an unknown field of one coordinate; of others, as many random ones
OTHERS = 20  # values of the coordinates on which it does not depend, per place
MOST = 5  # places that are named


def blind_spots(objective: Objective, theta: tf.Tensor, evaluate: EvaluateNames) -> dict[str, str]:
    """Return a line for every unknown field on which no residual depends in some places, by name.

    A field whose derivatives take part in the equations is carried there from its neighborhood.

    Args:
        objective: the loss.
        theta: the vector [p].
        evaluate: (names, points [n, d]) -> values [n] by name, of the solution.
    """
    problem = objective.problem
    lines: dict[str, str] = {}
    for name, unknown in problem.unknown_fields.items():
        terms: list[Term] = []
        by_value = name not in problem.laws
        for term in objective.terms:
            symbols = [s for s in term.symbols if s.field == name]
            if symbols and term.region == "interior":
                terms.append(term)
                by_value = by_value and all(s.is_local for s in term.symbols)
                by_value = by_value and not any(s.index for s in symbols)
        if not terms or not by_value:
            continue
        own = [problem.coordinates.index(c) for c in unknown.arguments]
        points = _points(problem, own)
        largest = np.zeros(len(points))
        for term in terms:
            found = slopes(objective, theta, evaluate, term, points)
            own_slopes = [found[s.name] for s in term.symbols if s.field == name]
            largest = np.maximum(largest, np.abs(np.sum(own_slopes, axis=0)))
        # The largest slope over the coordinates on which the field does not depend.
        largest = largest.reshape(-1, OTHERS).max(axis=1)
        blind = largest <= BLIND * largest.max()
        if blind.any():
            where = _shown(problem, own, points[::OTHERS], blind)
            lines[name] = (
                f"{name}: is hardly determined {where}: the equations do not depend on it there; "
                "its values there are those of its neighborhood."
            )
    return lines


def _points(problem: Problem, own: Sequence[int]) -> Array:
    """Return points [PLACES × OTHERS, d] of the interior's box, OTHERS to a place in a row.

    Args:
        problem: the problem.
        own: the coordinates that make a place, by index; one is swept evenly.
    """
    lower, upper = (np.asarray(ends, float) for ends in problem.bounds)
    rng = np.random.default_rng(0)
    unit = rng.uniform(size=(PLACES, OTHERS, len(lower)))
    places = rng.uniform(size=(PLACES, 1, len(own)))
    if len(own) == 1:
        places = np.linspace(0.0, 1.0, PLACES)[:, None, None]
    unit[:, :, list(own)] = places
    return (lower + unit * (upper - lower)).reshape(-1, len(lower))


def _shown(problem: Problem, own: Sequence[int], places: Array, blind: Array) -> str:
    """Return in words where a field is blind: the middles of intervals, or the share of places."""
    if len(own) != 1:
        return f"in {100 * np.mean(blind):.2g} % of the domain"
    values = places[:, own[0]]
    runs = np.split(np.flatnonzero(blind), np.flatnonzero(np.diff(np.flatnonzero(blind)) > 1) + 1)
    middles = [f"{np.round(np.mean(values[run]), 12):.3g}" for run in runs[:MOST]]
    more = " and elsewhere" if len(runs) > MOST else ""
    return f"near {problem.coordinates[own[0]]} = {', '.join(middles)}{more}"
