"""The pictures of a sweep, from the files of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pinn.errors import InputError
from pinn.plotting import Trial, curves_figure, save_figure, setting_figure, solutions_figure
from pinn.plotting.sweep import SEED
from pinn.record import History, SweepFolder, SweepRun
from pinn.record.columns import HELDOUT_LOSS, ITERATION, LOSS, SECONDS
from pinn.record.history import Series
from pinn.reporting.sweep import best_run, merit

_ERROR = "relative error"
_LARGEST = "largest relative error"
_HELDOUT = "held-out loss"


def save_sweep_figures(folder: SweepFolder, runs: Sequence[SweepRun]) -> list[Path]:
    """Draw the pictures of a sweep from its finished runs, and return their files.

    These are the results over every swept setting, the curves of all runs, and their solutions
    side by side.  No picture is drawn where no run is finished.

    Raises:
        InputError: if the files of a finished run are gone.
    """
    best = best_run(runs)
    if best is None:
        return []
    trials: dict[str, Trial] = {}
    for run in runs:
        if merit(run) is not None:
            trials[run.folder] = _trial(folder, run)
    shown = list(trials.values())
    figures: dict[str, Figure | None] = {}
    for key in best.swept:
        if key != SEED or len(best.swept) == 1:
            figures[key.replace("/", "_")] = setting_figure(shown, key)
    figures["curves"] = curves_figure(shown, trials[best.folder])
    figures["solutions"] = solutions_figure(shown)
    folder.figures.mkdir(exist_ok=True)
    files: list[Path] = []
    for name, figure in figures.items():
        if figure is not None:
            files.append(save_figure(figure, folder.figures / f"{name}.png"))
    return files


def _trial(folder: SweepFolder, run: SweepRun) -> Trial:
    """Return a run as the pictures show it: its error, or else its held-out loss, and its loss."""
    record = folder.run(run)
    if not record.history.is_file():
        raise InputError(
            f"{record.path}: is gone, or has no {record.history.name}; "
            f"`pinn resume {folder.path}` runs it again."
        )
    history = record.read_history()
    title, course = _course(history, run)
    results: dict[str, float] = {}
    for name, value in ((title, merit(run)), ("loss", run.loss)):
        if value is not None:
            results[name] = value
    return Trial(
        settings=run.swept,
        results=results,
        abscissae={ITERATION: history.numbers(ITERATION), SECONDS: history.numbers(SECONDS)},
        curves={title: course, "loss": history.numbers(LOSS)},
        picture=record.solution_figure if record.solution_figure.is_file() else None,
    )


def _course(history: History, run: SweepRun) -> tuple[str, Series]:
    """Return the largest error of every report, or the held-out loss where no error is known."""
    truths: dict[str, float | None] = {}
    for name, unknown in run.unknowns.items():
        truths[name] = unknown.truth
    errors = history.errors() | history.unknown_errors(truths)
    known: list[Series] = []
    for name, error in run.errors.items():
        if error is not None and name in errors:
            known.append(errors[name])
    if not known:
        return _HELDOUT, history.numbers(HELDOUT_LOSS)
    return (_LARGEST if len(known) > 1 else _ERROR), np.max(known, axis=0)
