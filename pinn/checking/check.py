"""Check a problem before it is solved: equations, conditions, sizes, cost, and what is doubtful."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import tensorflow as tf

from pinn.checking import conditions, corners, magnitudes, well_posed
from pinn.checking.dimensions import unlike_terms
from pinn.checking.equations import equation
from pinn.checking.report import Cost, Equation, Report
from pinn.checking.subject import Subject
from pinn.objective import Objective, PointSet
from pinn.optimizers import BFGS, SSBroyden
from pinn.setup.draws import Draws
from pinn.setup.setup import Setup

EVALUATIONS = 3  # of the loss, of which the fastest counts

CHECKS: tuple[Callable[[Subject], list[str]], ...] = (
    conditions.missing_and_doubled,
    conditions.undetermined_constants,
    well_posed.ill_posed,
    well_posed.unbalanced_flux,
    corners.disagreements,
    magnitudes.idle_coefficients,
    magnitudes.distant_sizes,
    magnitudes.fine_waves,
    magnitudes.early_end,
)
"""What looks for something doubtful, in the order of the warnings."""


def examine(setup: Setup, objective: Objective, data: PointSet | None) -> Report:
    """Return what is known of a setup before it runs, without its cost.

    Nothing is compiled, and nothing that a run draws or trains is changed.

    Args:
        setup: the setup, whose scales have been found.
        objective: its loss.
        data: its measurements.
    """
    problem = setup.problem
    measured = tuple(data.values) if data else ()
    subject = Subject.of(problem, objective, measured)
    warnings: list[str] = []
    for look in CHECKS:
        warnings += look(subject)
    unlike, note = unlike_terms(subject)
    active = {term.name for term in objective.terms}
    equations: list[Equation] = []
    for term in subject.terms:
        built_in = term.name not in active
        equations.append(Equation(term.name, term.region, equation(problem, term), built_in))
    sets = Draws(setup.points, objective, data, seed=setup.seed, problem=problem).sets(0, {})
    return Report(
        problem=type(problem).__name__,
        fields=problem.functions,
        coordinates=problem.coordinates,
        units=dict(problem.units),
        equations=tuple(equations),
        points={region: points.coordinates for region, points in sets.items()},
        orders=conditions.orders(problem, subject.equations),
        counts=tuple(conditions.counts(subject)),
        scales=None if setup.scales == "none" else objective.scales,
        notes=(note,) if note else (),
        warnings=(*warnings, *unlike),
    )


def measure(setup: Setup, objective: Objective, data: PointSet | None) -> Cost:
    """Return what an iteration costs, from a few evaluations of the loss and its gradient."""
    draws = Draws(setup.points, objective, data, seed=setup.seed)
    batch = draws.batch(0, {})
    theta = objective.flat.flatten()
    times: list[float] = []
    for _ in range(1 + EVALUATIONS):
        begin = time.perf_counter()
        loss, gradient = objective.value_and_gradient(theta, batch)
        float(loss + tf.reduce_sum(gradient))  # waits for a GPU
        times.append(time.perf_counter() - begin)
    evaluation = min(times[1:])
    quadratic = any(isinstance(phase.optimizer, BFGS | SSBroyden) for phase in setup.phases)
    size = objective.flat.size
    return Cost(
        compile=max(times[0] - evaluation, 0.0),
        evaluation=evaluation,
        memory=_peak_memory(),
        matrix=float(size) ** 2 * objective.flat.dtype.size if quadratic else 0.0,
        parameters=size,
    )


def _peak_memory() -> float:
    """Return the largest memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else 1024 * peak)
