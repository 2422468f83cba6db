"""Solve a problem: from a setup to a solution, a run folder, and back from the folder."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from pinn.errors import InputError
from pinn.objective import Objective
from pinn.problem import Problem
from pinn.record import History, Metrics, RunFolder
from pinn.run import checkpoint
from pinn.run import folder as run_folder
from pinn.run.course import Course, Leg
from pinn.run.metrics import metrics_of
from pinn.run.monitor import Monitor
from pinn.run.solution import Solution
from pinn.runtime import configure
from pinn.setup.config import describe
from pinn.setup.setup import Setup, default_network
from pinn.setup.stages import stages
from pinn.training.progress import Progress
from pinn.training.stopping import INTERRUPTED
from pinn.training.trainer import Callback, Trainer


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
        network: a Keras model from coordinates [n, d] to fields [n, k]; None: 3 layers of 20 tanh
            units.  Where there are windows of time, it sees the times of the first.
        folder: where config, history, checkpoint, metrics and figures go; None: nothing is written.
        callbacks: called with a Report after every chunk of iterations, in every phase.
        show: whether progress appears on the screen.
        device: "auto", "cpu" or "gpu".
        settings: the fields of `Setup`: phases, points, weights, scheme, constraints, derivatives,
            data, windows, continuation, last_layer, published, seed.

    Raises:
        InputError: for settings that do not fit, or a folder that cannot be written.
    """
    configure(dtype=network.dtype_policy.variable_dtype if network else "float64", device=device)
    first = stages(problem, settings.get("windows", 1), settings.get("continuation"))[0].problem
    network = network or default_network(first, seed=settings.get("seed", 0))
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
    course = Course(made, made.measurements())
    leg = course.enter(progress)
    run_folder.check(progress, made, leg.objective, folder)
    assert progress.state is not None
    theta = progress.state.best_position
    history = RunFolder(folder).read_history()
    batch = leg.draws.batch(progress.draw, progress.points)
    run_folder.check_weights(progress, leg.weighting, batch, folder)
    metrics = RunFolder(folder).read_metrics()
    return _solution(course, progress, theta, metrics=metrics, history=history, folder=folder)


def resume(
    folder: str | Path,
    *,
    overrides: Sequence[str] = (),
    show: bool = True,
    callbacks: Sequence[Callback] = (),
) -> Solution:
    """Go on with a run that was interrupted or killed, from its last checkpoint, bitwise.

    `overrides` such as "phases.polish.stop.max_iterations=8000" change the run's config and reopen
    its last phase, so that a finished run can be carried further.

    Raises:
        InputError: if the folder holds no run or its checkpoint is damaged; the run is left
            untouched.
    """
    with run_folder.owned(Path(folder)):
        made, progress, config = run_folder.read(Path(folder), overrides)
        RunFolder(Path(folder)).read_history()
        config = config if overrides else None
        return execute(
            made, folder=folder, config=config, progress=progress, show=show, callbacks=callbacks
        )


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

    `config` is what `config.yaml` is to hold beyond the setup's own description.  A run that fails
    before its first checkpoint leaves no file.
    """
    course = Course(made, made.measurements())
    leg = course.enter(progress or Progress())
    if progress is not None:
        run_folder.check(progress, made, leg.objective, folder)
        batch = leg.draws.batch(progress.draw, progress.points)
        run_folder.check_weights(progress, leg.weighting, batch, folder)
    last = course.leg(len(course.stages) - 1)  # has every term that an earlier stage has
    monitor = Monitor(
        last.objective, course.errors(), leg.heldout(), show=show, weighting=last.weighting
    )
    path = Path(folder) if folder is not None else None
    record = RunFolder(path) if path is not None else None
    fresh = record is not None and progress is None
    ending = contextlib.ExitStack()
    if path is not None and record is not None:
        kept = {**describe(made), **(config or {}), "dtype": leg.objective.dtype}
        if fresh:
            run_folder.create(path, kept, made.network)
            ending.enter_context(run_folder.owned(path))
        monitor.history = History.open(
            record.history, monitor.history.columns, keep=progress.rows if progress else 0
        )
        if config and progress is not None:
            # Reopened, so that a kill from here on is survived.
            checkpoint.save(record.checkpoint, progress)
            record.write_config(kept)
    monitor.before = progress.seconds if progress else 0.0

    def save(present: Progress) -> None:
        present.seconds = monitor.seconds()
        if record is not None:
            checkpoint.save(record.checkpoint, present)

    try:
        theta, progress = _go(course, progress or Progress(), monitor, [monitor, *callbacks], save)
    except BaseException:
        if path is not None and record is not None and fresh and not record.begun:
            run_folder.withdraw(path)
        raise
    finally:
        ending.close()
        if monitor.screen:
            monitor.screen.close()
    metrics = metrics_of(course, theta, progress, monitor)
    solution = _solution(
        course, progress, theta, metrics=metrics, history=monitor.history, folder=path
    )
    if path is not None and record is not None:
        run_folder.save_network(path, made.network)
        record.write_metrics(metrics)
        solution.save_figures()
    return solution


def _go(
    course: Course,
    progress: Progress,
    monitor: Monitor,
    callbacks: Sequence[Callback],
    save: Callable[[Progress], None],
) -> tuple[tf.Tensor, Progress]:
    """Run all stages from a progress on; return the last one's flat vector [p] and what was done."""
    trainers: dict[Leg, Trainer] = {}  # which keep what they have compiled
    while True:
        leg = course.enter(progress)
        objective = leg.objective
        if leg not in trainers:
            trainers[leg] = Trainer(
                objective.value_and_gradient,
                course.made.phases,
                leg.draws.batch,
                callbacks=callbacks,
                save=save,
                not_finite=lambda theta, batch, objective=objective: _blame(
                    objective, theta, batch
                ),
                squares=leg.squares,
                adapted=leg.draws.adapted,
                shapes=objective.flat.shapes,
                part=objective.part,
                weights=leg.weighting,
            )
        monitor.enter(course.stage.name, objective, course.errors(), leg.heldout(), leg.weighting)
        theta, progress = trainers[leg].run(
            course.start(), progress, phases=course.made.phases_of(course.number)
        )
        if course.finished or progress.records[-1].stop_reason == INTERRUPTED:
            return theta, progress
        progress.next_stage(theta.numpy())


def _solution(
    course: Course,
    progress: Progress,
    theta: tf.Tensor,
    *,
    metrics: Metrics | None,
    history: History,
    folder: Path | None,
) -> Solution:
    """Return the solution of all stages; the network has the weights of the last."""
    leg = course.leg()
    leg.objective.flat.assign(theta)
    weighting, batch = leg.weighting, leg.draws.batch(progress.draw, progress.points)
    return Solution(
        leg.objective,
        theta,
        metrics=metrics.to_json() if metrics else {},
        history=history,
        points=leg.draws.sets(progress.draw, progress.points),
        weights=weighting.point_weights(batch, progress.weights) if weighting else {},
        folder=folder,
        problem=course.made.problem,
        evaluator=course.evaluator,
    )


def _blame(objective: Objective, theta: tf.Tensor, batch: Any) -> None:
    """Raise an InputError that names the residual which is not finite."""
    problem = type(objective.problem).__name__
    for term, value in zip(objective.terms, objective.losses(theta, batch).numpy(), strict=True):
        if not math.isfinite(value):
            raise InputError(
                f"{problem}.{term.name}: the residual is {value} at the start on region {term.region!r}; "
                f"look for a division by zero, or a root or logarithm of a negative number."
            )
