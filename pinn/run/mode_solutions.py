"""The modes that a run has found, as solutions and as metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import tensorflow as tf

from pinn.record import History, ModeMetrics
from pinn.run.solution import Solution
from pinn.run.stage_run import StageRun
from pinn.run.stage_runs import StageRuns
from pinn.training.progress import Progress


def mode_solutions(stage_runs: StageRuns, progress: Progress, history: History) -> list[Solution]:
    """Return the modes of an eigenvalue problem, in the order in which they were found.

    Args:
        stage_runs: the stages of the run.
        progress: what the run has done.
        history: of the run.

    Returns:
        Nothing where one solution is sought.
    """
    modes: list[Solution] = []
    for there, run, theta in _found(stage_runs, progress):
        mode = Solution(
            run.objective,
            theta,
            metrics={},
            history=history,
            points=run.draws.sets(0, {}),
            folder=None,
            evaluate=stage_runs.solution(there, theta),
        )
        modes.append(mode)
    return modes


def mode_metrics(stage_runs: StageRuns, progress: Progress) -> list[ModeMetrics]:
    """Return the metrics of the modes that have been found, as `mode_solutions` does."""
    modes: list[ModeMetrics] = []
    for _, run, theta in _found(stage_runs, progress):
        loss = run.held_out_loss(theta, run.draws.held_out(), progress.weights)
        unknowns: dict[str, float] = {}
        for name, value in run.objective.coefficients(theta).items():
            unknowns[name] = float(value)
        modes.append(ModeMetrics(unknowns=unknowns, heldout_loss=loss))
    return modes


def _found(
    stage_runs: StageRuns, progress: Progress
) -> Iterator[tuple[Progress, StageRun, tf.Tensor]]:
    """Yield the progress in the stage of every mode found, the stage, and its vector [p]."""
    if stage_runs.setup.modes == 1:
        return
    for number, theta in enumerate(stage_runs.vectors(progress)):
        there = replace(progress, stage=number)
        yield there, stage_runs.run(there), theta
