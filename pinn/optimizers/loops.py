# pyright: strict, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUntypedFunctionDecorator=false
"""The loops around an iteration: compiled by TensorFlow, or in Python."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from pinn.optimizers.interface import (
    BatchT,
    BoundOptimizer,
    Limits,
    MemoryT,
    Minimization,
    Optimizer,
    State,
    Status,
    Trace,
    is_finite,
)


@dataclass(frozen=True, kw_only=True)
class GraphOptimizer(Optimizer[MemoryT]):
    """An optimizer whose iterations are TensorFlow operations, in one compiled loop."""

    @abstractmethod
    def iterate(
        self, minimization: Minimization[BatchT], state: State[MemoryT], batch: BatchT
    ) -> State[MemoryT]:
        """Return the state after one iteration.

        Its `status` may be SEARCH_FAILED; `judge` finds all other reasons to stop.
        """

    def judge(
        self,
        minimization: Minimization[BatchT],
        old: State[MemoryT],
        new: State[MemoryT],
        batch: BatchT,
        limits: Limits,
    ) -> State[MemoryT]:
        """Return the state after an iteration with its status and the best position so far."""
        return judge(old, new, limits)

    def bind(self, minimization: Minimization[BatchT]) -> BoundOptimizer[MemoryT, BatchT]:
        """Return the optimizer bound to a minimization."""
        return GraphLoop(self, minimization)


class GraphLoop(BoundOptimizer[MemoryT, BatchT]):
    """A graph optimizer bound to a minimization: one compiled loop."""

    optimizer: GraphOptimizer[MemoryT]

    def __init__(
        self, optimizer: GraphOptimizer[MemoryT], minimization: Minimization[BatchT]
    ) -> None:
        super().__init__(optimizer, minimization)

    @tf.function(autograph=False)
    def advance(
        self, state: State[MemoryT], batch: BatchT, steps: tf.Tensor, limits: Limits
    ) -> tuple[State[MemoryT], Trace]:
        """Return the state after at most `steps` iterations, fewer at a limit, and their trace."""
        columns: list[tf.TensorArray] = []
        for dtype in Trace.dtypes(state.loss.dtype):
            columns.append(tf.TensorArray(dtype, size=0, dynamic_size=True))

        def go_on(count: tf.Tensor, state: State[MemoryT], *_: tf.TensorArray) -> tf.Tensor:
            return (count < steps) & tf.equal(state.status, Status.RUNNING)

        def body(count: tf.Tensor, old: State[MemoryT], *columns: tf.TensorArray) -> Any:
            moved = self.optimizer.iterate(self.minimization, old, batch)
            new = self.optimizer.judge(self.minimization, old, moved, batch, limits)
            written: list[tf.TensorArray] = []
            for column, value in zip(columns, Trace.row(new), strict=True):
                written.append(column.write(count, value))
            return count + 1, new, *written

        start = (tf.constant(0), state, *columns)
        _, state, *columns = tf.while_loop(go_on, body, start, parallel_iterations=1)
        return state, Trace(*[column.stack() for column in columns])


class PythonLoop(BoundOptimizer[MemoryT, BatchT]):
    """An optimizer bound to a minimization: a loop in Python around compiled programs."""

    def __init__(self, optimizer: Optimizer[MemoryT], minimization: Minimization[BatchT]) -> None:
        super().__init__(optimizer, minimization)
        self._judge = tf.function(judge, autograph=False)

    @abstractmethod
    def iterate(self, state: State[MemoryT], batch: BatchT) -> State[MemoryT]:
        """Return the state after one iteration, not yet judged."""

    @abstractmethod
    def prepare(self, state: State[MemoryT], batch: BatchT) -> None:
        """Compile what an iteration needs."""

    def advance(
        self, state: State[MemoryT], batch: BatchT, steps: tf.Tensor, limits: Limits
    ) -> tuple[State[MemoryT], Trace]:
        """Return the state after at most `steps` iterations, fewer at a limit, and their trace."""
        if int(steps) == 0:
            self.prepare(state, batch)
        rows: list[Trace] = []
        while len(rows) < int(steps) and int(state.status) == Status.RUNNING:
            state = self._judge(state, self.iterate(state, batch), limits)
            rows.append(Trace.row(state))
        return state, Trace.stack(rows, state.loss.dtype)


def judge(old: State[MemoryT], new: State[MemoryT], limits: Limits) -> State[MemoryT]:
    """Return the new state with its status; where it is not finite, at the old position."""
    tests = [
        (Status.TARGET, new.loss <= limits.target),
        # A gradient of zero leaves no optimizer a direction, so this test is on even where its
        # limit is off.
        (
            Status.GRADIENT,
            tf.reduce_max(tf.abs(new.gradient)) <= tf.maximum(limits.gradient, 0),
        ),
        (
            Status.POSITION,
            tf.reduce_max(tf.abs(new.position - old.position)) <= limits.position,
        ),
        (
            Status.LOSS_CHANGE,
            tf.abs(old.loss - new.loss) <= limits.loss_change * tf.abs(old.loss),
        ),
        (
            Status.EVALUATIONS,
            (limits.evaluations >= 0) & (new.evaluations >= limits.evaluations),
        ),
    ]
    # The first test that is met gives the status.
    status = new.status
    for code, met in tests:
        status = tf.where(tf.equal(status, Status.RUNNING) & met, code, status)
    # A state that is not finite falls back to the old position.
    finite = is_finite(new.loss, new.gradient) & tf.reduce_all(tf.math.is_finite(new.position))
    better = finite & (new.loss < old.best_loss)
    return new._replace(
        position=tf.where(finite, new.position, old.position),
        loss=tf.where(finite, new.loss, old.loss),
        gradient=tf.where(finite, new.gradient, old.gradient),
        best_position=tf.where(better, new.position, old.best_position),
        best_loss=tf.where(better, new.loss, old.best_loss),
        # A conditional, because a memory may be a large matrix.
        memory=tf.cond(finite, lambda: new.memory, lambda: old.memory),
        status=tf.where(finite, status, Status.NOT_FINITE),
    )
