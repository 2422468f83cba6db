"""What a run has done so far: all that a checkpoint must hold to continue it bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.optimizers.interface import State, Status
from pinn.training.feed import Arrays
from pinn.training.stopping import StopKind, StopReason

ARRAYS = ("points", "weights", "ends", "centers")
"""The attributes of a progress that are arrays by name."""


@dataclass
class PhaseRecord:
    """What a phase has done.

    Attributes:
        name: of the phase.
        optimizer: display name of its optimizer.
        iterations: number of iterations.
        evaluations: number of evaluations of loss and gradient.
        restarts: number of restarts after failures.
        seconds: wall-clock seconds without compilation.
        stop_reason: why it stopped; None while it runs.
        stage: display name of its stage; empty where a run has one.
    """

    name: str
    optimizer: str
    iterations: int = 0
    evaluations: int = 0
    restarts: int = 0
    seconds: float = 0.0
    stop_reason: StopReason | None = None
    stage: str = ""

    @property
    def interrupted(self) -> bool:
        """Whether the user interrupted the phase."""
        reason = self.stop_reason
        return reason is not None and reason.kind == StopKind.INTERRUPTED

    @staticmethod
    def from_json(numbers: Mapping[str, Any]) -> PhaseRecord:
        """Return the record that `asdict` describes."""
        reason = numbers.get("stop_reason")
        if reason is not None:
            reason = StopReason(StopKind(reason["kind"]), reason["text"])
        return PhaseRecord(**{**numbers, "stop_reason": reason})


@dataclass
class PhaseState:
    """The counters of the present phase; every phase starts with new ones.

    Attributes:
        drawn_at: iteration of the last redraw.
        failures: successive failures.
        lowest: the loss that patience compares with.
        lowest_at: the iteration that reached it.
        stale: whether the state belongs to a loss that has changed since.
    """

    drawn_at: int = 0
    failures: int = 0
    lowest: float = float("inf")
    lowest_at: int = 0
    stale: bool = False


@dataclass
class Progress:
    """What a run has done, between two chunks of iterations.

    Attributes:
        records: the phases of the present stage, the present phase last.
        past: the phases of the stages before it.
        stage: number of the present stage.
        ends: the vectors [p] that the stages before it ended with, by number.
        centers: the vectors [p] about which the networks of these stages are linearized, by number;
            of the present stage, too, once a phase has linearized them.
        edges: where the stages that were chosen in the course of the run end, the present stage
            last; empty where all stages are known before.
        sizes: the typical sizes that belong to these stages, as plain values.
        attempts: the losses that ended the attempts at the present stage, where it may be tried
            more than once.
        remaining: the largest losses on held-out points that stages before it ended with, by term.
        stage_name: display name of the present stage; empty where a run has one.
        state: the state of the present phase's optimizer.
        counters: of the present phase.
        draw: number of the present draw of points.
        points: points that followed the residuals, by region, and their shares where they have any.
        weights: memory of the weighting scheme; empty without one.
        rows: number of rows of the history.
        compile_seconds: wall-clock seconds of compilation.
        seconds: wall-clock seconds of the whole run, compilation included.
        scales: what the loss was scaled by, as plain values; None without scales.
        settings: what the configuration holds, by dotted key; two of these while another one is
            being written; none in checkpoints of earlier versions.
        nonlinear: the progress at the end of the present stage's phases that are not linearized,
            from which they can go on; None before a linearized phase.
    """

    records: list[PhaseRecord] = field(default_factory=list)
    past: list[PhaseRecord] = field(default_factory=list)
    stage: int = 0
    ends: Arrays = field(default_factory=dict)
    centers: Arrays = field(default_factory=dict)
    edges: list[float] = field(default_factory=list)
    sizes: list[Mapping[str, Any]] = field(default_factory=list)
    attempts: list[float] = field(default_factory=list)
    remaining: dict[str, float] = field(default_factory=dict)
    stage_name: str = ""
    state: State[Any] | None = None
    counters: PhaseState = field(default_factory=PhaseState)
    draw: int = 0
    points: Arrays = field(default_factory=dict)
    weights: Arrays = field(default_factory=dict)
    rows: int = 0
    compile_seconds: float = 0.0
    seconds: float = 0.0
    scales: Mapping[str, Any] | None = None
    settings: list[dict[str, str]] = field(default_factory=list)
    nonlinear: Progress | None = None

    @property
    def returned(self) -> bool:
        """Whether the run has returned to its first attempt, because no other was better."""
        return bool(self.attempts) and not self.edges

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

    @property
    def interrupted(self) -> bool:
        """Whether the user interrupted the present phase."""
        return bool(self.records) and self.records[-1].interrupted

    @property
    def best(self) -> tf.Tensor:
        """The best position [p] of the present phase."""
        assert self.state is not None
        return self.state.best_position

    def begin_phase(self, name: str, optimizer: str) -> None:
        """Begin another phase."""
        self.records.append(PhaseRecord(name, optimizer, stage=self.stage_name))
        self.state = None
        self.counters = PhaseState()

    def next_stage(self, end: np.ndarray) -> None:
        """Go to the next stage, from the vector [p] that the present one ended with."""
        self.ends = {**self.ends, str(self.stage): end}
        self.stage += 1
        self.attempts = []
        self.begin_stage()

    def note_remaining(self, losses: Mapping[str, float]) -> None:
        """Note the losses by term that a stage ends with."""
        largest = dict(self.remaining)
        for name, loss in losses.items():
            largest[name] = max(loss, largest.get(name, 0.0))
        self.remaining = largest

    def return_to_first_attempt(self) -> None:
        """Go on with the first attempt at the first stage."""
        self.edges = []
        self.sizes = []
        self.begin_stage()

    def begin_stage(self) -> None:
        """Begin the present stage, anew where it has been tried before."""
        self.past = [*self.past, *self.records]
        self.records = []
        self.state = None
        self.nonlinear = None
        self.centers = {k: c for k, c in self.centers.items() if k != str(self.stage)}
        self.draw = 0
        self.points = {}
        self.weights = {}

    def linearize(self, center: np.ndarray) -> None:
        """Linearize the networks of the present stage about a vector [p]; new points are due."""
        self.nonlinear = replace(self, records=list(self.records))
        self.centers = {**self.centers, str(self.stage): center}
        self.draw += 1
        self.points = {}

    def reopen(self, *, stale: bool) -> None:
        """Let the present phase continue under other settings.

        Args:
            stale: whether the settings change the loss.
        """
        assert self.state is not None
        self.records[-1].stop_reason = None
        self.counters.stale = stale
        if int(self.state.status) in (Status.SEARCH_FAILED, Status.NOT_FINITE):
            self.counters.failures = 0
        else:  # the test that ended the phase is made again
            self.state = self.state._replace(status=tf.constant(int(Status.RUNNING)))

    def to_json(self) -> dict[str, Any]:
        """Return everything but the arrays and the state."""
        return {
            "records": [asdict(record) for record in self.records],
            "past": [asdict(record) for record in self.past],
            "stage": self.stage,
            "edges": self.edges,
            "sizes": self.sizes,
            "attempts": self.attempts,
            "remaining": self.remaining,
            "stage_name": self.stage_name,
            "counters": asdict(self.counters),
            "draw": self.draw,
            "rows": self.rows,
            "compile_seconds": self.compile_seconds,
            "seconds": self.seconds,
            "scales": self.scales,
            "settings": self.settings,
        }

    @staticmethod
    def from_json(
        numbers: Mapping[str, Any], state: State[Any] | None, arrays: Mapping[str, Arrays]
    ) -> Progress:
        """Return the progress that `to_json`, a state and its `ARRAYS` describe."""
        nested: dict[str, Any] = {
            "records": _records(numbers["records"]),
            "past": _records(numbers["past"]),
            "counters": PhaseState(**numbers["counters"]),
            **arrays,
        }
        plain = {name: numbers[name] for name in numbers if name not in nested}
        return Progress(**plain, **nested, state=state)


def _records(numbers: Sequence[Mapping[str, Any]]) -> list[PhaseRecord]:
    return [PhaseRecord.from_json(record) for record in numbers]
