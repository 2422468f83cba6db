"""Check a problem before it is solved: equations, conditions, sizes, cost, and what is doubtful."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pinn.checking import conditions, corners, magnitudes, well_posed
from pinn.checking.cost import cost
from pinn.checking.dimensions import unlike_terms
from pinn.checking.equations import equation
from pinn.checking.report import Equation, Report
from pinn.checking.subject import Subject
from pinn.checking.unmeasured import undetermined_unknowns
from pinn.errors import InputError, did_you_mean
from pinn.objective import DataSets, Objective
from pinn.problem import Problem
from pinn.runtime import configure
from pinn.setup.draws import Draws
from pinn.setup.setup import Setup, setup_of

CHECKS: tuple[Callable[[Subject], list[str]], ...] = (
    conditions.missing_and_doubled,
    conditions.undetermined_constants,
    undetermined_unknowns,
    well_posed.ill_posed,
    well_posed.unbalanced_flux,
    corners.disagreements,
    magnitudes.idle_coefficients,
    magnitudes.distant_sizes,
    magnitudes.fine_waves,
    magnitudes.early_end,
)
"""What looks for something doubtful, in the order of the warnings."""

ADVICE = (magnitudes.distant_sizes, magnitudes.fine_waves)
"""Those that look for what makes a problem hard, and not wrong."""


def check(
    problem: Problem, *, picture: str | Path | None = None, device: str = "auto", **settings: Any
) -> Report:
    """Check a problem without solving it: equations, conditions, sizes, cost, what is doubtful.

    Args:
        problem: the problem.
        picture: a PNG file for the points of all regions; None: no picture.
        device: "auto", "cpu" or "gpu".
        settings: those of `solve`, from `network` to `seed`.

    Raises:
        InputError: for settings that do not fit, or a picture that cannot be written.
    """
    configure(device=device)
    known = inspect.signature(Setup).parameters
    for name in settings:
        if name not in known:
            raise InputError(f"check: unknown setting {name!r}.{did_you_mean(name, known)}")
    return check_setup(setup_of(problem, **settings), picture=picture)


def check_setup(setup: Setup, *, picture: str | Path | None = None) -> Report:
    """Return the report on a setup, with its cost; `picture` as in `check`."""
    data = setup.measurements()
    setup = setup.with_scales(data)
    objective = setup.objective(data)
    report = examine(setup, objective, data)
    if picture is not None:
        report.save_picture(picture)
    return dataclasses.replace(report, cost=cost(setup, objective, report.points))


def examine(setup: Setup, objective: Objective, data: DataSets | None) -> Report:
    """Return what is known of a setup before it runs, without its cost.

    Nothing is compiled, and nothing that a run draws or trains is changed.

    Args:
        setup: the setup, whose scales have been found.
        objective: its loss.
        data: its measurements, by region.
    """
    problem = setup.problem
    measured = [name for points in (data or {}).values() for name in points.values]
    subject = Subject.of(problem, objective, measured)
    warnings: list[str] = []
    found: dict[Callable[[Subject], list[str]], list[str]] = {}
    for look in CHECKS:
        found[look] = look(subject)
        warnings += found[look]
    unlike, note = unlike_terms(subject)
    active = {term.name for term in objective.terms}
    equations: list[Equation] = []
    joining = [term for term in objective.terms if not term.is_method]
    for term in (*subject.terms, *joining):
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
        starts=tuple(moved_starts(objective)),
        notes=(note,) if note else (),
        jumps=bool(found[corners.disagreements]),
        log_axes=problem.log_axes,
        warnings=(*warnings, *unlike),
        advice=tuple(line for look in ADVICE for line in found[look]),
    )


def moved_starts(objective: Objective) -> list[str]:
    """Return a line for every unknown coefficient whose start the run has moved."""
    lines = []
    for name, unknown in objective.searched.items():
        given = objective.problem.unknowns[name].start
        if unknown.start != given:
            lines.append(
                f"{name} starts at {unknown.start:.3g}: at {given:g} the equations do not depend "
                "on it, or on nothing else"
            )
    return lines
