"""What a run has found, as plain values: the contents of metrics.json."""

from __future__ import annotations

import platform
from typing import Any

import tensorflow as tf

from pinn import norms
from pinn.objective import LeastSquares, standard_errors
from pinn.run.course import Course
from pinn.run.monitor import Monitor
from pinn.setup.setup import Setup
from pinn.training.progress import Progress
from pinn.training.stopping import INTERRUPTED
from pinn.versions import cores, versions


def metrics_of(
    course: Course, theta: tf.Tensor, progress: Progress, monitor: Monitor
) -> dict[str, Any]:
    """Return what metrics.json says of a run that ended, or was interrupted, at a flat vector [p]."""
    made, leg, errors = course.made, course.leg(), course.all_errors()
    objective, batch = leg.objective, leg.batch(progress)
    loss, _ = objective.value_and_gradient(theta, batch)
    gauge = errors.gauges(errors.evaluator(theta, errors.points)) if made.problem.gauge else {}
    records = [*progress.past, *progress.records]
    names = [stage.name for i, stage in enumerate(course.stages) for _ in made.phases_of(i)]
    return {
        "problem": type(made.problem).__name__,
        "finished": progress.records[-1].stop_reason != INTERRUPTED,
        "relative_l2": errors.relative_l2(theta),
        "max_error": errors.max_error(theta),
        "reference_error": made.problem.reference_error(),
        "published": made.published,
        "loss": float(loss),
        "heldout_loss": monitor.heldout_loss(theta, progress.weights),
        "unknowns": _unknowns(leg.squares, theta, batch),
        "phases": [
            {
                "name": r.name,
                **({"stage": stage} if stage else {}),
                "optimizer": r.optimizer,
                "iterations": r.iterations,
                "evaluations": r.evaluations,
                "restarts": r.restarts,
                "seconds": r.seconds,
                "stop_reason": r.stop_reason,
            }
            for r, stage in zip(records, names[: len(records)], strict=True)
        ],
        "weights": _told_weights(made, progress, monitor, batch),
        "seconds": {"compile": progress.compile_seconds, "total": progress.seconds},
        "parameters": objective.flat.size,
        "gauge": {name: series.tolist() for name, series in gauge.items()},
        "seed": made.seed,
        "dtype": objective.dtype,
        "device": _device(),
        "versions": versions("pinn", "tensorflow", "keras", "tensorflow-probability", "numpy"),
    }


def _unknowns(
    squares: LeastSquares, theta: tf.Tensor, batch: Any
) -> dict[str, dict[str, float | None]]:
    """Return what was found of every unknown coefficient, beside the truth."""
    problem, uncertain = squares.objective.problem, standard_errors(squares, theta, batch) or {}
    found: dict[str, dict[str, float | None]] = {}
    for name, value in squares.objective.coefficients(theta).items():
        truth, estimate = float(getattr(problem, name)), float(value)
        found[name] = {
            "estimate": estimate,
            "standard_error": uncertain.get(name),
            "truth": truth,
            "relative_error": norms.relative_error(estimate, truth),
        }
    return found


def _told_weights(
    made: Setup, progress: Progress, monitor: Monitor, batch: Any
) -> dict[str, Any] | None:
    """Return which scheme had the weights follow, in which phases they were frozen, and where they ended."""
    if monitor.weighting is None:
        return None
    frozen = [p.name for p in made.phases[: len(progress.records)] if not p.optimizer.single_steps]
    return {
        "scheme": monitor.weighting.scheme.label,
        "frozen_in": frozen,
        "last": monitor.weighting.row(batch, progress.weights),
    }


def _device() -> str:
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))
    return f"{platform.machine()} CPU, {cores()} cores"
