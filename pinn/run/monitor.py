"""The callback of every run: a row of the history per report, and a line on the screen."""

from __future__ import annotations

import math
import time
from typing import Any

from pinn.objective import Objective
from pinn.record import History
from pinn.record.columns import (
    ERROR,
    EVALUATIONS,
    HELDOUT_LOSS,
    ITERATION,
    LOSS,
    PHASE,
    PLAIN_LOSS,
    SECONDS,
    STEP,
    TERM_LOSS,
    UNKNOWN,
    column_names,
    describe_weights,
    phase_title,
    with_prefix,
)
from pinn.run.errors import Errors
from pinn.run.screen import Screen
from pinn.run.stage_run import StageRun
from pinn.training.trainer import Report
from pinn.weights import Weighting


class Clock:
    """The wall-clock seconds of a run, those before a resume included."""

    def __init__(self, before: float = 0.0) -> None:
        self.before = before
        self.start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of the run so far."""
        return self.before + time.perf_counter() - self.start


class Monitor:
    """Records the reports of one stage.

    Args:
        stage_run: the stage.
        history: where its rows go.
        clock: of the run.
        screen: where its reports are shown; None: nowhere.
    """

    def __init__(
        self, stage_run: StageRun, history: History, clock: Clock, screen: Screen | None
    ) -> None:
        self.stage_run = stage_run
        self.history = history
        self.clock = clock
        self.screen = screen
        self.held_out = stage_run.draws.held_out()
        self.announced: set[str] = set()  # phases whose frozen weights have been shown

    def __call__(self, report: Report) -> None:
        """Record a report."""
        row = self.row(report)
        self.history.append(row)
        report.progress.rows = len(self.history.rows)
        report.progress.seconds = row[SECONDS]
        if self.screen:
            self.screen.show(report, row, self.stage_run.stage.name, self._frozen(report))

    def row(self, report: Report) -> dict[str, Any]:
        """Return the row of the history for a report."""
        run = self.stage_run
        objective = run.objective
        progress = report.progress
        theta = report.state.position
        terms = [term.name for term in objective.terms]
        losses = objective.losses(theta, report.batch).numpy().tolist()
        by_term = dict(zip(terms, losses, strict=True))
        unknowns = {k: float(v) for k, v in objective.coefficients(theta).items()}
        row: dict[str, Any] = {
            PHASE: self._phase(report),
            ITERATION: progress.iterations,
            EVALUATIONS: progress.evaluations,
            SECONDS: self.clock.seconds,
            LOSS: float(report.state.loss),
            **with_prefix(TERM_LOSS, by_term),
            **with_prefix(PLAIN_LOSS, run.scales.plain_losses(by_term)),
            HELDOUT_LOSS: run.held_out_loss(theta, self.held_out, progress.weights),
            **with_prefix(ERROR, run.errors.relative_l2(run.functions(theta))),
            **with_prefix(UNKNOWN, unknowns),
            STEP: float(report.state.step),
        }
        if run.weighting:
            row |= run.weighting.row(report.batch, progress.weights)
        # A condition that the ansatz builds into the first window is a term in later windows only,
        # and sizes that are one in the first window may be others later.
        return {name: row.get(name, math.nan) for name in self.history.columns}

    def _phase(self, report: Report) -> str:
        """Return the display name of a report's phase, and of its stage where there are several."""
        phase = report.phase
        return phase_title(phase.name, phase.optimizer.label, self.stage_run.stage.name)

    def _frozen(self, report: Report) -> str | None:
        """Return a remark at the first report of a phase that freezes adapted weights."""
        phase = report.phase
        weighting = self.stage_run.weighting
        if weighting is None or phase.optimizer.single_steps or phase.name in self.announced:
            return None
        self.announced.add(phase.name)
        weights = describe_weights(weighting.row(report.batch, report.progress.weights))
        title = phase_title(phase.name, phase.optimizer.label)
        return f"{title}: {weighting.scheme.label} weights are frozen, {weights}"


def columns(objective: Objective, errors: Errors, weighting: Weighting | None = None) -> list[str]:
    """Return the columns of the history."""
    return column_names(
        terms=[term.name for term in objective.terms],
        quantities=errors.truth or (),
        unknowns=objective.unknowns,
        weights=weighting.columns() if weighting else (),
        scaled=objective.scales.plain_losses(dict.fromkeys(objective.weight_by_term, 0.0)),
    )
