"""What a run has done so far: all that a checkpoint must hold to go on bitwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.optimizers import State
from pinn.optimizers import interface as codes

Kept = Mapping[str, np.ndarray]
"""What followed the residuals, so that nothing else can give it back: of point sets their coordinates [n, d] by
region, of weights what their scheme remembers."""


@dataclass
class PhaseRecord:
    """What one phase did; seconds are wall-clock without compilation."""

    name: str
    optimizer: str
    iterations: int = 0
    evaluations: int = 0
    restarts: int = 0
    seconds: float = 0.0
    stop_reason: str | None = None


@dataclass
class Progress:
    """Where a run stands between two chunks of iterations."""

    records: list[PhaseRecord] = field(default_factory=list)  # of the present stage
    stage: int = 0
    past: list[PhaseRecord] = field(default_factory=list)  # of the stages before it
    ends: Kept = field(
        default_factory=dict
    )  # the flat vectors [p] that those ended with, by number
    state: State | None = None
    draw: int = 0
    points: Kept = field(default_factory=dict)
    weights: Kept = field(default_factory=dict)  # what a scheme of weights knows; empty without one
    drawn_at: int = 0  # the phase's iteration at which the points were last redrawn
    failures: int = 0  # one after another
    lowest: float = float("inf")  # the loss that patience compares with …
    lowest_at: int = 0  # … and the iteration that reached it
    stale: bool = False  # the state belongs to a loss that has been changed since
    rows: int = 0  # rows of the history
    compile_seconds: float = 0.0
    seconds: float = 0.0  # wall-clock of the whole run, compilation included

    @property
    def phase(self) -> int:
        """Index of the present phase."""
        return max(len(self.records) - 1, 0)

    @property
    def iterations(self) -> int:
        """Iterations of all phases."""
        return sum(r.iterations for r in (*self.past, *self.records))

    @property
    def evaluations(self) -> int:
        """Evaluations of all phases."""
        return sum(r.evaluations for r in (*self.past, *self.records))

    def next_stage(self, end: np.ndarray) -> None:
        """Go to the next stage, from the flat vector [p] that the present one has ended with."""
        self.ends = {**self.ends, str(self.stage): end}
        self.past, self.records = [*self.past, *self.records], []
        self.stage, self.state = self.stage + 1, None
        self.draw, self.points, self.weights = 0, {}, {}

    def reopen(self, *, stale: bool) -> None:
        """Let the present phase go on under other settings, with a `stale` state if they change the loss."""
        assert self.state is not None
        self.records[-1].stop_reason, self.stale = None, stale
        if int(self.state.status) in (codes.SEARCH_FAILED, codes.NOT_FINITE):
            self.failures = 0
        else:  # the test that ended the phase is made anew
            self.state = self.state._replace(status=tf.constant(codes.RUNNING))

    def numbers(self) -> dict[str, Any]:
        """Return everything but the arrays, for JSON."""
        arrays = ("state", "points", "weights", "ends")
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in arrays}
        return found | {name: [asdict(r) for r in found[name]] for name in ("records", "past")}

    @staticmethod
    def from_numbers(numbers: dict[str, Any], state: State | None, **kept: Any) -> Progress:
        """Return the progress that `numbers`, a state, and what was kept of points, weights and ends describe."""
        records = {
            name: [PhaseRecord(**r) for r in numbers.get(name, ())] for name in ("records", "past")
        }
        return Progress(**{**numbers, **records}, state=state, **kept)
