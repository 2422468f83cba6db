"""One phase of a run: chunks of iterations, reports, restarts, redraws, and the reason to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

import tensorflow as tf

from pinn.errors import InputError
from pinn.optimizers.interface import (
    BoundOptimizer,
    Limits,
    Optimizer,
    State,
    Status,
    Trace,
    forget_best,
    trace_and_call,
)
from pinn.settings import Settings, count
from pinn.training.feed import BatchT, Feed
from pinn.training.interrupt import Interrupt
from pinn.training.progress import PhaseRecord, Progress
from pinn.training.stopping import StopKind, StopReason, StopRule, gave_up

# First step after a failure, relative to the last start's; Nocedal & Wright backtrack by this much.
SHRINK = 0.1
# Seconds of an advance: a time budget or Ctrl-C must not wait for a report that is minutes away.
SLICE = 5.0
WORTHWHILE = 1e-3  # relative fall of the loss that counts as progress for patience


@dataclass(frozen=True, kw_only=True)
class Phase(Settings):
    """An optimizer with its stop rule.

    Attributes:
        name: of the phase.
        optimizer: the optimizer.
        stop: when the phase stops.
        report_every: iterations between reports.
        redraw_every: iterations between redraws of the points; None: they are never redrawn.
        linearized: whether the networks of the fields are linearized about the parameters with
            which the phase begins; only such phases may follow.
    """

    name: str
    optimizer: Optimizer[Any]
    stop: StopRule = field(default_factory=StopRule)
    report_every: int = count(100)
    redraw_every: int | None = count(None)
    linearized: bool = False

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return f"phases.{self.name}.{name}"


@dataclass(frozen=True)
class Report:
    """What callbacks see after every chunk of iterations.

    Attributes:
        phase: the phase.
        progress: what the run has done.
        state: the state of the optimizer.
        trace: the iterations of the chunk, one by one.
        batch: the batch after the chunk.
    """

    phase: Phase
    progress: Progress
    state: State[Any]
    trace: Trace
    batch: Any


Callback = Callable[[Report], str | StopReason | None]
"""Called after every chunk, in every phase; a string or reason that it returns stops the phase."""

Save = Callable[[Progress], None]


class PhaseRun(Generic[BatchT]):
    """The run of one phase, from a position or from where its progress is.

    Args:
        phase: the phase.
        bound: its optimizer, bound to the function.
        feed: where the batches come from.
        progress: what the run has done; it is updated.
        callbacks: called after every chunk.
        save: called with the progress when it is worth saving.
        interrupt: whether the user has pressed Ctrl-C.
    """

    def __init__(
        self,
        phase: Phase,
        bound: BoundOptimizer[Any, BatchT],
        feed: Feed[BatchT],
        progress: Progress,
        *,
        callbacks: Sequence[Callback],
        save: Save,
        interrupt: Interrupt,
    ) -> None:
        self.phase = phase
        self.bound = bound
        self.feed = feed
        self.progress = progress
        self.callbacks = callbacks
        self.save = save
        self.interrupt = interrupt
        # Weights follow only optimizers whose iterations compare no losses.
        self.weighting = feed.weighting if phase.optimizer.single_steps else None

    @property
    def record(self) -> PhaseRecord:
        """What the phase has done."""
        return self.progress.records[-1]

    @property
    def state(self) -> State[Any]:
        """The state of the optimizer."""
        assert self.progress.state is not None
        return self.progress.state

    @property
    def status(self) -> Status:
        """The status of the optimizer's last iteration."""
        return Status(int(self.state.status))

    def run(self, position: tf.Tensor) -> None:
        """Run the phase to its end, or until Ctrl-C; `position` [p] is where a new phase starts."""
        begin = time.perf_counter()
        limits = self.phase.stop.limits(position.dtype.name)
        batch = self._enter(position)
        # An advance by no steps compiles, so that the time of the first chunk is its own.
        trace_and_call(self.bound.advance, self.state, batch, tf.constant(0), limits)
        self.record.evaluations = int(self.state.evaluations)
        self.progress.compile_seconds += time.perf_counter() - begin
        if self._spent() is None:
            batch = self._redraw(batch)  # where the phase goes on from an end without one
        self.record.stop_reason = self._due()
        while self.record.stop_reason is None:
            reason, batch = self._chunk(batch, limits)
            # The loss that a phase ends with is that on the points of its last iteration.
            reason = reason or self._spent()
            if reason is None:
                batch = self._redraw(batch)
                self.save(self.progress)
                reason = self._due()
            self.record.stop_reason = reason
        self.save(self.progress)

    def _enter(self, position: tf.Tensor) -> BatchT:
        """Return the first batch; the progress then has a state that fits it."""
        progress = self.progress
        if progress.state is not None:  # its memory may still be a checkpoint's arrays
            progress.state = self.bound.restore(progress.state)
        state = progress.state
        batch = self._batch()
        if self.weighting:
            # In a phase that is resumed this only compiles the update.
            at = position if state is None else state.position
            memory = self.weighting.update(at, batch, progress.weights)
            if state is None:
                progress.weights = memory
                batch = self.weighting.apply(batch, memory)
        if state is None:
            progress.state = self._start(position, batch)
        elif progress.counters.stale:
            progress.state = self.bound.renew(state, batch)
            progress.counters.lowest = float("inf")
            progress.counters.lowest_at = self.record.iterations
        progress.counters.stale = False
        return batch

    def _start(self, position: tf.Tensor, batch: BatchT) -> State[Any]:
        state = trace_and_call(self.bound.start, position, batch)
        if int(state.status) == Status.NOT_FINITE:
            if self.feed.explain:
                self.feed.explain(position, batch)
            raise InputError(
                f"loss is {float(state.loss)} or its gradient not finite at the start; "
                f"change the start."
            )
        return state

    def _batch(self) -> BatchT:
        """Return the batch of the present draw, with the present weights."""
        progress = self.progress
        batch = self.feed.batch(progress.draw, progress.points)
        if self.feed.weighting is None:
            return batch
        progress.weights = progress.weights or self.feed.weighting.initial_memory(batch)
        return self.feed.weighting.apply(batch, progress.weights)

    def _chunk(self, batch: BatchT, limits: Limits) -> tuple[StopReason | None, BatchT]:
        """Advance to the next report and make it.

        Returns:
            The reason to stop, if there is one, and the batch after the chunk.
        """
        begin = time.perf_counter()
        rows = self.progress.rows
        end = self.record.iterations + self._steps()
        trace, batch = self._advance(batch, limits, end)
        self.record.iterations = int(self.state.iterations)
        self.record.evaluations = int(self.state.evaluations)
        unfinished = self.record.iterations < end and self.status == Status.RUNNING
        early = self.interrupt.reason is not None and unfinished
        reason = None if early else self._recover(batch)
        self.record.seconds += time.perf_counter() - begin
        for callback in self.callbacks:
            said = callback(Report(self.phase, self.progress, self.state, trace, batch))
            if said:
                reason = StopReason(StopKind.CALLBACK, said) if isinstance(said, str) else said
        if early:
            # An undisturbed run does not make this report, so a resume leaves it out.
            self.progress.rows = rows
            reason = self.interrupt.reason
        return reason, batch

    def _advance(self, batch: BatchT, limits: Limits, end: int) -> tuple[Trace, BatchT]:
        """Advance to iteration `end`, or to the end of the time, or to Ctrl-C.

        Returns:
            The trace, and the batch with the weights after it.
        """
        progress = self.progress
        begin = time.perf_counter()
        iteration = self.record.iterations
        every = self.weighting.every if self.weighting else end
        traces: list[Trace] = []
        while not traces or (iteration < end and self.status == Status.RUNNING):
            seconds = self.record.seconds + time.perf_counter() - begin
            affordable = self._affordable(seconds, iteration)
            if traces and (self.interrupt.reason or not affordable):
                break
            # The weights of iteration 0 are there already.
            if self.weighting and iteration and iteration % every == 0:
                memory = self.weighting.update(self.state.position, batch, progress.weights)
                progress.weights = memory
                batch = self.weighting.apply(batch, memory)
                progress.state = forget_best(self.state)
            next_update = (iteration // every + 1) * every
            steps = min(end, next_update, iteration + max(affordable, 1)) - iteration
            progress.state, trace = self.bound.advance(
                self.state, batch, tf.constant(steps), limits
            )
            traces.append(trace)
            iteration = int(self.state.iterations)
        return Trace.join(traces), batch

    def _affordable(self, seconds: float, iterations: int) -> int:
        """Return the iterations that fit into the next slice of time at the pace so far.

        It is 0 where the time of the phase is over.
        """
        left = math.inf
        if self.phase.stop.max_seconds is not None:
            left = self.phase.stop.max_seconds - seconds
        if left <= 0:
            return 0
        return max(1, math.ceil(iterations * min(SLICE, left) / max(seconds, 1e-9)))

    def _steps(self) -> int:
        """Return the iterations to the next report, redraw or end of the budget."""
        iterations = self.record.iterations
        steps = [self.phase.report_every - iterations % self.phase.report_every]
        steps.append(self.phase.stop.max_iterations - iterations)
        if self.phase.redraw_every:
            steps.append(self.progress.counters.drawn_at + self.phase.redraw_every - iterations)
        return min(steps)

    def _due(self) -> StopReason | None:
        """Return the reason to stop that is tested between chunks, if there is one."""
        return self._spent() or self.interrupt.reason

    def _spent(self) -> StopReason | None:
        """Return the budget or the patience that is used up, if there is one."""
        record = self.record
        spent = self.phase.stop.spent(record.iterations, record.seconds)
        if spent is not None:
            return spent
        patience = self.phase.stop.patience
        idle = record.iterations - self.progress.counters.lowest_at
        if patience is not None and idle >= patience:
            return StopReason(
                StopKind.PATIENCE,
                f"patience exhausted: loss fell by less than {WORTHWHILE:.1%} in {patience} "
                f"iterations",
            )
        return None

    def _recover(self, batch: BatchT) -> StopReason | None:
        """Restart after a failure; return the reason to stop where the phase is over."""
        counters = self.progress.counters
        status = self.status
        loss = float(self.state.best_loss)
        if loss < counters.lowest * (1 - WORTHWHILE):
            counters.lowest = loss
            counters.lowest_at = self.record.iterations
            counters.failures = 0
        if status == Status.RUNNING:
            return None
        if status not in (Status.SEARCH_FAILED, Status.NOT_FINITE):
            return self.phase.stop.reason(status)
        counters.failures += 1
        self.record.restarts += 1
        if counters.failures > self.phase.stop.max_restarts:
            return gave_up(status, counters.failures)
        shrink = tf.constant(SHRINK**counters.failures, self.state.position.dtype)
        self.progress.state = self.bound.restart(self.state, batch, shrink)
        return None

    def _redraw(self, batch: BatchT) -> BatchT:
        """Return the batch to continue with: a new draw, where one is due."""
        begin = time.perf_counter()
        progress = self.progress
        every = self.phase.redraw_every
        if not every or self.record.iterations - progress.counters.drawn_at < every:
            return batch
        progress.draw += 1
        progress.counters.drawn_at = self.record.iterations
        if self.feed.adapt:
            progress.points = self.feed.adapt(progress.draw, self.state.position, progress.points)
        batch = self._batch()
        progress.state = self.bound.renew(self.state, batch)
        self.record.seconds += time.perf_counter() - begin
        return batch
