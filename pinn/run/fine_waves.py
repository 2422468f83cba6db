"""Whether fine waves grow in a solution, so that small residuals may hide large errors.

A network that has no fine waves in some place has none to correct there either, so that no step of
its parameters sees errors of that kind.  Where an equation makes fine waves grow, as where phases
separate, such an error becomes as large as the solution, and residuals stay small.

At a point of the solution, the equations are linear in a small wave δ exp(i k x + σ t), whose rate
of growth σ follows from their derivatives by all that they take (Cross & Hohenberg 1993,
doi:10.1103/RevModPhys.65.851).  What grows without waves, or carries them along, is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.derivatives import Symbol
from pinn.objective import Objective, draw
from pinn.problem import Problem, Term
from pinn.run.remaining import UNSOLVED
from pinn.run.slopes import slopes
from pinn.run.stage_run import EvaluateNames

PLACES = 64
TIMES = 33  # at every place
WAVES = 2.0 ** np.arange(0, 8.5, 0.5)  # half waves across the domain, in every direction
LARGE = 0.5  # an error, over the solution's size, that fine waves may have made
MOST = 300.0  # of a logarithm of growth

Slopes = Sequence[Mapping[str, Array]]
"""The derivatives [n] of every equation by what it takes, by name."""


def fine_waves(
    problem: Problem,
    objective: Objective,
    theta: tf.Tensor,
    evaluate: EvaluateNames,
    remaining: Mapping[str, float],
) -> list[str]:
    """Return a line where fine waves may have grown from the residuals to a large error.

    Where residuals are so large that the equations are not solved, nothing is said.

    Args:
        problem: the problem over all windows.
        objective: the loss.
        theta: the vector [p].
        evaluate: (names, points [n, d]) -> values [n] by name, of the solution.
        remaining: the rms of every residual over its typical size, by term.
    """
    equations = [term for term in objective.terms if term.region == "interior"]
    left = max(remaining.values(), default=0.0)
    if not left <= UNSOLVED or not _is_evolution(problem, equations):
        return []
    # At typical derivatives first: to compile those of the solution takes seconds.
    for found in (_typical(problem, evaluate), evaluate):
        at_places = partial(_slopes_of, objective, theta, found, equations)
        growth, wave = _growth(problem, equations, at_places)
        if not left * math.expm1(min(growth, MOST)) > LARGE:
            return []
    return [
        f"fine waves grow, by e^{growth:.0f} where they do most (wavelength {wave:.2g}): residuals "
        f"of {100 * left:.1g} % may have become large errors, which the estimated error does not "
        "see; solve to smaller residuals, with more points or a wider network, and compare two "
        "runs."
    ]


def _is_evolution(problem: Problem, equations: Sequence[Term]) -> bool:
    """Return whether there is one local equation per field, in space and time."""
    if problem.time is None or not problem.space.coordinates or problem.unknown_fields:
        return False
    fields: set[str] = set()
    for symbol in chain.from_iterable(term.symbols for term in equations):
        if symbol.kind == "coordinate":
            continue
        if symbol.kind not in ("derivative", "laplacian"):
            return False
        fields.add(symbol.field)
    return fields == set(problem.fields) and len(fields) == len(equations)


def _slopes_of(
    objective: Objective,
    theta: tf.Tensor,
    evaluate: EvaluateNames,
    equations: Sequence[Term],
    points: Array,
) -> Slopes:
    """Return the derivatives [n] of every equation at points [n, d]."""
    return [slopes(objective, theta, evaluate, term, points) for term in equations]


def _typical(problem: Problem, evaluate: EvaluateNames) -> EvaluateNames:
    """Return a function like `evaluate`, with random derivatives of typical size.

    These are derivatives of half a wave across the domain.
    """

    def values(names: Sequence[str], points: Array) -> dict[str, Array]:
        rng = np.random.default_rng(0)
        fields = evaluate(problem.fields, points)
        found: dict[str, Array] = {}
        for name in names:
            symbol = problem.symbol(name, type(problem).__name__)
            value = fields[symbol.field]
            if symbol.kind == "laplacian":
                rate = sum(_rate(problem, c) ** 2 for c in problem.space.coordinates)
            else:
                rate = math.prod(_rate(problem, c) for c in symbol.index)
            random = np.std(value) * rate * rng.standard_normal(len(value))
            found[name] = random if symbol.index or symbol.kind == "laplacian" else value
        return found

    return values


def _rate(problem: Problem, coordinate: str) -> float:
    """Return the wave number of half a wave across the domain."""
    lower, upper = problem.ranges[coordinate]
    return math.pi / (upper - lower)


def _growth(
    problem: Problem, equations: Sequence[Term], at_places: Callable[[Array], Slopes]
) -> tuple[float, float]:
    """Return the largest logarithm of growth at any place, and the wavelength that grows so.

    Args:
        problem: the problem.
        equations: its equations.
        at_places: from points [n, d] to the derivatives [n] of every equation.
    """
    assert problem.time is not None
    times = np.linspace(*problem.time, TIMES)
    points = np.repeat(draw(problem, "interior", PLACES).coordinates, TIMES, axis=0)
    points[:, -1] = np.tile(times, PLACES)
    found = at_places(points)
    still = _rates(problem, equations, found, "", 0.0)
    best = (0.0, math.inf)
    if still is None:
        return best
    for axis in problem.space.coordinates:
        for number in _rate(problem, axis) * WAVES:
            rates = _rates(problem, equations, found, axis, number)
            assert rates is not None
            excess = np.maximum(rates - np.maximum(still, 0.0), 0.0).reshape(PLACES, TIMES)
            grown = float(np.max(np.trapezoid(excess, times, axis=1)))
            best = max(best, (grown, 2 * np.pi / number), key=lambda pair: pair[0])
    return best


def _rates(
    problem: Problem,
    equations: Sequence[Term],
    found: Slopes,
    axis: str,
    number: float,
) -> Array | None:
    """Return the largest rate of growth [n] of a wave; None where a field has no rate of its own.

    Args:
        problem: the problem.
        equations: its equations.
        found: the derivatives [n] of every equation, by name of what it takes.
        axis: the coordinate along which the wave runs.
        number: its wave number.
    """
    size = len(problem.fields)
    order = max(term.order_in_time for term in equations)
    count = len(next(iter(found[0].values())))
    powers = np.zeros((order + 1, count, size, size), complex)
    for i, term in enumerate(equations):
        for symbol in term.symbols:
            if symbol.field:
                j = problem.fields.index(symbol.field)
                factor = _factor(symbol, axis, number)
                powers[symbol.index.count("t"), :, i, j] += factor * found[i][symbol.name]
    # 1. Every field has a derivative by time in the equations, as pressures have none.
    if order == 0 or np.any(np.abs(np.linalg.det(powers[order])) == 0):
        return None
    # 2. The companion matrix of the polynomial in σ.
    companion = np.zeros((count, order * size, order * size), complex)
    companion[:, :-size, size:] = np.eye((order - 1) * size)
    for m in range(order):
        block = -np.linalg.solve(powers[order], powers[m])
        companion[:, -size:, m * size : (m + 1) * size] = block
    return np.linalg.eigvals(companion).real.max(axis=1)


def _factor(symbol: Symbol, axis: str, number: float) -> complex:
    """Return what a derivative by the coordinates of space makes of a wave along an axis."""
    if symbol.kind == "laplacian":
        return -(number**2)
    along = symbol.index.count(axis)
    others = len(symbol.index) - along - symbol.index.count("t")
    return 0.0 if others else (1j * number) ** along
