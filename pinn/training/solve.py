"""Solve a problem: from a setup to a solution, a run folder, and back from the folder."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from pinn import metrics
from pinn.errors import InputError
from pinn.files import write_atomically
from pinn.objective import LeastSquares, Objective, standard_errors
from pinn.problem import Problem
from pinn.runtime import configure
from pinn.training import checkpoint
from pinn.training import folder as run_folder
from pinn.training.config import describe
from pinn.training.history import History
from pinn.training.monitor import Errors, Monitor
from pinn.training.points import Draws
from pinn.training.progress import Progress
from pinn.training.setup import Setup, default_network
from pinn.training.solution import Solution
from pinn.training.stopping import INTERRUPTED
from pinn.training.trainer import Callback, Trainer
from pinn.versions import versions
from pinn.weights import Weighting


def solve(
    problem: Problem,
    *,
    network: keras.Model | None = None,
    folder: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    show: bool = True,
    device: str = "auto",
    **settings: Any,
) -> Solution:
    """Solve a problem and return the solution.

    Args:
        problem: the problem.
        network: a Keras model from coordinates [n, d] to fields [n, k]; None: 3 layers of 20 tanh units.
        folder: where config, history, checkpoint, metrics and figures go; None: nothing is written.
        callbacks: called with a Report after every chunk of iterations, in every phase.
        show: whether progress appears on the screen.
        device: "auto", "cpu" or "gpu".
        settings: the fields of `Setup`: phases, points, weights, scheme, constraints, derivatives, data, published,
            seed.

    Raises:
        InputError: for settings that do not fit, or a folder that cannot be written.
    """
    configure(dtype=network.dtype_policy.variable_dtype if network else "float64", device=device)
    network = network or default_network(problem, seed=settings.get("seed", 0))
    try:
        made = Setup(problem=problem, network=network, **settings)
    except TypeError as error:
        raise InputError(f"solve: {str(error).replace('Setup.__init__() ', '')}") from None
    return execute(made, folder=folder, callbacks=callbacks, show=show)


def load(folder: str | Path) -> Solution:
    """Return the solution of a run from its folder.

    Raises:
        InputError: if the folder holds no run or its checkpoint is damaged.
    """
    folder = Path(folder)
    made, progress, _ = run_folder.read(folder)
    data = made.measurements()
    objective = made.objective(data)
    run_folder.check(progress, made, objective, folder)
    assert progress.state is not None
    theta = progress.state.best_position
    objective.flat.assign(theta)
    rows = run_folder.rows(folder)
    draws, weighting = Draws(made.points, objective, data, seed=made.seed), _weighting(made, objective)
    batch = draws.batch(progress.draw, progress.points)
    run_folder.check_weights(progress, weighting, batch, folder)
    return Solution(
        objective,
        theta,
        metrics=run_folder.stored_metrics(folder),
        history={c: [row[c] for row in rows] for c in (rows[0] if rows else {})},
        points=draws.sets(progress.draw, progress.points),
        weights=weighting.points(batch, progress.weights) if weighting else {},
        folder=folder,
    )


def resume(
    folder: str | Path, *, overrides: Sequence[str] = (), show: bool = True, callbacks: Sequence[Callback] = ()
) -> Solution:
    """Go on with a run that was interrupted or killed, from its last checkpoint, bitwise.

    `overrides` such as "phases.polish.stop.max_iterations=8000" change the run's config and reopen its last
    phase, so that a finished run can be carried further.

    Raises:
        InputError: if the folder holds no run or its checkpoint is damaged; the run is left untouched.
    """
    with run_folder.owned(Path(folder)):
        made, progress, config = run_folder.read(Path(folder), overrides)
        run_folder.rows(Path(folder))
        config = config if overrides else None
        return execute(made, folder=folder, config=config, progress=progress, show=show, callbacks=callbacks)


def execute(
    made: Setup,
    *,
    folder: str | Path | None = None,
    config: dict[str, Any] | None = None,
    progress: Progress | None = None,
    callbacks: Sequence[Callback] = (),
    show: bool = True,
) -> Solution:
    """Run a setup to its end, from a progress if there is one, and return the solution.

    `config` is what `config.yaml` is to hold beyond the setup's own description.  A run that fails before its
    first checkpoint leaves no file.
    """
    data = made.measurements()
    objective = made.objective(data)
    made.points.check(objective)
    draws, weighting = Draws(made.points, objective, data, seed=made.seed), _weighting(made, objective)
    if progress is not None:
        run_folder.check(progress, made, objective, folder)
        run_folder.check_weights(progress, weighting, draws.batch(progress.draw, progress.points), folder)
    errors = Errors(objective, made.points.test, seed=made.seed)
    heldout = made.points.batch(objective, made.points.held_out(objective, data, seed=made.seed))
    monitor = Monitor(objective, errors, heldout, show=show, weighting=weighting)
    path = Path(folder) if folder is not None else None
    fresh = path is not None and progress is None
    ending = contextlib.ExitStack()
    if path is not None:
        kept = {**describe(made), **(config or {}), "dtype": objective.dtype}
        if fresh:
            run_folder.create(path, kept, made.network)
            ending.enter_context(run_folder.owned(path))
        monitor.history = History(monitor.history.columns, path / "history.csv", keep=progress.rows if progress else 0)
        if config and progress is not None:
            checkpoint.save(path / "checkpoint.npz", progress)  # reopened, so that a kill from here on is survived
            run_folder.write_config(path / "config.yaml", kept)
    monitor.before = progress.seconds if progress else 0.0
    squares = LeastSquares(objective)

    def save(present: Progress) -> None:
        present.seconds = monitor.seconds()
        if path is not None:
            checkpoint.save(path / "checkpoint.npz", present)

    trainer = Trainer(
        objective.value_and_gradient,
        made.phases,
        draws.batch,
        callbacks=[monitor, *callbacks],
        save=save,
        not_finite=lambda theta, batch: _blame(objective, theta, batch),
        squares=squares,
        adapted=draws.adapted,
        shapes=objective.flat.shapes,
        part=objective.part,
        weights=weighting,
    )
    try:
        theta, progress = trainer.run(objective.flat.flatten(), progress)
    except BaseException:
        if path is not None and fresh and not (path / "checkpoint.npz").exists():
            run_folder.withdraw(path)
        raise
    finally:
        ending.close()
        if monitor.screen:
            monitor.screen.close()
    objective.flat.assign(theta)
    batch = draws.batch(progress.draw, progress.points)
    batch = weighting.weighted(batch, progress.weights) if weighting else batch
    solution = Solution(
        objective,
        theta,
        metrics=_metrics(made, squares, theta, errors, progress, monitor, batch),
        history=monitor.history.table(),
        points=draws.sets(progress.draw, progress.points),
        weights=weighting.points(batch, progress.weights) if weighting else {},
        folder=path,
    )
    if path is not None:
        run_folder.save_network(path, made.network)
        text = json.dumps(solution.metrics, indent=2, allow_nan=True) + "\n"
        write_atomically(path / "metrics.json", lambda file: file.write(text.encode()))
        solution.save_figures()
    return solution


def _weighting(made: Setup, objective: Objective) -> Weighting | None:
    return Weighting(made.scheme, objective, seed=made.seed) if made.scheme else None


def _blame(objective: Objective, theta: tf.Tensor, batch: Any) -> None:
    """Raise an InputError that names the residual which is not finite."""
    problem = type(objective.problem).__name__
    for term, value in zip(objective.terms, objective.losses(theta, batch).numpy(), strict=True):
        if not math.isfinite(value):
            raise InputError(
                f"{problem}.{term.name}: the residual is {value} at the start on region {term.region!r}; "
                f"look for a division by zero, or a root or logarithm of a negative number."
            )


def _metrics(
    made: Setup,
    squares: LeastSquares,
    theta: tf.Tensor,
    errors: Errors,
    progress: Progress,
    monitor: Monitor,
    batch: Any,
) -> dict[str, Any]:
    objective = squares.objective
    loss, _ = objective.value_and_gradient(theta, batch)
    gauge = errors.gauges(errors.evaluator(theta, errors.points)) if made.problem.gauge else {}
    return {
        "problem": type(made.problem).__name__,
        "finished": progress.records[-1].stop_reason != INTERRUPTED,
        "relative_l2": errors.relative_l2(theta),
        "max_error": errors.max_error(theta),
        "reference_error": made.problem.reference_error(),
        "published": made.published,
        "loss": float(loss),
        "heldout_loss": monitor.heldout_loss(theta, progress.weights),
        "unknowns": _unknowns(squares, theta, batch),
        "phases": [
            {
                "name": r.name,
                "minimizer": r.minimizer,
                "iterations": r.iterations,
                "evaluations": r.evaluations,
                "restarts": r.restarts,
                "seconds": r.seconds,
                "stop_reason": r.stop_reason,
            }
            for r in progress.records
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


def _unknowns(squares: LeastSquares, theta: tf.Tensor, batch: Any) -> dict[str, dict[str, float | None]]:
    """Return what was found of every unknown coefficient, beside the truth."""
    problem, uncertain = squares.objective.problem, standard_errors(squares, theta, batch) or {}
    found: dict[str, dict[str, float | None]] = {}
    for name, value in squares.objective.coefficients(theta).items():
        truth, estimate = float(getattr(problem, name)), float(value)
        found[name] = {
            "estimate": estimate,
            "standard_error": uncertain.get(name),
            "truth": truth,
            "relative_error": metrics.relative_error(estimate, truth),
        }
    return found


def _told_weights(made: Setup, progress: Progress, monitor: Monitor, batch: Any) -> dict[str, Any] | None:
    """Return which scheme had the weights follow, in which phases they were frozen, and where they ended."""
    if monitor.weighting is None:
        return None
    frozen = [p.name for p in made.phases[: len(progress.records)] if not p.minimizer.single_steps]
    return {
        "scheme": monitor.weighting.scheme.label,
        "frozen_in": frozen,
        "last": monitor.weighting.row(batch, progress.weights),
    }


def _device() -> str:
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))
    return f"{platform.machine()} CPU, {os.cpu_count()} cores"
