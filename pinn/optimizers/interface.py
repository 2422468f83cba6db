"""The interface of all optimizers: `start`, `advance(steps)` and `restart` on one flat vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from pinn.optimizers.least_squares import SumOfSquares

Function = Callable[[tf.Tensor, Any], tuple[tf.Tensor, tf.Tensor]]
"""(position [p], batch) -> (loss, gradient [p])."""

Shape = tuple[int, ...]

Part = Callable[[Any, tf.Tensor, float], Any]
"""(batch, start, share) -> the part of a batch from `start` on, as shares of the whole, which has no end."""

RUNNING, TARGET, GRADIENT, POSITION, LOSS_CHANGE, EVALUATIONS, SEARCH_FAILED, NOT_FINITE = range(8)


class State(NamedTuple):
    """Where an optimizer stands; nothing but tensors, so that a checkpoint is a copy of it.

    `loss` and `gradient` belong to `position`; `memory` is the optimizer's own (moments, correction
    pairs).
    """

    position: tf.Tensor  # [p]
    loss: tf.Tensor
    gradient: tf.Tensor  # [p]
    best_position: tf.Tensor  # [p]
    best_loss: tf.Tensor
    iterations: tf.Tensor
    evaluations: tf.Tensor
    step: tf.Tensor  # length of the last step, or learning rate
    status: tf.Tensor
    memory: dict[str, tf.Tensor]


class Limits(NamedTuple):
    """Tests made after every iteration; a negative number switches a test off."""

    target: tf.Tensor  # stop at a loss of at most this
    gradient: tf.Tensor  # … a largest gradient component of at most this
    position: tf.Tensor  # … a largest change of a weight of at most this
    loss_change: tf.Tensor  # … a relative change of the loss of at most this
    evaluations: tf.Tensor  # … at least so many evaluations


class Trace(NamedTuple):
    """What happened in every iteration of an `advance`, [iterations] each."""

    loss: tf.Tensor
    evaluations: tf.Tensor
    gradient: tf.Tensor  # largest component
    step: tf.Tensor

    @staticmethod
    def row(state: State) -> tuple[tf.Tensor, ...]:
        """Return what a state adds to a trace."""
        return state.loss, state.evaluations, tf.reduce_max(tf.abs(state.gradient)), state.step

    @staticmethod
    def of(rows: Sequence[tuple[tf.Tensor, ...]], dtype: tf.DType) -> Trace:
        """Return the trace of rows, of which there may be none."""
        dtypes = (dtype, tf.int32, dtype, dtype)
        return Trace(
            *(tf.convert_to_tensor([row[i] for row in rows], d) for i, d in enumerate(dtypes))
        )


@dataclass(frozen=True, kw_only=True)
class Optimizer(ABC):
    """An optimizer's settings; `compile` gives the `Stepper` that works on one function.

    Attributes:
        label: the name that people read.
        single_steps: whether an iteration is one step that compares no losses, so that the loss's
            weights may change between iterations without a restart.
    """

    label: ClassVar[str]
    single_steps: ClassVar[bool] = False

    @abstractmethod
    def memory(
        self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return an empty memory; `shrink` ≤ 1 asks for a more careful start."""

    @abstractmethod
    def iterate(self, function: Function, state: State, batch: Any) -> State:
        """Return the state after one iteration; `status` may become SEARCH_FAILED, the rest is judged outside."""

    def renewed(self, old: State, new: State) -> State:
        """Return the state to go on from at a new loss; `new` has an empty memory."""
        return new

    def check(self, size: int, dtype: str) -> None:  # noqa: B027 (most can work on any number)
        """Raise an InputError where the optimizer cannot work on so many weights; asked before a run begins."""

    def compile(
        self,
        function: Function,
        squares: SumOfSquares | None = None,
        *,
        shapes: Sequence[Shape] | None = None,
        part: Part | None = None,
    ) -> Stepper:
        """Return the compiled start, advance and restart for a function, of which more may be known.

        Args:
            function: (position [p], batch) -> (loss, gradient [p]).
            squares: the same loss as a sum of squares.
            shapes: of the variables that make up the flat vector, in its order.
            part: how to take a part of a batch, on which the function is an estimate of that on the
                whole.
        """
        return Stepper(self, function)


class Stepper:
    """An optimizer bound to a function; each method is one compiled graph, traced once."""

    def __init__(self, optimizer: Optimizer, function: Function) -> None:
        self.optimizer, self.function = optimizer, function

    @tf.function(autograph=False)
    def start(self, position: tf.Tensor, batch: Any) -> State:
        """Return the state at a position [p], after one evaluation."""
        return self._fresh(
            position, batch, tf.ones([], position.dtype), tf.constant(0), tf.constant(0)
        )

    @tf.function(autograph=False)
    def restart(self, state: State, batch: Any, shrink: tf.Tensor) -> State:
        """Return the best state with an empty memory and a more careful first step."""
        new = self._fresh(state.best_position, batch, shrink, state.iterations, state.evaluations)
        # A function that is not finite where it was before leaves the state as it stood, but for
        # the count.
        finite = tf.not_equal(new.status, NOT_FINITE)
        old = state._replace(evaluations=new.evaluations, status=new.status)
        return tf.nest.map_structure(lambda a, b: tf.where(finite, a, b), new, old)

    @tf.function(autograph=False)
    def renew(self, state: State, batch: Any) -> State:
        """Return the state at the same position for a new loss (other points or weights)."""
        one = tf.ones([], state.position.dtype)
        new = self._fresh(state.position, batch, one, state.iterations, state.evaluations)
        return self.optimizer.renewed(state, new)

    @tf.function(autograph=False)
    def advance(
        self, state: State, batch: Any, steps: tf.Tensor, limits: Limits
    ) -> tuple[State, Trace]:
        """Return the state after at most `steps` iterations, fewer if a limit is met, and what happened."""
        arrays = [
            tf.TensorArray(d, size=0, dynamic_size=True)
            for d in (state.loss.dtype, tf.int32, *[state.loss.dtype] * 2)
        ]

        def body(i: tf.Tensor, old: State, *arrays: tf.TensorArray) -> tuple[Any, ...]:
            new = self.judge(old, self.optimizer.iterate(self.function, old, batch), batch, limits)
            return (
                i + 1,
                new,
                *(a.write(i, v) for a, v in zip(arrays, Trace.row(new), strict=True)),
            )

        _, state, *arrays = tf.while_loop(
            lambda i, s, *_: (i < steps) & tf.equal(s.status, RUNNING),
            body,
            (tf.constant(0), state, *arrays),
            parallel_iterations=1,
        )
        return state, Trace(*(a.stack() for a in arrays))

    def judge(self, old: State, new: State, batch: Any, limits: Limits) -> State:
        """Return the state after an iteration with its status and the best one so far."""
        return judged(old, new, limits)

    def _fresh(
        self,
        position: tf.Tensor,
        batch: Any,
        shrink: tf.Tensor,
        iterations: tf.Tensor,
        evaluations: tf.Tensor,
    ) -> State:
        loss, gradient = self.function(position, batch)
        status = tf.where(tf.reduce_any(gradient != 0), RUNNING, GRADIENT)
        status = tf.where(_finite(loss, gradient), status, NOT_FINITE)
        memory = self.optimizer.memory(position, gradient, shrink)
        zero = tf.zeros([], position.dtype)
        return State(
            position,
            loss,
            gradient,
            position,
            loss,
            iterations,
            evaluations + 1,
            zero,
            tf.cast(status, tf.int32),
            memory,
        )


def called(program: Callable[..., Any], *arguments: Any) -> Any:
    """Call one of a stepper's programs for the first time.

    TensorFlow tells functions apart by their code, and so takes the first calls of five steppers'
    programs, as of five calls of `fit`, for one function that is traced again and again, and warns.
    Of what was traced before it was called it keeps no count.
    """
    # Those of a `LoopedStepper` are Python's, and where functions run eagerly nothing is traced.
    if hasattr(program, "get_concrete_function") and not tf.config.functions_run_eagerly():
        program.get_concrete_function(*arguments)  # type: ignore
    return program(*arguments)


def reweighted(state: State) -> State:
    """Return a single-step optimizer's state for a loss of other weights, without an evaluation.

    Losses under other weights do not compare, so the best position is forgotten.  The gradient
    stays for one more
    step: a step late, the weights are as good, and an evaluation an update is saved.
    """
    return state._replace(
        best_position=state.position, best_loss=tf.constant(np.inf, state.loss.dtype)
    )


class LoopedStepper(Stepper):
    """A stepper whose iterations are Python's own, for algorithms of which only parts are TensorFlow's."""

    def __init__(self, optimizer: Optimizer, function: Function) -> None:
        super().__init__(optimizer, function)
        self._judged = tf.function(judged, autograph=False)

    @abstractmethod
    def iterated(self, state: State, batch: Any) -> State:
        """Return the state after one iteration, not yet judged."""

    def prepare(self, state: State, batch: Any) -> None:
        """Compile what an iteration needs."""

    def advance(
        self, state: State, batch: Any, steps: tf.Tensor, limits: Limits
    ) -> tuple[State, Trace]:
        """Return the state after at most `steps` iterations, fewer if a limit is met, and what happened."""
        rows: list[tuple[tf.Tensor, ...]] = []
        if int(steps) == 0:
            self.prepare(state, batch)
        while len(rows) < int(steps) and int(state.status) == RUNNING:
            state = self._judged(state, self.iterated(state, batch), limits)
            rows.append(Trace.row(state))
        return state, Trace.of(rows, state.loss.dtype)


def _finite(loss: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    return tf.math.is_finite(loss) & tf.reduce_all(tf.math.is_finite(gradient))


def judged(old: State, new: State, limits: Limits) -> State:
    """Return the new state with its status; one that is not finite falls back to the old position."""
    tests = [
        (TARGET, new.loss <= limits.target),
        # A gradient of zero leaves no optimizer a direction, so this test is on even where its
        # limit is off.
        (GRADIENT, tf.reduce_max(tf.abs(new.gradient)) <= tf.maximum(limits.gradient, 0)),
        (POSITION, tf.reduce_max(tf.abs(new.position - old.position)) <= limits.position),
        (LOSS_CHANGE, tf.abs(old.loss - new.loss) <= limits.loss_change * tf.abs(old.loss)),
        (EVALUATIONS, (limits.evaluations >= 0) & (new.evaluations >= limits.evaluations)),
    ]
    status = new.status
    for code, met in tests:
        status = tf.where(tf.equal(status, RUNNING) & met, code, status)
    finite = _finite(new.loss, new.gradient) & tf.reduce_all(tf.math.is_finite(new.position))
    better = finite & (new.loss < old.best_loss)
    keep = lambda yes, a, b: tf.where(yes, a, b)  # noqa: E731
    return new._replace(
        position=keep(finite, new.position, old.position),
        loss=keep(finite, new.loss, old.loss),
        gradient=keep(finite, new.gradient, old.gradient),
        best_position=keep(better, new.position, old.best_position),
        best_loss=keep(better, new.loss, old.best_loss),
        memory=tf.cond(
            finite, lambda: new.memory, lambda: old.memory
        ),  # a memory may be a large matrix
        status=tf.where(finite, status, NOT_FINITE),
    )
