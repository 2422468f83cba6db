"""The metrics of a run, gathered from its stages and its progress."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import partial
from typing import Any

import tensorflow as tf

from pinn import norms
from pinn.arrays import Array
from pinn.checking import Report
from pinn.conf_folders import package_of
from pinn.objective import (
    Batch,
    DataSets,
    Objective,
    StandardErrors,
    standard_errors,
    undetermined,
)
from pinn.problem import Problem
from pinn.record import (
    Metrics,
    MisfitMetrics,
    OpenMetrics,
    PhaseMetrics,
    PosteriorMetrics,
    TimeMetrics,
    UnknownMetrics,
    WeightMetrics,
)
from pinn.run.blind_spots import blind_spots
from pinn.run.error_estimate import ErrorEstimate, large_errors
from pinn.run.errors import Errors, Evaluate
from pinn.run.fine_waves import fine_waves
from pinn.run.misfits import misfits, unfitted, unpredicted
from pinn.run.mode_solutions import mode_metrics
from pinn.run.modes import doubtful_modes
from pinn.run.remaining import doubts, remaining, trivial
from pinn.run.stage_run import EvaluateNames, StageRun
from pinn.run.stage_runs import StageRuns
from pinn.run.verdict import verdict
from pinn.setup.setup import Setup
from pinn.training.progress import Progress
from pinn.uncertainty import Posterior, doubtful_draws
from pinn.versions import cores, versions

_PACKAGES = ("pinn", "tensorflow", "keras", "tensorflow-probability", "numpy")


def metrics_of(
    stage_runs: StageRuns,
    stage_run: StageRun,
    progress: Progress,
    report: Report,
    estimate: ErrorEstimate | None = None,
) -> Metrics:
    """Return the metrics of a run that has ended, or was interrupted.

    Args:
        stage_runs: all stages of the run.
        stage_run: the last stage that was run.
        progress: what the run has done.
        report: what was found about the problem before it was solved.
        estimate: the estimated error; None where there is none.
    """
    setup = stage_runs.setup
    objective = stage_run.objective
    theta = progress.best
    errors = stage_runs.all_errors()
    solution = stage_runs.solution(progress, theta)
    evaluate = partial(solution, setup.problem.functions)
    batch = stage_run.batch(progress)
    left = remaining(stage_runs, stage_run, progress, theta)
    estimated = estimate.relative(errors.points) if estimate else {}
    posterior = estimate.posterior if estimate else None
    modes = mode_metrics(stage_runs, progress)
    off = misfits(setup.problem, stage_runs.data, solution)
    told = [*report.warnings, *doubts(left), *large_errors(estimated)]
    told += _doubtful_fields(setup, stage_run, theta, solution, errors.points, left)
    loose = blind_spots(objective, theta, solution)
    told += [*_open(stage_run, theta, batch, estimate), *loose.values()]
    told += [*doubtful_modes(setup, modes), *doubtful_draws(posterior)]
    told += _unfitted(stage_runs.data, off, estimate, batch)
    advice, finished = [*report.advice, *_loose(estimate, loose)], not progress.interrupted
    return Metrics(
        problem=type(setup.problem).__name__,
        finished=finished,
        **_errors(errors, evaluate),
        estimated_error=estimated,
        verdict=verdict(told, estimated, left, advice=advice, finished=finished),
        **_openness(estimate),
        warnings=told,
        remaining=left,
        loss=float(objective.value(theta, batch)),
        heldout_loss=stage_run.held_out_loss(theta, stage_run.draws.held_out(), progress.weights),
        integrals=_integrals(setup.problem, solution, errors),
        unknowns=_unknowns(stage_run, theta, batch, setup.truths, posterior),
        uncertainty=_uncertainty(posterior),
        modes=modes,
        misfits=off,
        phases=_phases(progress),
        weights=_weights(setup, stage_run, progress, batch),
        seconds=TimeMetrics(compile=progress.compile_seconds, total=progress.seconds),
        **_circumstances(setup, objective),
    )


def _errors(errors: Errors, evaluate: Evaluate) -> dict[str, Any]:
    """Return the errors against the reference."""
    return {
        "relative_l2": errors.relative_l2(evaluate),
        "max_error": errors.max_error(evaluate),
        "by_parameter": errors.by_parameter(evaluate),
        "gauge": {name: series.tolist() for name, series in errors.gauges(evaluate).items()},
    }


def _circumstances(setup: Setup, objective: Objective) -> dict[str, Any]:
    """Return what a run was made with and on."""
    return {
        "reference_error": setup.problem.checked_reference_error(),
        "published": setup.published,
        "scales": setup.plain_scales,
        "units": dict(setup.problem.units),
        "parameters": objective.flat.size,
        "seed": setup.seed,
        "dtype": objective.dtype,
        "device": _device(),
        "versions": versions(*_PACKAGES, *_registered(setup.problem)),
    }


def _registered(problem: Problem) -> list[str]:
    """Return the installed package that a problem comes from, where it is registered."""
    package = package_of(type(problem).__module__)
    return [package.name] if package else []


def _openness(estimate: ErrorEstimate | None) -> dict[str, Any]:
    """Return how far residuals let the solution change, and what none of them determines."""
    if estimate is None:
        return {}
    opened = estimate.open_directions
    directions: list[OpenMetrics] = []
    for d in opened.found:
        functions, unknowns = dict(d.functions), dict(d.unknowns)
        directions.append(OpenMetrics(residual=d.residual, functions=functions, unknowns=unknowns))
    return {"amplification": opened.amplification, "undetermined": directions}


def _open(
    stage_run: StageRun,
    theta: tf.Tensor,
    batch: Batch,
    estimate: ErrorEstimate | None,
) -> list[str]:
    """Return a warning for what nothing determines."""
    if estimate is not None:
        return list(estimate.open_directions.lines().values())
    warnings: list[str] = []
    for name in undetermined(stage_run.programs.least_squares, theta, batch):
        warnings.append(
            f"{name}: equations and conditions do not determine it, other values fit as well; give "
            "measurements, or a further condition."
        )
    return warnings


def _loose(estimate: ErrorEstimate | None, loose: Mapping[str, str]) -> list[str]:
    """Return the warnings for unknown fields that equations determine, but for known places."""
    lines = estimate.open_directions.lines() if estimate else {}
    known = loose.keys()
    opened = [line for (fields, rest), line in lines.items() if not rest and known >= set(fields)]
    return [*loose.values(), *opened]


def _doubtful_fields(
    setup: Setup,
    stage_run: StageRun,
    theta: tf.Tensor,
    solution: EvaluateNames,
    points: Array,
    left: Mapping[str, float],
) -> list[str]:
    """Return warnings where all functions are constant at points [n, d], or fine waves grow."""
    warnings: list[str] = []
    if setup.scales != "none":
        values = dict(solution(setup.problem.functions, points))
        warnings += trivial(values, stage_run.scales.fields)
    return warnings + fine_waves(setup.problem, stage_run.objective, theta, solution, left)


def _unfitted(
    data: DataSets,
    off: Mapping[str, Mapping[str, MisfitMetrics]],
    estimate: ErrorEstimate | None,
    batch: Batch,
) -> list[str]:
    """Return a warning for measurements that are not fitted, or only one by one."""
    warnings = unfitted(data, off)
    if estimate is not None:
        objective = estimate.stage_run.objective
        warnings += unpredicted(objective, data, off, estimate.fit.left_out())
    return warnings


def _integrals(problem: Problem, solution: EvaluateNames, errors: Errors) -> dict[str, float]:
    """Return the values of the integrals that depend on no coordinate."""
    numbers = [name for name, found in problem.integrals.items() if found.is_number]
    anywhere = errors.points[:1]
    values = solution(numbers, anywhere) if numbers else {}
    return {name: float(value[0]) for name, value in values.items()}


def _unknowns(
    stage_run: StageRun,
    theta: tf.Tensor,
    batch: Batch,
    truths: Mapping[str, float | None],
    posterior: Posterior | None,
) -> dict[str, UnknownMetrics]:
    """Return the estimate of every unknown, with its error where the truth is known."""
    intervals: dict[str, list[float]] = {}
    if posterior is None:
        found = standard_errors(stage_run.programs.least_squares, theta, batch)
    else:
        found = posterior.standard_errors
        intervals = posterior.intervals
    found = found or StandardErrors({}, {})
    unknowns: dict[str, UnknownMetrics] = {}
    for name, value in stage_run.objective.coefficients(theta).items():
        estimate = float(value)
        truth = truths[name]
        unknowns[name] = UnknownMetrics(
            estimate=estimate,
            standard_error=found.errors.get(name),
            correlations=found.correlations.get(name, {}),
            interval=intervals.get(name, []),
            truth=truth,
            relative_error=None if truth is None else norms.relative_error(estimate, truth),
        )
    return unknowns


def _uncertainty(posterior: Posterior | None) -> PosteriorMetrics | None:
    """Return how good draws of the parameters are."""
    if posterior is None:
        return None
    return PosteriorMetrics(
        draws=len(posterior.draws),
        effective=posterior.effective,
        acceptance=posterior.acceptance,
        divergences=posterior.divergences,
    )


def _phases(progress: Progress) -> list[PhaseMetrics]:
    """Return what every phase did, over all stages."""
    phases: list[PhaseMetrics] = []
    for record in (*progress.past, *progress.records):
        phases.append(
            PhaseMetrics(
                name=record.name,
                stage=record.stage,
                optimizer=record.optimizer,
                iterations=record.iterations,
                evaluations=record.evaluations,
                restarts=record.restarts,
                seconds=record.seconds,
                stop_reason=str(record.stop_reason),
            )
        )
    return phases


def _weights(
    setup: Setup, stage_run: StageRun, progress: Progress, batch: Batch
) -> WeightMetrics | None:
    """Return the weighting scheme, the phases in which it was frozen, and the last weights."""
    weighting = stage_run.weighting
    if weighting is None:
        return None
    begun = setup.phases[: len(progress.records)]
    return WeightMetrics(
        scheme=weighting.scheme.label,
        frozen_in=[phase.name for phase in begun if not phase.optimizer.single_steps],
        last=weighting.row(batch, progress.weights),
    )


def _device() -> str:
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))
    return f"{platform.machine()} CPU, {cores()} cores"
