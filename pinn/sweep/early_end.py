"""The early end of a run that is worse than other runs of a search were when they were as far."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pinn.errors import InputError
from pinn.record import History, RunFolder
from pinn.record.columns import HELDOUT_LOSS, ITERATION, LOSS, PHASE, SECONDS, phase_name
from pinn.record.sweep import AUTO, LARGEST_ERROR

if TYPE_CHECKING:
    from optuna.trial import Trial

_REPORTS = 20  # per run, to the pruner


class EarlyEnd:
    """Reports the results of a run while it goes, and says when it should end.

    Runs are compared where they have used the same part of their budget of iterations or seconds:
    the steps of the pruner are twentieths of it.

    Args:
        trial: the trial of the run, in a study with a pruner.
        folder: the folder of the run.
        objective: what the search minimizes, as in the configuration.
    """

    def __init__(self, trial: Trial, folder: RunFolder, objective: str) -> None:
        self._trial = trial
        self._folder = folder
        self._objective = objective
        self._step = 0
        self._length: Callable[[History], float | None] | None = None

    def __call__(self) -> str | None:
        """Return why the run should end, in words; None where it should not."""
        try:
            if self._length is None:
                self._length = budget_used(self._folder.read_config())
            history = self._folder.read_history()
            used = self._length(history)
            value = latest(history, self._objective)
        except (InputError, KeyError):  # it has not begun, or its first lines are being written
            return None
        if used is None or value is None:
            return None
        while self._step < min(math.floor(used * _REPORTS), _REPORTS - 1):
            self._step += 1
            self._trial.report(value, self._step)
            if self._trial.should_prune():
                share = self._step / _REPORTS
                return f"worse than others after {share:.0%} of its budget"
        return None


def budget_used(config: Mapping[str, Any]) -> Callable[[History], float | None]:
    """Return the function of a history that gives the used share of a run's budget, from 0 to 1.

    Every phase counts alike.  It returns None for a run of several stages or windows, whose number
    of phases is not known before it ends.

    Args:
        config: the configuration of the run.
    """
    phases: Mapping[str, Any] = config.get("phases") or {}
    limits: dict[str, tuple[float, float]] = {}
    for name, phase in phases.items():
        stop = (phase or {}).get("stop") or {}
        limits[name] = (
            stop.get("max_iterations") or math.inf,
            stop.get("max_seconds") or math.inf,
        )

    def used(history: History) -> float | None:
        if not history.rows:
            return None
        row = history.rows[-1]
        name = phase_name(row[PHASE])
        if name not in limits:
            return None
        begin = _first_of(history, row[PHASE])
        iterations, seconds = limits[name]
        share = max(
            (row[ITERATION] - begin[ITERATION]) / iterations,
            (row[SECONDS] - begin[SECONDS]) / seconds,
        )
        return (list(limits).index(name) + min(share, 1.0)) / len(limits)

    return used


def latest(history: History, objective: str) -> float | None:
    """Return the last known value of what a search minimizes; None where there is none yet.

    Until a run ends, the errors of its unknowns are not known, and those of its fields stand for
    all.
    """
    if objective in (AUTO, LARGEST_ERROR):
        errors = history.errors()
        columns = [values.tolist() for values in errors.values()]
        series = [max(row) for row in zip(*columns, strict=True)]
        if not series and objective == AUTO:
            name = HELDOUT_LOSS if HELDOUT_LOSS in history.columns else LOSS
            series = history.numbers(name).tolist()
    elif objective in history.columns:
        series = history.numbers(objective).tolist()
    else:
        series = []
    for value in reversed(series):
        if math.isfinite(value):
            return value
    return None


def _first_of(history: History, phase: str) -> Mapping[str, Any]:
    """Return the last report before a phase, or else its first."""
    rows = history.rows
    for number, row in enumerate(rows):
        if row[PHASE] == phase:
            return rows[number - 1] if number else row
    raise AssertionError(phase)
