"""Solve a problem: from a setup to a solution and a run folder, and back from the folder."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import keras
import tensorflow as tf

from pinn.checking import examine
from pinn.errors import ProblemWarning
from pinn.measurements import Given
from pinn.objective import Batch, Scales
from pinn.optimizers.interface import Minimization
from pinn.plotting import save_data_figure
from pinn.problem import Problem
from pinn.record import History, Metrics, RunFolder
from pinn.run import folder as run_folder
from pinn.run.error_estimate import ErrorEstimate, error_estimate
from pinn.run.metrics import metrics_of
from pinn.run.misfits import measured_columns
from pinn.run.mode_solutions import mode_solutions
from pinn.run.monitor import Clock, Monitor, columns
from pinn.run.rehearsal import explain_not_finite, rehearse
from pinn.run.screen import Screen
from pinn.run.solution import Solution
from pinn.run.stage_run import Programs, StageRun
from pinn.run.stage_runs import StageRuns
from pinn.runtime import configure
from pinn.setup.config import describe
from pinn.setup.points import Points
from pinn.setup.setup import Constraints, Setup, setup_of
from pinn.setup.stages import Continuation, Windows
from pinn.training.feed import Feed
from pinn.training.progress import Progress
from pinn.training.trainer import Callback, Phase, Trainer
from pinn.uncertainty import HMC
from pinn.weights import Scheme

Save = Callable[[Progress], None]


def solve(
    problem: Problem,
    *,
    network: keras.Model | None = None,
    phases: Sequence[Phase] | None = None,
    points: Points | None = None,
    weights: Mapping[str, float] | None = None,
    scheme: Scheme | None = None,
    scales: Literal["auto", "none"] | Scales = "auto",
    constraints: Constraints = "auto",
    derivatives: Literal["auto", "taylor", "nested"] = "auto",
    data: Given | None = None,
    windows: Windows = "auto",
    continuation: Continuation | None = None,
    modes: int = 1,
    last_layer: Literal["drawn", "fitted"] | None = None,
    uncertainty: HMC | None = None,
    published: Mapping[str, Any] | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    show: bool = True,
    device: str = "auto",
) -> Solution:
    """Solve a problem and return the solution.

    Args:
        problem: the problem.
        network: a Keras model from coordinates [n, d] to fields [n, k]; None: 3 layers of 20 tanh
            units.  In windows of time it sees the times of the first window, and of a parameter
            with a logarithmic scale the logarithm.
        phases: optimizers, when each stops, and how often each reports; None: `two_phases()` and
            `correction()`.
        points: how many points there are, and how they are drawn; None: `Points()`.
        weights: weight by residual; 1 for residuals that are not named.
        scheme: how the weights follow the training; None: they are fixed.
        scales: the typical sizes of fields and residuals: "auto" finds them before training, "none"
            takes all to be one; what is given is kept.
        constraints: "hard" builds conditions into the ansatz, "soft" leaves them in the loss;
            "auto" is hard where the problem has an ansatz.
        derivatives: "taylor" (fast), "nested" (any Keras model), or "auto".
        data: measurements, for inverse problems: of a file, synthetic, or a data frame or mapping
            of arrays with columns named as coordinates, fields and derivatives (NaN: not measured)
            and their standard deviations (u_sigma); or a mapping of several such sets by name.
        windows: number of windows of time, solved one after another; "auto": the run tries the
            whole interval, and windows where that fails.
        continuation: values that coefficients take before their own, one stage each.
        modes: number of modes of an eigenvalue problem, one stage each.
        last_layer: "drawn", or "fitted" at the start to initial conditions and measurements; None:
            fitted where the network is an untrained PirateNet.
        uncertainty: how the distribution of the solution is found that noise in measurements leaves
            open; None: from the linearized fit.
        published: published errors and their sources, for the summary.
        seed: of everything that is drawn.
        folder: where config, history, checkpoint, metrics and figures go; None: nothing is written.
        callbacks: called with a Report after every chunk of iterations, in every phase.
        show: whether progress appears on the screen.
        device: "auto", "cpu" or "gpu".

    Raises:
        InputError: for settings that do not fit, or a folder that cannot be written.

    Warns:
        ProblemWarning: for what is doubtful about the problem, as `check` finds it, and for
            equations that are not solved at the end.
    """
    configure(device=device)
    setup = setup_of(
        problem,
        network=network,
        phases=phases,
        points=points,
        weights=weights,
        scheme=scheme,
        scales=scales,
        constraints=constraints,
        derivatives=derivatives,
        data=data,
        windows=windows,
        continuation=continuation,
        modes=modes,
        last_layer=last_layer,
        uncertainty=uncertainty,
        published=published,
        seed=seed,
    )
    return execute(setup, folder=folder, callbacks=callbacks, show=show, warn=True)


def load(folder: str | Path, *, trust: bool = False) -> Solution:
    """Return the solution of a run from its folder.

    Args:
        folder: the folder of the run.
        trust: whether Python code may run that the folder asks for, though it has not been run here
            before, or has changed since the run.

    Raises:
        InputError: if the folder holds no run, its checkpoint is damaged, its configuration has
            changed, or it asks for code that may not run.
    """
    record = RunFolder(Path(folder))
    setup, progress, _ = run_folder.read(record, trust=trust)
    stage_runs = _stage_runs(setup)
    stage_run = stage_runs.run(progress)
    _check(progress, setup, stage_run, record)
    metrics, history = record.read_metrics(), record.read_history()
    find = partial(error_estimate, stage_runs, stage_run, progress, kept=record.posterior)
    return _solution(stage_runs, stage_run, progress, metrics, history, record, find)


def resume(
    folder: str | Path,
    *,
    overrides: Sequence[str] = (),
    show: bool = True,
    callbacks: Sequence[Callback] = (),
    trust: bool = False,
) -> Solution:
    """Continue a run that was interrupted or killed, from its last checkpoint, bit for bit.

    `overrides` such as "phases.polish.stop.max_iterations=8000" change the run's configuration and
    reopen its last phase, so that a finished run can be continued.  With `trust`, Python code may
    run that the folder asks for, though it has not been run here before, or has changed since.

    Raises:
        InputError: if the folder holds no run, its checkpoint is damaged, its configuration has
            changed, or it asks for code that may not run; the run is left unchanged.
    """
    record = RunFolder(Path(folder))
    with run_folder.locked(record):
        setup, progress, config = run_folder.read(record, overrides, trust=trust)
        record.read_history()
        return execute(
            setup,
            folder=folder,
            config=config if overrides or trust else None,
            progress=progress,
            show=show,
            callbacks=callbacks,
        )


def execute(
    setup: Setup,
    *,
    folder: str | Path | None = None,
    config: dict[str, Any] | None = None,
    progress: Progress | None = None,
    callbacks: Sequence[Callback] = (),
    show: bool = True,
    warn: bool = False,
) -> Solution:
    """Run a setup to its end, from a progress if there is one, and return the solution.

    A run that fails before its first checkpoint leaves no file.

    Args:
        setup: the definition of the run.
        folder: the run folder; None: nothing is written.
        config: what `config.yaml` holds beyond the setup's own description.
        progress: what a checkpoint holds; None: the run starts.
        callbacks: called with a Report after every chunk of iterations.
        show: whether progress appears on the screen.
        warn: whether what is doubtful about the problem is a warning of Python too.
    """
    record = None if folder is None else RunFolder(Path(folder))
    stage_runs = _stage_runs(setup)
    setup = stage_runs.setup
    fresh = progress is None
    progress = progress or Progress()
    stage_run = stage_runs.run(progress)
    rehearse(setup.problem)
    report = examine(setup, stage_runs.programs(0).objective, stage_runs.data)
    stage_runs.tries_windows = stage_runs.tries_windows and not report.jumps
    _warn(report.problem, report.warnings if warn else ())
    if record and not fresh:
        _check(progress, setup, stage_run, record)
    progress.scales = setup.plain_scales
    screen = Screen() if show else None
    with contextlib.ExitStack() as ending:
        if screen:
            ending.callback(screen.close)
            screen.tell([*_what_was_read(stage_runs), *report.brief(), *_left_out(stage_runs)])
        if record and fresh:
            contents = _contents(setup, stage_run, config)
            ending.enter_context(run_folder.new(record, progress, contents, setup.network))
            _draw_data(record, stage_runs)
        elif record and config:
            run_folder.change(record, progress, _contents(setup, stage_run, config))
        history = _history(stage_runs, stage_run, record, progress)
        clock = Clock(progress.seconds)

        def save(present: Progress) -> None:
            present.seconds = clock.seconds
            if record:
                run_folder.save(record, present, history)

        monitor = partial(Monitor, history=history, clock=clock, screen=screen)
        stage_run = _run_stages(stage_runs, progress, monitor, callbacks, save)
    tell = screen.tell if screen else None
    estimate = error_estimate(stage_runs, stage_run, progress, tell=tell)
    metrics = metrics_of(stage_runs, stage_run, progress, report, estimate)
    _warn(report.problem, metrics.warnings[len(report.warnings) :] if warn else ())
    found = _solution(stage_runs, stage_run, progress, metrics, history, record, lambda: estimate)
    if record:
        _save_result(record, setup, metrics, found)
    return found


def _stage_runs(setup: Setup) -> StageRuns:
    """Return the stages of a run, with its measurements read and its scales found."""
    found = setup.read_measurements()
    data = {region: measured.points for region, measured in found.items()}
    return StageRuns(setup.with_scales(data), found)


def _what_was_read(stage_runs: StageRuns) -> list[str]:
    """Return what there is to say about the measurements of a run."""
    problem = stage_runs.setup.problem
    read = stage_runs.found.values()
    return [line for measured in read for line in measured.lines(problem)]


def _left_out(stage_runs: StageRuns) -> list[str]:
    """Return which phases a run leaves out."""
    reasons = stage_runs.left_out.items()
    return [f"phases.{name}: is left out, as {reason}" for name, reason in reasons]


def _draw_data(record: RunFolder, stage_runs: StageRuns) -> None:
    """Draw the measurements of a run, where there are any."""
    if stage_runs.data:
        problem = stage_runs.setup.problem
        shown = measured_columns(problem, stage_runs.data, units=stage_runs.units)
        save_data_figure(record.figures, shown)


def _save_result(record: RunFolder, setup: Setup, metrics: Metrics, solution: Solution) -> None:
    """Write what a run has found to its folder."""
    run_folder.save_network(record, setup.network)
    if solution.posterior is None:
        record.posterior.unlink(missing_ok=True)  # that of another end of the run
    else:
        solution.posterior.save(record.posterior)
    record.write_metrics(metrics)
    solution.save_figures()
    for number, mode in enumerate(solution.modes[:-1], start=1):
        mode.save_figures(record.figures / f"mode_{number}")


def _warn(name: str, lines: Sequence[str]) -> None:
    """Warn of what is doubtful about the problem of a name, at the call of `solve`."""
    for line in lines:
        warnings.warn(f"{name}: {line}", ProblemWarning, stacklevel=4)


def _contents(
    setup: Setup, stage_run: StageRun, config: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what `config.yaml` of a run holds."""
    described = describe(setup)
    found = {"scales": described["scales"], "dtype": stage_run.objective.dtype}
    return {**described, **(config or {}), **found}


def _history(
    stage_runs: StageRuns, stage_run: StageRun, record: RunFolder | None, progress: Progress
) -> History:
    """Return the history of a run, which continues the rows that its checkpoint knows."""
    # The last stage has every term that an earlier one has.
    last = stage_runs.last_programs.objective
    names = columns(last, stage_run.errors, stage_run.weighting)
    if record is None:
        return History(names)
    return History.open(record.history, names, keep=progress.rows)


def _run_stages(
    stage_runs: StageRuns,
    progress: Progress,
    monitor: Callable[[StageRun], Monitor],
    callbacks: Sequence[Callback],
    save: Save,
) -> StageRun:
    """Run all stages from a progress on, and return the last one that was run."""
    trainers: dict[tuple[Programs, bool], Trainer] = {}  # which keep what they have compiled

    def train(run: StageRun, theta: tf.Tensor, phases: Sequence[Phase]) -> tf.Tensor:
        key = (run.programs, run.linearized)
        if key not in trainers:
            trainers[key] = Trainer(_minimization(run))
        return trainers[key].run(
            theta,
            phases,
            _feed(run),
            progress,
            callbacks=[monitor(run), *stage_runs.judges(progress), *callbacks],
            save=save,
        )

    while True:
        run = stage_runs.run(progress)
        progress.stage_name = run.stage.name
        phases = stage_runs.phases(progress)
        theta = stage_runs.start(progress)
        if not run.linearized:
            theta = train(run, theta, [phase for phase in phases if not phase.linearized])
            if stage_runs.goes_on_linearized(progress, phases):
                run = stage_runs.linearize(progress, theta)
        if run.linearized:
            theta = train(run, theta, phases)
        if progress.interrupted or not stage_runs.go_on(run, progress, theta):
            return run


def _minimization(run: StageRun) -> Minimization[Batch]:
    """Return what the optimizers may know of the loss of a stage."""
    objective = run.objective
    programs = run.programs
    return Minimization(
        objective.value_and_gradient,
        residuals=programs.few_jacobians if run.linearized else programs.least_squares,
        shapes=objective.flat.shapes,
        subset=objective.subset,
    )


def _feed(run: StageRun) -> Feed[Batch]:
    """Return what the trainer needs of a stage."""

    def explain(theta: tf.Tensor, batch: Batch) -> None:
        explain_not_finite(run.objective, theta, batch)

    return Feed(run.draws.batch, adapt=run.draws.adapt, weighting=run.weighting, explain=explain)


def _check(progress: Progress, setup: Setup, stage_run: StageRun, folder: RunFolder) -> None:
    """Raise an InputError where a checkpoint's progress does not fit the setup."""
    run_folder.check(progress, setup, _minimization(stage_run), stage_run.objective, folder)
    batch = stage_run.draws.batch(progress.draw, progress.points)
    run_folder.check_weights(progress, stage_run.weighting, batch, folder)


def _solution(
    stage_runs: StageRuns,
    stage_run: StageRun,
    progress: Progress,
    metrics: Metrics | None,
    history: History,
    record: RunFolder | None,
    estimate: Callable[[], ErrorEstimate | None],
) -> Solution:
    """Return the solution of all stages; the network gets the parameters of the last.

    A linearized network gets those about which it is linearized.
    """
    theta = progress.best
    center = stage_run.parameters.center
    stage_run.objective.flat.assign(theta if center is None else center)
    weights = {}
    if stage_run.weighting:
        batch = stage_run.draws.batch(progress.draw, progress.points)
        weights = stage_run.weighting.point_weights(batch, progress.weights)
    return Solution(
        stage_run.objective,
        theta,
        modes=mode_solutions(stage_runs, progress, history),
        metrics=metrics.to_json() if metrics else {},
        history=history,
        points=stage_run.draws.sets(progress.draw, progress.points),
        weights=weights,
        folder=record.path if record else None,
        problem=stage_runs.setup.problem,
        evaluate=stage_runs.solution(progress, theta),
        units=stage_runs.units,
        estimate=estimate,
    )
