# pyright: strict, reportUnknownArgumentType=false, reportUnknownLambdaType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUntypedFunctionDecorator=false
"""The interface of all optimizers: what they minimize, their state, and how a loop drives them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.optimizers.least_squares import SumOfSquares
from pinn.optimizers.memories import Arrays, from_arrays, layout
from pinn.settings import Settings

BatchT = TypeVar("BatchT")
MemoryT = TypeVar("MemoryT", bound=tuple[object, ...] | Arrays)
"""The memory of an optimizer: a NamedTuple of tensors and of tuples of them, or its arrays."""

Function = Callable[[tf.Tensor, BatchT], tuple[tf.Tensor, tf.Tensor]]
"""(position [p], batch) -> (loss, gradient [p])."""

Subset = Callable[[BatchT, tf.Tensor, float], BatchT]
"""(batch, start, share) -> a share of the batch from `start` on.

Both are shares of the batch, which is periodic.
"""

Shape = tuple[int, ...]


class Status(IntEnum):
    """Why the iterations ended, or that they go on."""

    RUNNING = 0
    TARGET = 1
    GRADIENT = 2
    POSITION = 3
    LOSS_CHANGE = 4
    EVALUATIONS = 5
    SEARCH_FAILED = 6
    NOT_FINITE = 7


@dataclass(frozen=True)
class Minimization(Generic[BatchT]):
    """What is known of the function that is minimized.

    Attributes:
        function: (position [p], batch) -> (loss, gradient [p]).
        residuals: the same loss as a sum of squares.
        shapes: shapes of the variables that make up the position, in its order.
        subset: how to take a subset of a batch; the function on a subset estimates the function on
            the batch.
    """

    function: Function[BatchT]
    residuals: SumOfSquares[BatchT] | None = None
    shapes: Sequence[Shape] | None = None
    subset: Subset[BatchT] | None = None

    def squares(self, optimizer: str) -> SumOfSquares[BatchT]:
        """Return the loss as a sum of squares, which an optimizer of a name needs.

        Raises:
            InputError: where there is only a loss.
        """
        if self.residuals is None:
            raise InputError(
                f"{optimizer}: needs residuals, and here is only a loss; use LBFGS, or give "
                "`Residuals`."
            )
        return self.residuals


class State(NamedTuple, Generic[MemoryT]):
    """State between two iterations: nothing but tensors, so that a checkpoint is a copy of it.

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
    status: tf.Tensor  # a `Status`
    memory: MemoryT


class Limits(NamedTuple):
    """Tests after every iteration; a negative number switches a test off."""

    target: tf.Tensor  # stop at a loss of at most this
    gradient: tf.Tensor  # … a largest gradient component of at most this
    position: tf.Tensor  # … a largest change of a parameter of at most this
    loss_change: tf.Tensor  # … a relative change of the loss of at most this
    evaluations: tf.Tensor  # … at least this number of evaluations


class Trace(NamedTuple):
    """What happened in every iteration of an `advance`, [iterations] each."""

    loss: tf.Tensor
    evaluations: tf.Tensor
    gradient: tf.Tensor  # largest component
    step: tf.Tensor

    @staticmethod
    def dtypes(dtype: tf.DType) -> tuple[tf.DType, ...]:
        """Return the dtypes of a trace's entries for a loss of a dtype."""
        return (dtype, tf.int32, dtype, dtype)

    @staticmethod
    def row(state: State[Any]) -> Trace:
        """Return one row of a trace, scalars, from the state after an iteration."""
        return Trace(
            state.loss, state.evaluations, tf.reduce_max(tf.abs(state.gradient)), state.step
        )

    @staticmethod
    def stack(rows: Sequence[Trace], dtype: tf.DType) -> Trace:
        """Return the trace of a number of rows, possibly none."""
        columns: list[tf.Tensor] = []
        for place, kind in enumerate(Trace.dtypes(dtype)):
            columns.append(tf.convert_to_tensor([row[place] for row in rows], kind))
        return Trace(*columns)

    @staticmethod
    def join(traces: Sequence[Trace]) -> Trace:
        """Return one trace from several that follow one another."""
        columns: list[tf.Tensor] = []
        for place in range(len(Trace._fields)):
            columns.append(tf.concat([trace[place] for trace in traces], 0))
        return Trace(*columns)


@dataclass(frozen=True, kw_only=True)
class Optimizer(Settings, ABC, Generic[MemoryT]):
    """The settings of an optimizer; `bind` gives the `BoundOptimizer` that works on one function.

    Attributes:
        label: display name.
        single_steps: whether an iteration is one step that compares no losses, so that the weights
            of the loss may change between iterations without a restart.
    """

    label: ClassVar[str]
    single_steps: ClassVar[bool] = False

    @abstractmethod
    def bind(self, minimization: Minimization[BatchT]) -> BoundOptimizer[MemoryT, BatchT]:
        """Return the optimizer bound to a minimization.

        Raises:
            InputError: where the optimizer needs more than the minimization knows.
        """

    @abstractmethod
    def memory(
        self,
        minimization: Minimization[BatchT],
        position: tf.Tensor,
        gradient: tf.Tensor,
        shrink: tf.Tensor,
    ) -> MemoryT:
        """Return an empty memory at a position [p]; `shrink` ≤ 1 asks for a more careful start."""

    def renew_memory(self, old: MemoryT, fresh: MemoryT) -> MemoryT:
        """Return the memory for a new loss at the same position, given an old and a fresh one."""
        return fresh

    def why_left_out(self, size: int, dtype: str) -> str | None:
        """Return why a phase with `size` parameters is left out; None where it is not."""
        return None

    def validate(self, size: int, dtype: str) -> None:
        """Raise an InputError where the optimizer cannot work on `size` parameters.

        Called before a run begins.
        """


class BoundOptimizer(ABC, Generic[MemoryT, BatchT]):
    """An optimizer bound to a minimization.

    `start`, `restart` and `renew` are compiled graphs, traced once each.
    """

    def __init__(self, optimizer: Optimizer[MemoryT], minimization: Minimization[BatchT]) -> None:
        self.optimizer = optimizer
        self.minimization = minimization

    @abstractmethod
    def advance(
        self, state: State[MemoryT], batch: BatchT, steps: tf.Tensor, limits: Limits
    ) -> tuple[State[MemoryT], Trace]:
        """Return the state after at most `steps` iterations, fewer at a limit, and their trace.

        An advance by no steps compiles what an iteration needs.
        """

    @tf.function(autograph=False)
    def start(self, position: tf.Tensor, batch: BatchT) -> State[MemoryT]:
        """Return the state at a position [p], after one evaluation."""
        shrink = tf.ones([], position.dtype)
        return self._evaluate(position, batch, shrink, tf.constant(0), tf.constant(0))

    @tf.function(autograph=False)
    def restart(self, state: State[MemoryT], batch: BatchT, shrink: tf.Tensor) -> State[MemoryT]:
        """Return the best state with an empty memory and a more careful first step."""
        new = self._evaluate(
            state.best_position, batch, shrink, state.iterations, state.evaluations
        )
        # A function that is no longer finite where it was before leaves the state as it was, except
        # for the count of evaluations.
        finite = tf.not_equal(new.status, Status.NOT_FINITE)
        old = state._replace(evaluations=new.evaluations, status=new.status)
        return tf.nest.map_structure(lambda a, b: tf.where(finite, a, b), new, old)

    @tf.function(autograph=False)
    def renew(self, state: State[MemoryT], batch: BatchT) -> State[MemoryT]:
        """Return the state at the same position for a new loss (other points or weights)."""
        shrink = tf.ones([], state.position.dtype)
        new = self._evaluate(state.position, batch, shrink, state.iterations, state.evaluations)
        return new._replace(memory=self.optimizer.renew_memory(state.memory, new.memory))

    def fits(self, state: State[Any]) -> bool:
        """Return whether a state's memory has the names, shapes and dtypes of this optimizer's.

        Nothing is computed or compiled.
        """
        return layout(state.memory) == layout(self._blank_memory(state.position))

    def restore(self, state: State[Any]) -> State[MemoryT]:
        """Return a state whose memory may be arrays, with the memory of this optimizer instead."""
        if not isinstance(state.memory, Mapping):
            return state
        arrays: Arrays = state.memory
        return with_memory(state, from_arrays(arrays, self._blank_memory(state.position)))

    def _blank_memory(self, position: tf.Tensor) -> MemoryT:
        """Return a memory of symbolic tensors, which have only shapes and dtypes."""
        with tf.Graph().as_default():
            vector = tf.zeros(position.shape, position.dtype)
            shrink = tf.ones([], position.dtype)
            return self.optimizer.memory(self.minimization, vector, vector, shrink)

    def _evaluate(
        self,
        position: tf.Tensor,
        batch: BatchT,
        shrink: tf.Tensor,
        iterations: tf.Tensor,
        evaluations: tf.Tensor,
    ) -> State[MemoryT]:
        loss, gradient = self.minimization.function(position, batch)
        status = tf.where(tf.reduce_any(gradient != 0), Status.RUNNING, Status.GRADIENT)
        status = tf.where(is_finite(loss, gradient), status, Status.NOT_FINITE)
        return State(
            position=position,
            loss=loss,
            gradient=gradient,
            best_position=position,
            best_loss=loss,
            iterations=iterations,
            evaluations=evaluations + 1,
            step=tf.zeros([], position.dtype),
            status=tf.cast(status, tf.int32),
            memory=self.optimizer.memory(self.minimization, position, gradient, shrink),
        )


def is_finite(loss: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    """Return whether a loss and all components of its gradient are finite."""
    return tf.math.is_finite(loss) & tf.reduce_all(tf.math.is_finite(gradient))


def with_memory(state: State[Any], memory: MemoryT) -> State[MemoryT]:
    """Return a state with a memory of another type."""
    return State(*state[:-1], memory)


def trace_and_call(program: Callable[..., Any], *arguments: Any) -> Any:
    """Call one of a bound optimizer's methods for the first time.

    TensorFlow identifies functions by their code.  It takes the first calls of five bound
    optimizers' methods, as in five calls of `fit`, for one function that is traced again and again,
    and warns.  It does not count a function that was traced before it was called.
    """
    # A method that is plain Python has nothing to trace, nor has anything where functions run
    # eagerly.
    if hasattr(program, "get_concrete_function") and not tf.config.functions_run_eagerly():
        program.get_concrete_function(*arguments)  # type: ignore
    return program(*arguments)


def forget_best(state: State[MemoryT]) -> State[MemoryT]:
    """Return a single-step optimizer's state for a loss with other weights, without an evaluation.

    Losses under other weights do not compare, so the best position is forgotten.  The gradient
    remains that of the old weights for one more step, which saves an evaluation per update; weights
    that take effect one step late are as good.
    """
    infinity = tf.constant(np.inf, state.loss.dtype)
    return state._replace(best_position=state.position, best_loss=infinity)
