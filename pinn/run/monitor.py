"""What a run reports: rows of the history, errors against the reference, a line on the screen."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pinn import norms
from pinn.objective import Batch, Evaluator, Objective, draw
from pinn.problem import Problem
from pinn.record import History
from pinn.record.columns import (
    ERROR,
    EVALUATIONS,
    HELDOUT_LOSS,
    ITERATION,
    LOSS,
    PHASE,
    SECONDS,
    STEP,
    TERM_LOSS,
    UNKNOWN,
    column_names,
    describe_weights,
    with_prefix,
    without_prefix,
)
from pinn.seeds import branch
from pinn.training.progress import Kept
from pinn.training.trainer import Report
from pinn.weights import Weighting

Evaluate = Callable[[Any, np.ndarray], dict[str, np.ndarray]]


class Errors:
    """Errors of a trial solution against the problem's reference at fixed test points.

    Args:
        objective: the loss, whose trial solution it is.
        count: number of test points.
        seed: of the run.
        problem: where the points are drawn; the objective's by default.
        truth: the problem whose reference is meant; `problem` by default.
        evaluate: (flat vector, points) -> the problem's functions by name, where it is not the
            objective's.
    """

    def __init__(
        self,
        objective: Objective,
        count: int,
        *,
        seed: int,
        problem: Problem | None = None,
        truth: Problem | None = None,
        evaluate: Evaluate | None = None,
    ) -> None:
        problem = problem or objective.problem
        # The reference belongs to the true coefficients, which the problem's own attributes hold.
        self.points = draw(
            problem, "interior", count, method="uniform", seed=branch(seed, "test points")
        ).coordinates
        found = (truth or problem).reference_at(self.points)
        self.truth = found and problem.with_derived(found)
        self.problem, self.evaluator = problem, evaluate or Evaluator(objective, problem.functions)

    def estimate(self, theta: Any) -> dict[str, np.ndarray]:
        """Return fields and derived quantities at the test points; a gauge brings a field to the reference."""
        found = self.evaluator(theta, self.points)
        for name, series in self.gauges(found).items():
            found[name] = found[name] + gauge_values(self.problem, series, self.points)
        return self.problem.with_derived(found)

    def gauges(self, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return by field what `norms.gauge` says of the fields at the test points; empty without a reference."""
        if self.truth is None:
            return {}
        times = scaled_times(self.problem, self.points)
        return {
            name: norms.gauge(found[name], self.truth[name], times) for name in self.problem.gauge
        }

    def relative_l2(self, theta: Any) -> dict[str, float]:
        """Return the relative L2 error by field and derived quantity; empty without a reference."""
        if self.truth is None:
            return {}
        return {f: norms.relative_l2(v, self.truth[f]) for f, v in self.estimate(theta).items()}

    def max_error(self, theta: Any) -> dict[str, float]:
        """Return the largest error by field and derived quantity; empty without a reference."""
        if self.truth is None:
            return {}
        return {f: norms.max_error(v, self.truth[f]) for f, v in self.estimate(theta).items()}


def gauge_values(problem: Problem, series: Any, points: np.ndarray) -> np.ndarray | float:
    """Return what is added to a field with a gauge at points [n, d]: one number, or one each, [n]."""
    times = scaled_times(problem, points)
    return (
        float(np.ravel(series)[0])
        if times is None
        else np.polynomial.chebyshev.chebval(times, np.ravel(series))
    )


def scaled_times(problem: Problem, points: np.ndarray) -> np.ndarray | None:
    """Return the times of points [n, d] with the problem's interval scaled to [-1, 1]; None if it is steady."""
    if problem.time is None:
        return None
    begin, end = problem.time
    return (2 * points[:, -1] - begin - end) / (end - begin)


class Monitor:
    """The callback of every run: appends a row to the history and tells the screen."""

    def __init__(
        self,
        objective: Objective,
        errors: Errors,
        heldout: Batch,
        *,
        show: bool,
        weighting: Weighting | None = None,
    ) -> None:
        self.objective, self.errors, self.heldout, self.weighting = (
            objective,
            errors,
            heldout,
            weighting,
        )
        self.screen = Screen() if show else None
        self.history = History(columns(objective, errors, weighting))
        self.begin, self.before = time.perf_counter(), 0.0
        self.stage = ""  # the present stage's name, where a run has several
        self.told: set[str] = set()  # phases of which it was said that their weights are frozen

    def enter(
        self,
        stage: str,
        objective: Objective,
        errors: Errors,
        heldout: Batch,
        weighting: Weighting | None,
    ) -> None:
        """Go to another stage of the run."""
        self.stage, self.objective, self.errors = stage, objective, errors
        self.heldout, self.weighting, self.told = heldout, weighting, set()

    def phase(self, report: Report) -> str:
        """Return the name of a report's phase, and of its stage where there are several."""
        name = f"{report.phase.name} ({report.phase.optimizer.label})"
        return f"{name}, {self.stage}" if self.stage else name

    def row(self, report: Report) -> dict[str, Any]:
        """Return what the history says of a report."""
        objective, state, progress = self.objective, report.state, report.progress
        theta = state.position
        terms = [term.name for term in objective.terms]
        losses = objective.losses(theta, report.batch).numpy().tolist()
        coefficients = objective.coefficients(theta)
        unknowns = {name: float(value) for name, value in coefficients.items()}
        row: dict[str, Any] = {
            PHASE: self.phase(report),
            ITERATION: progress.iterations,
            EVALUATIONS: progress.evaluations,
            SECONDS: self.seconds(),
            LOSS: float(state.loss),
            **with_prefix(TERM_LOSS, dict(zip(terms, losses, strict=True))),
            HELDOUT_LOSS: self.heldout_loss(theta, progress.weights),
            **with_prefix(ERROR, self.errors.relative_l2(theta)),
            **with_prefix(UNKNOWN, unknowns),
            STEP: float(state.step),
        }
        row |= self.weighting.row(report.batch, progress.weights) if self.weighting else {}
        # A condition that the ansatz builds into the first window is a term of the loss in the
        # others.
        return {**dict.fromkeys(self.history.columns, math.nan), **row}

    def heldout_loss(self, theta: Any, weights: Kept) -> float:
        """Return the loss on the held-out points, under the same weights as the training loss."""
        if self.weighting is None:
            held = self.objective.losses(theta, self.heldout).numpy()
            return float(np.sum(np.asarray(self.objective.weights) * held))
        return float(self.objective.value(theta, self.weighting.apply(self.heldout, weights)))

    def frozen(self, report: Report) -> str | None:
        """Return what to tell at the first report of a phase in which weights stand still that have moved before."""
        phase = report.phase
        if self.weighting is None or phase.optimizer.single_steps or phase.name in self.told:
            return None
        self.told.add(phase.name)
        found = self.weighting.row(report.batch, report.progress.weights)
        return (
            f"{phase.name} ({phase.optimizer.label}): {self.weighting.scheme.label} weights are frozen, "
            f"{describe_weights(found)}"
        )

    def seconds(self) -> float:
        """Return the run's wall-clock seconds, those before a resume included."""
        return self.before + time.perf_counter() - self.begin

    def __call__(self, report: Report) -> None:
        """Record a report."""
        row = self.row(report)
        self.history.append(row)
        report.progress.rows, report.progress.seconds = len(self.history.rows), row[SECONDS]
        if self.screen:
            self.screen.show(report, row, self.stage, self.frozen(report))


def columns(objective: Objective, errors: Errors, weighting: Weighting | None = None) -> list[str]:
    """Return the history's columns."""
    return column_names(
        terms=[term.name for term in objective.terms],
        quantities=errors.truth or (),
        unknowns=objective.unknowns,
        weights=weighting.columns() if weighting else (),
    )


def describe(row: dict[str, Any]) -> str:
    """Return a row of the history as one line for people."""
    parts = [f"loss {row[LOSS]:.2e}", f"held-out {row[HELDOUT_LOSS]:.2e}"]
    for name, estimate in without_prefix(UNKNOWN, row).items():
        parts.append(f"{name} {estimate:.6g}")
    for name, error in without_prefix(ERROR, row).items():
        parts.append(f"error {name} {error:.1e}")
    return "  ".join(parts)


class Screen:
    """A progress bar per phase on a terminal; a line every few seconds elsewhere."""

    EVERY = 10.0  # seconds between lines where there is no terminal

    def __init__(self) -> None:
        self.console = Console()
        self.bar: Progress | None = None
        self.tasks: dict[str, Any] = {}
        self.last = -np.inf

    def show(
        self, report: Report, row: dict[str, Any], stage: str = "", remark: str | None = None
    ) -> None:
        """Tell how a phase of a stage stands, and a remark above that."""
        phase, record = report.phase, report.progress.records[-1]
        text = describe(row)
        if remark:
            self.console.print(remark, highlight=False, soft_wrap=True)
        if not self.console.is_terminal:
            if time.perf_counter() - self.last > self.EVERY:
                self.last = time.perf_counter()
                name = f"{phase.optimizer.label:7}" + (f"  {stage:9}" if stage else "")
                self.console.print(
                    f"{row[SECONDS]:6.0f} s  {name} {record.iterations:6d}  {text}",
                    highlight=False,
                )
            return
        if self.bar is None:
            self.bar = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn(),
                TextColumn("{task.fields[text]}"), console=self.console,
            )  # fmt: skip
            self.bar.start()
        label = row[PHASE]
        if label not in self.tasks:
            self.tasks[label] = self.bar.add_task(label, total=phase.stop.max_iterations, text="")
        self.bar.update(
            self.tasks[label], completed=record.iterations, text=f"{record.iterations} it  {text}"
        )

    def close(self) -> None:
        """Leave the screen to others."""
        if self.bar is not None:
            self.bar.stop()
