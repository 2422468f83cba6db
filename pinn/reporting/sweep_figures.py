"""The pictures of a sweep, from the files of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pinn.errors import InputError
from pinn.plotting import (
    ShownRun,
    curves_figure,
    importance_figure,
    save_figure,
    search_figure,
    setting_figure,
    solutions_figure,
)
from pinn.plotting.shown_runs import SEED
from pinn.record import History, Sweep, SweepFolder, SweepRun
from pinn.record.columns import HELDOUT_LOSS, ITERATION, LOSS, SECONDS
from pinn.record.history import Series
from pinn.record.sweep import AUTO, LARGEST_ERROR

_ERROR = "relative error"
_LARGEST = "largest relative error"
_HELDOUT = "held-out loss"


def save_sweep_figures(
    folder: SweepFolder, sweep: Sweep, shares: Mapping[str, float] | None = None
) -> list[Path]:
    """Draw the pictures of a sweep from its finished runs, and return their files.

    These are the results over every swept setting, the curves of all runs, and their solutions
    side by side.  No picture is drawn where no run is finished.

    Args:
        folder: the folder of the sweep.
        sweep: what is known of its runs.
        shares: of a search, how much every setting matters, by key; None or empty: no picture.

    Raises:
        InputError: if the files of a finished run are gone.
    """
    best = sweep.best
    if best is None:
        return []
    drawn: dict[str, ShownRun] = {}
    for run in sweep.runs:
        if run.state == "done":
            drawn[run.folder] = _shown_run(folder, run, sweep.objective)
    shown = list(drawn.values())
    figures: dict[str, Figure | None] = {}
    if sweep.searched:
        title = next(iter(drawn[best.folder].results))
        figures["search"] = search_figure(shown, title, drawn[best.folder])
        figures["importance"] = importance_figure(shares) if shares else None
    else:
        for key in best.swept:
            if key != SEED or len(best.swept) == 1:
                figures[key.replace("/", "_")] = setting_figure(shown, key)
    figures["curves"] = curves_figure(shown, drawn[best.folder])
    figures["solutions"] = solutions_figure(shown)
    folder.figures.mkdir(exist_ok=True)
    files: list[Path] = []
    for name, figure in figures.items():
        if figure is not None:
            files.append(save_figure(figure, folder.figures / f"{name}.png"))
    return files


def _shown_run(folder: SweepFolder, run: SweepRun, objective: str) -> ShownRun:
    """Return a run as the pictures show it: what runs are compared by, and its loss."""
    record = folder.run(run)
    if not record.history.is_file():
        raise InputError(
            f"{record.path}: is gone, or has no {record.history.name}; "
            f"`pinn resume {folder.path}` runs it again."
        )
    history = record.read_history()
    title, course = _course(history, run, objective)
    results: dict[str, float] = {}
    for name, value in ((title, run.merit(objective)), (LOSS, run.loss)):
        if value is not None:
            results[name] = value
    return ShownRun(
        settings=run.swept,
        results=results,
        abscissae={ITERATION: history.numbers(ITERATION), SECONDS: history.numbers(SECONDS)},
        curves={title: course, LOSS: history.numbers(LOSS)},
        picture=record.solution_figure if record.solution_figure.is_file() else None,
    )


def _course(history: History, run: SweepRun, objective: str) -> tuple[str, Series]:
    """Return what runs are compared by, in words, and its value at every report."""
    if objective not in (AUTO, LARGEST_ERROR):
        title = objective.replace("_", " ").replace("heldout", "held-out")
        if objective not in history.columns:
            return title, np.full(len(history.rows), np.nan)
        return title, history.numbers(objective)
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
