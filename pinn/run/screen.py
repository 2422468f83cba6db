"""What a run shows on the screen while it works."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from pinn.record.columns import (
    ERROR,
    HELDOUT_LOSS,
    LOSS,
    PHASE,
    SECONDS,
    UNKNOWN,
    without_prefix,
)
from pinn.training.trainer import Report

INTERVAL = 10.0  # seconds between lines where there is no terminal


class Screen:
    """A progress bar per phase on a terminal; a line every few seconds elsewhere."""

    def __init__(self) -> None:
        self.console = Console()
        self.bar: Progress | None = None
        self.tasks: dict[str, TaskID] = {}
        self.last = -math.inf

    def tell(self, lines: Sequence[str]) -> None:
        """Show lines of text as they are."""
        for line in lines:
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def show(
        self, report: Report, row: Mapping[str, Any], stage: str = "", remark: str | None = None
    ) -> None:
        """Show the state of a phase of a stage, below a remark.

        Args:
            report: the trainer's report.
            row: its row of the history.
            stage: display name of the stage, where a run has several.
            remark: a line to show once.
        """
        if remark:
            self.console.print(remark, highlight=False, soft_wrap=True)
        if self.console.is_terminal:
            self._update_bar(report, row)
        elif time.perf_counter() - self.last > INTERVAL:
            self.last = time.perf_counter()
            name = f"{report.phase.optimizer.label:7}"
            if stage:
                name += f"  {stage:9}"
            iterations = report.progress.records[-1].iterations
            line = f"{row[SECONDS]:6.0f} s  {name} {iterations:6d}  {describe(row)}"
            self.console.print(line, highlight=False)

    def _update_bar(self, report: Report, row: Mapping[str, Any]) -> None:
        if self.bar is None:
            self.bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(20),
                TimeElapsedColumn(),
                TextColumn("{task.fields[text]}"),
                console=self.console,
            )
            self.bar.start()
        label = row[PHASE]
        if label not in self.tasks:
            total = report.phase.stop.max_iterations
            self.tasks[label] = self.bar.add_task(label, total=total, text="")
        iterations = report.progress.records[-1].iterations
        text = f"{iterations} it  {describe(row)}"
        self.bar.update(self.tasks[label], completed=iterations, text=text)

    def close(self) -> None:
        """Stop the progress bar."""
        if self.bar is not None:
            self.bar.stop()


def describe(row: Mapping[str, Any]) -> str:
    """Return a row of the history as one line for people."""
    parts = [f"loss {row[LOSS]:.2e}", f"held-out {row[HELDOUT_LOSS]:.2e}"]
    for name, estimate in without_prefix(UNKNOWN, row).items():
        parts.append(f"{name} {estimate:.6g}")
    for name, error in without_prefix(ERROR, row).items():
        parts.append(f"error {name} {error:.1e}")
    return "  ".join(parts)
