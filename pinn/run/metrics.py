"""The metrics of a run, gathered from its objective, its progress and its monitor."""

from __future__ import annotations

import platform

import tensorflow as tf

from pinn import norms
from pinn.objective import Batch, LeastSquares, standard_errors
from pinn.record import Metrics, PhaseMetrics, TimeMetrics, UnknownMetrics, WeightMetrics
from pinn.run.course import Course
from pinn.run.monitor import Errors, Monitor
from pinn.setup.setup import Setup
from pinn.training.progress import Progress
from pinn.training.stopping import INTERRUPTED
from pinn.versions import cores, versions


def metrics_of(course: Course, theta: tf.Tensor, progress: Progress, monitor: Monitor) -> Metrics:
    """Return the metrics of a run that has ended, or was interrupted, at parameters theta [p]."""
    setup = course.made
    leg = course.leg()
    errors = course.all_errors()
    batch = leg.batch(progress)
    loss, _ = leg.objective.value_and_gradient(theta, batch)
    return Metrics(
        problem=type(setup.problem).__name__,
        finished=progress.records[-1].stop_reason != INTERRUPTED,
        relative_l2=errors.relative_l2(theta),
        max_error=errors.max_error(theta),
        reference_error=setup.problem.reference_error(),
        published=setup.published,
        loss=float(loss),
        heldout_loss=monitor.heldout_loss(theta, progress.weights),
        unknowns=_unknowns(leg.squares, theta, batch),
        phases=_phases(course, progress),
        weights=_weights(setup, progress, monitor, batch),
        seconds=TimeMetrics(compile=progress.compile_seconds, total=progress.seconds),
        parameters=leg.objective.flat.size,
        gauge=_gauge(errors, theta),
        seed=setup.seed,
        dtype=leg.objective.dtype,
        device=_device(),
        versions=versions("pinn", "tensorflow", "keras", "tensorflow-probability", "numpy"),
    )


def _unknowns(squares: LeastSquares, theta: tf.Tensor, batch: Batch) -> dict[str, UnknownMetrics]:
    """Return the estimate of every unknown coefficient, with the truth and its errors."""
    problem = squares.objective.problem
    uncertainty = standard_errors(squares, theta, batch) or {}
    unknowns: dict[str, UnknownMetrics] = {}
    for name, value in squares.objective.coefficients(theta).items():
        estimate = float(value)
        truth = float(getattr(problem, name))
        unknowns[name] = UnknownMetrics(
            estimate=estimate,
            standard_error=uncertainty.get(name),
            truth=truth,
            relative_error=norms.relative_error(estimate, truth),
        )
    return unknowns


def _phases(course: Course, progress: Progress) -> list[PhaseMetrics]:
    """Return what every phase did, over all stages."""
    stages: list[str] = []  # per phase, the name of its stage
    for number, stage in enumerate(course.stages):
        stages += [stage.name] * len(course.made.phases_of(number))
    records = [*progress.past, *progress.records]
    phases: list[PhaseMetrics] = []
    for record, stage in zip(records, stages[: len(records)], strict=True):
        phases.append(
            PhaseMetrics(
                name=record.name,
                stage=stage,
                optimizer=record.optimizer,
                iterations=record.iterations,
                evaluations=record.evaluations,
                restarts=record.restarts,
                seconds=record.seconds,
                stop_reason=record.stop_reason,
            )
        )
    return phases


def _weights(
    setup: Setup, progress: Progress, monitor: Monitor, batch: Batch
) -> WeightMetrics | None:
    """Return the weighting scheme, the phases in which it was frozen, and the last weights."""
    if monitor.weighting is None:
        return None
    begun = setup.phases[: len(progress.records)]
    return WeightMetrics(
        scheme=monitor.weighting.scheme.label,
        frozen_in=[phase.name for phase in begun if not phase.optimizer.single_steps],
        last=monitor.weighting.row(batch, progress.weights),
    )


def _gauge(errors: Errors, theta: tf.Tensor) -> dict[str, list[float]]:
    """Return the Chebyshev coefficients of what is added to every field that has a gauge."""
    if not errors.problem.gauge:
        return {}
    series = errors.gauges(errors.evaluator(theta, errors.points))
    return {name: coefficients.tolist() for name, coefficients in series.items()}


def _device() -> str:
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))
    return f"{platform.machine()} CPU, {cores()} cores"
