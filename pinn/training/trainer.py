"""One loop for all optimizers: phases, chunks of iterations, reports, restarts, redraws, reasons."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import tensorflow as tf

from pinn.arrays import static_size
from pinn.errors import InputError
from pinn.optimizers import Optimizer, State, Stepper, SumOfSquares, Trace
from pinn.optimizers import interface as codes
from pinn.optimizers.interface import Function, Limits, Part, Shape, called, reweighted
from pinn.settings import Settings, count
from pinn.training.interrupt import Interrupt
from pinn.training.progress import Kept, PhaseRecord, Progress
from pinn.training.stopping import INTERRUPTED, StopRule

SHRINK = 0.1  # first step after a failure, relative to the last start's; Nocedal & Wright backtrack by this much
SLICE = 5.0  # seconds of an advance: a time budget or Ctrl-C must not wait for a report that is minutes away
WORTHWHILE = 1e-3  # relative fall of the loss that counts as progress for patience


@dataclass(frozen=True, kw_only=True)
class Phase(Settings):
    """An optimizer, when it stops, and how often it reports and has its points redrawn (in iterations)."""

    name: str
    optimizer: Optimizer
    stop: StopRule = field(default_factory=StopRule)
    report_every: int = count(100)
    redraw_every: int | None = count(None)

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return f"phases.{self.name}.{name}"


@dataclass(frozen=True)
class Report:
    """What callbacks see after every chunk: the phase, where it stands, and its iterations one by one."""

    phase: Phase
    progress: Progress
    state: State
    trace: Trace
    batch: Any


Callback = Callable[[Report], str | None]
"""Called after every chunk, in every phase; a string that it returns stops the phase with that reason."""


class Weights(Protocol):
    """Weights of a loss that follow the training, in phases whose optimizer takes single steps."""

    every: int
    """Iterations between two updates."""

    def initial_memory(self, batch: Any, /) -> Kept:
        """Return what is remembered before the first update."""
        ...

    def update(self, position: tf.Tensor, batch: Any, kept: Kept, /) -> Kept:
        """Return what is remembered after an update at a position [p]."""
        ...

    def apply(self, batch: Any, kept: Kept, /) -> Any:
        """Return a batch with the weights that belong to what is remembered."""
        ...


@dataclass
class Trainer:
    """Runs phases of optimizers over a function of one flat vector.

    Attributes:
        function: (position, batch) -> (loss, gradient).
        adapted: (number of the draw, position, kept points) -> the points that a redraw at a
            position keeps.
        squares: the same loss as a sum of squares, for optimizers that ask for one.
        shapes: of the variables that make up the flat vector, for optimizers that look at matrices.
        part: how to take a part of a batch, for optimizers that work on parts.
        weights: how the loss's weights follow the training; None where they are fixed.
        phases: what to run, in order.
        batches: (number of the draw, kept points) -> batch; the same for the same arguments.
        callbacks: called after every chunk.
        save: called with the progress when it is worth keeping, if given.
        not_finite: called with (position, batch) where a phase starts at a loss that is not finite;
            raises.
    """

    function: Function
    phases: Sequence[Phase]
    batches: Callable[[int, Kept], Any]
    callbacks: Sequence[Callback] = ()
    save: Callable[[Progress], None] | None = None
    not_finite: Callable[[tf.Tensor, Any], None] | None = None
    squares: SumOfSquares | None = None
    adapted: Callable[[int, tf.Tensor, Kept], Kept] | None = None
    shapes: Sequence[Shape] | None = None
    part: Part | None = None
    weights: Weights | None = None
    _steppers: dict[str, Stepper] = field(default_factory=dict, init=False)  # compiled, by phase

    def run(
        self,
        position: tf.Tensor,
        progress: Progress | None = None,
        *,
        phases: Sequence[Phase] | None = None,
    ) -> tuple[tf.Tensor, Progress]:
        """Run phases from a position [p], or go on from a progress; return the best position and what was done.

        They are all phases, or those `phases` among them.

        Ctrl-C ends the run within seconds, with everything saved; a second one ends it at once.

        Raises:
            InputError: where an optimizer cannot work on so many weights, or the loss is not finite
                at the start.
        """
        phases = phases or self.phases
        for phase in phases:
            phase.optimizer.check(static_size(position), position.dtype.name)
        progress = progress or Progress()
        done, interrupted = False, Interrupt()
        with interrupted:
            while not done:
                if not progress.records or progress.records[-1].stop_reason not in (
                    None,
                    INTERRUPTED,
                ):
                    if len(progress.records) == len(phases):
                        break
                    phase = phases[len(progress.records)]
                    progress.records.append(PhaseRecord(phase.name, phase.optimizer.label))
                    if progress.state is not None:
                        position = progress.state.best_position
                    progress.state, progress.failures, progress.drawn_at = None, 0, 0
                    progress.lowest, progress.lowest_at = float("inf"), 0
                progress.records[-1].stop_reason = None
                self._run_phase(phases[progress.phase], position, progress, interrupted)
                done = progress.records[-1].stop_reason == INTERRUPTED
        assert progress.state is not None
        return progress.state.best_position, progress

    def _run_phase(
        self, phase: Phase, position: tf.Tensor, progress: Progress, interrupted: Interrupt
    ) -> None:
        begin = time.perf_counter()
        if phase.name not in self._steppers:
            compiled = phase.optimizer.compile(
                self.function, self.squares, shapes=self.shapes, part=self.part
            )
            self._steppers[phase.name] = compiled
        stepper = self._steppers[phase.name]
        limits, record = phase.stop.limits(position.dtype.name), progress.records[-1]
        batch = self._entered(phase, stepper, position, progress)
        assert progress.state is not None
        # An advance of no steps traces and compiles, so that the first chunk's time is its own.
        called(stepper.advance, progress.state, batch, tf.constant(0), limits)
        record.evaluations = int(progress.state.evaluations)
        _spend(progress, None, begin)
        while record.stop_reason is None:
            record.stop_reason = self._due(phase, progress) or (
                INTERRUPTED if interrupted.asked else None
            )
            if record.stop_reason is not None:
                break
            begin, rows, end = (
                time.perf_counter(),
                progress.rows,
                record.iterations + self._steps(phase, progress),
            )
            trace, batch = self._advanced(phase, stepper, progress, batch, limits, end, interrupted)
            record.iterations, record.evaluations = (
                int(progress.state.iterations),
                int(progress.state.evaluations),
            )
            early = (
                interrupted.asked
                and record.iterations < end
                and int(progress.state.status) == codes.RUNNING
            )
            reason = None if early else self._recover(phase, stepper, progress, batch)
            _spend(progress, record, begin)
            for callback in self.callbacks:
                reason = callback(Report(phase, progress, progress.state, trace, batch)) or reason
            if early:  # a report that an undisturbed run does not make; a resume leaves it out
                progress.rows, reason = rows, INTERRUPTED
            begin = time.perf_counter()
            if (
                reason is None
                and phase.redraw_every
                and record.iterations - progress.drawn_at >= phase.redraw_every
            ):
                progress.draw, progress.drawn_at = progress.draw + 1, record.iterations
                if self.adapted:
                    progress.points = self.adapted(
                        progress.draw, progress.state.position, progress.points
                    )
                batch = self._batch(progress)
                progress.state = stepper.renew(progress.state, batch)
            record.stop_reason = reason
            _spend(progress, record, begin)
            if self.save:
                self.save(progress)
        if self.save:
            self.save(progress)

    def _entered(
        self, phase: Phase, stepper: Stepper, position: tf.Tensor, progress: Progress
    ) -> Any:
        """Return the batch to begin a phase with, or to go on with; the progress has a state that fits it."""
        batch, state = self._batch(progress), progress.state
        if self.weights and phase.optimizer.single_steps:
            # In a phase that is resumed this is made to compile it, and not kept.
            updated = self.weights.update(
                position if state is None else state.position, batch, progress.weights
            )
            if state is None:
                progress.weights, batch = updated, self.weights.apply(batch, updated)
        if state is None:
            progress.state = self._started(stepper, position, batch)
        elif progress.stale:
            progress.state = stepper.renew(state, batch)
            progress.lowest, progress.lowest_at = float("inf"), progress.records[-1].iterations
        progress.stale = False
        return batch

    def _batch(self, progress: Progress) -> Any:
        """Return the batch of the present draw, with the weights as they are."""
        batch = self.batches(progress.draw, progress.points)
        if self.weights is None:
            return batch
        progress.weights = progress.weights or self.weights.initial_memory(batch)
        return self.weights.apply(batch, progress.weights)

    def _advanced(
        self,
        phase: Phase,
        stepper: Stepper,
        progress: Progress,
        batch: Any,
        limits: Limits,
        end: int,
        interrupted: Interrupt,
    ) -> tuple[Trace, Any]:
        """Advance to iteration `end`, the end of the time or Ctrl-C; return what happened and the batch after it."""
        assert progress.state is not None
        record, begin = progress.records[-1], time.perf_counter()
        at, traces = record.iterations, []
        weights = self.weights if phase.optimizer.single_steps else None
        every = weights.every if weights else end
        while not traces or (at < end and int(progress.state.status) == codes.RUNNING):
            fit = self._fit(phase, record.seconds + time.perf_counter() - begin, at)
            if traces and (interrupted.asked or not fit):
                break
            # The weights of iteration 0 are there already.
            if weights and at and at % every == 0:
                progress.weights = weights.update(progress.state.position, batch, progress.weights)
                batch, progress.state = (
                    weights.apply(batch, progress.weights),
                    reweighted(progress.state),
                )
            steps = min(end, (at // every + 1) * every, at + max(fit, 1)) - at
            progress.state, trace = stepper.advance(
                progress.state, batch, tf.constant(steps), limits
            )
            traces.append(trace)
            at = int(progress.state.iterations)
        return Trace(*(tf.concat(parts, 0) for parts in zip(*traces, strict=True))), batch

    def _fit(self, phase: Phase, seconds: float, iterations: int) -> int:
        """Return the iterations that fit into the next slice at the phase's pace so far; 0 where its time is over."""
        left = math.inf if phase.stop.max_seconds is None else phase.stop.max_seconds - seconds
        if left <= 0:
            return 0
        return max(1, math.ceil(iterations * min(SLICE, left) / max(seconds, 1e-9)))

    def _started(self, stepper: Stepper, position: tf.Tensor, batch: Any) -> State:
        state = called(stepper.start, position, batch)
        if int(state.status) == codes.NOT_FINITE:
            if self.not_finite:
                self.not_finite(position, batch)
            raise InputError(
                f"loss is {float(state.loss)} or its gradient not finite at the start; change the start."
            )
        return state

    def _steps(self, phase: Phase, progress: Progress) -> int:
        """Return the iterations to the next report, redraw or end of the budget."""
        record = progress.records[-1]
        steps = [phase.report_every - record.iterations % phase.report_every]
        steps.append(phase.stop.max_iterations - record.iterations)
        if phase.redraw_every:
            steps.append(progress.drawn_at + phase.redraw_every - record.iterations)
        return min(steps)

    def _due(self, phase: Phase, progress: Progress) -> str | None:
        """Return the reason to stop that is tested between chunks, if there is one."""
        stop, record = phase.stop, progress.records[-1]
        if record.iterations >= stop.max_iterations:
            return f"iteration budget used: {stop.max_iterations}"
        if stop.max_seconds is not None and record.seconds >= stop.max_seconds:
            return f"time budget used: {stop.max_seconds:g} s"
        if stop.patience is not None and record.iterations - progress.lowest_at >= stop.patience:
            return f"patience exhausted: loss fell by less than {WORTHWHILE:.1%} in {stop.patience} iterations"
        return None

    def _recover(
        self, phase: Phase, stepper: Stepper, progress: Progress, batch: Any
    ) -> str | None:
        """Survive a failed search or a value that is not finite; return a reason if the phase is over."""
        assert progress.state is not None
        record, status = progress.records[-1], int(progress.state.status)
        loss = float(progress.state.best_loss)
        if loss < progress.lowest * (1 - WORTHWHILE):
            progress.lowest, progress.lowest_at = loss, record.iterations
            progress.failures = 0
        if status == codes.RUNNING:
            return None
        if status not in (codes.SEARCH_FAILED, codes.NOT_FINITE):
            return phase.stop.words(status)
        progress.failures += 1
        record.restarts += 1
        if progress.failures > phase.stop.max_restarts:
            return phase.stop.gave_up(status, progress.failures)
        shrink = tf.constant(SHRINK**progress.failures, progress.state.position.dtype)
        progress.state = stepper.restart(progress.state, batch, shrink)
        return None


def _spend(progress: Progress, record: PhaseRecord | None, begin: float) -> None:
    """Book the time since `begin` to a phase, or to compilation."""
    seconds = time.perf_counter() - begin
    if record is None:
        progress.compile_seconds += seconds
    else:
        record.seconds += seconds
