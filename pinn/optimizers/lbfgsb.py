# pyright: strict, reportMissingTypeStubs=false, reportUnknownMemberType=false
"""SciPy's L-BFGS-B, which can keep every number of the flat vector between bounds."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from threading import Thread
from typing import Any, ClassVar, NamedTuple

import numpy as np
import scipy.optimize
import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.errors import InputError
from pinn.optimizers.interface import (
    BatchT,
    BoundOptimizer,
    Function,
    Minimization,
    Optimizer,
    State,
    Status,
    is_finite,
)
from pinn.optimizers.loops import PythonLoop
from pinn.optimizers.memories import require_memory_of_pairs
from pinn.settings import count

Bound = float | Sequence[float] | None

UNLIMITED = 2_000_000_000  # iterations and evaluations: the trainer's rules stop, not SciPy's


class RunMemory(NamedTuple):
    """What identifies a run of SciPy's, and where it is."""

    origin: tf.Tensor  # position [p] at which the run begins
    iterations: tf.Tensor  # of the run
    unit: tf.Tensor  # unit of length in which SciPy's first step is of length one


@dataclass(frozen=True, kw_only=True)
class LBFGSB(Optimizer[RunMemory]):
    """SciPy's L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995, doi:10.1137/0916069), bit by bit.

        minimize f(x),  lower ≤ x ≤ upper

    It works in double precision.

    SciPy's loop cannot be left and entered again, and gives no access to its memory.  It therefore
    runs in a thread of its own that requests values, and the state holds the origin of the run and
    the number of its iterations.  Within a process the run goes on; after a resume it is *repeated*
    from its origin, which gives the same bits and takes as long as the repeated iterations took.
    A redraw of the points or a restart begins a new run, with an empty memory: for runs with many
    redraws use `LBFGS`.

    SciPy's own tests are off.  A run that ends nevertheless (no lower value along its direction)
    counts as a failed line search.  In the state, gradient components that point out of the bounds
    are zero, so that the tests are those of a bounded minimum.

    Attributes:
        pairs: number of correction pairs (SciPy's `maxcor`).
        line_search_iterations: maximum number of evaluations of one line search (SciPy's `maxls`).
        lower: lower bounds: one number for all, one per number, or None.  A start outside is moved
            to the bound.
        upper: upper bounds, likewise.  Unknown coefficients of a problem have bounds of their own
            (`Unknown`), which hold under every optimizer; the bounds here are those of the raw
            vector.

    Raises:
        InputError: for numbers that are not positive, or bounds that cross or do not fit the
            vector.
    """

    label: ClassVar[str] = "L-BFGS-B"
    pairs: int = count(50)
    line_search_iterations: int = count(50)
    lower: Bound = None
    upper: Bound = None

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = [1]
        for name in ("lower", "upper"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, int | float):
                object.__setattr__(self, name, tuple(float(v) for v in value))
                sizes.append(len(value))
            if value is not None and np.any(np.isnan(np.asarray(value, float))):
                raise InputError(f"LBFGSB: {name}={value!r}; give numbers, or null for no bound.")
        self.bounds(max(sizes))

    def bounds(self, size: int) -> tuple[Array, Array]:
        """Return the bounds of a vector [size], infinite where there are none."""
        lower = _bound(self.lower, size, "lower", -math.inf)
        upper = _bound(self.upper, size, "upper", math.inf)
        crossed = np.flatnonzero(lower > upper)
        if len(crossed):
            low, high = lower[crossed[0]], upper[crossed[0]]
            raise InputError(
                f"LBFGSB: lower={low:g} above upper={high:g}; give bounds with room between them."
            )
        return lower, upper

    def validate(self, size: int, dtype: str) -> None:
        """Raise an InputError where the pairs do not fit into the machine's memory."""
        require_memory_of_pairs(self.pairs, size, dtype)

    def bind(self, minimization: Minimization[BatchT]) -> BoundOptimizer[RunMemory, BatchT]:
        """Return the optimizer bound to a minimization."""
        return _BoundLBFGSB(self, minimization)

    def memory(
        self,
        minimization: Minimization[BatchT],
        position: tf.Tensor,
        gradient: tf.Tensor,
        shrink: tf.Tensor,
    ) -> RunMemory:
        """Return the memory of a run that begins here."""
        return RunMemory(origin=position, iterations=tf.constant(0), unit=shrink)


def _bound(value: Bound, size: int, name: str, default: float) -> Array:
    """Return a bound as a vector [size]."""
    if isinstance(value, Sequence) and len(value) != size:
        raise InputError(
            f"LBFGSB: {len(value)} {name} bounds for {size} numbers; give one for each."
        )
    return np.broadcast_to(np.asarray(default if value is None else value, float), [size])


class _BoundLBFGSB(PythonLoop[RunMemory, BatchT]):
    """L-BFGS-B bound to a minimization, and the run in progress."""

    def __init__(self, optimizer: LBFGSB, minimization: Minimization[BatchT]) -> None:
        super().__init__(optimizer, replace(minimization, function=self._project))
        self.settings = optimizer
        self.value: Any = tf.function(minimization.function, autograph=False)
        self.run: _Run | None = None

    def start(self, position: tf.Tensor, batch: BatchT) -> State[RunMemory]:
        """Return the state at a position [p], moved between the bounds, after one evaluation."""
        lower, upper = self._bounds(position)
        return super().start(tf.clip_by_value(position, lower, upper), batch)

    def prepare(self, state: State[RunMemory], batch: BatchT) -> None:
        """Compile the function."""
        self.value.get_concrete_function(state.position, batch)

    def iterate(self, state: State[RunMemory], batch: BatchT) -> State[RunMemory]:
        """Return the state after one iteration of SciPy's; its run may have to be repeated."""
        run = self._run_at(state, batch)
        before = run.evaluations
        iteration = run.iterate(self.value)
        evaluations = state.evaluations + (run.evaluations - before)
        if iteration is None:
            return state._replace(
                status=tf.constant(Status.SEARCH_FAILED),
                iterations=state.iterations + 1,
                evaluations=evaluations,
            )
        return state._replace(
            position=iteration.position,
            loss=iteration.loss,
            gradient=self._inward(iteration.position, iteration.gradient),
            iterations=state.iterations + 1,
            evaluations=evaluations,
            step=tf.norm(iteration.position - state.position),
            memory=state.memory._replace(iterations=tf.constant(run.count)),
        )

    def _run_at(self, state: State[RunMemory], batch: BatchT) -> _Run:
        """Return the run that has just made the iteration that led to a state."""
        if self.run is None or not self.run.is_at(state, batch):
            self.run = _Run(self.settings, state, batch)
            for _ in range(int(state.memory.iterations)):
                self.run.iterate(self.value)
        return self.run

    def _project(self, position: tf.Tensor, batch: BatchT) -> tuple[tf.Tensor, tf.Tensor]:
        loss, gradient = self.value(position, batch)
        return loss, self._inward(position, gradient)

    def _inward(self, position: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        """Return a gradient [p] without the components along which a bound allows no descent."""
        lower, upper = self._bounds(position)
        stuck = ((position <= lower) & (gradient > 0)) | ((position >= upper) & (gradient < 0))
        return tf.where(stuck, tf.zeros_like(gradient), gradient)

    def _bounds(self, position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        lower, upper = self.settings.bounds(static_size(position))
        return tf.constant(lower, position.dtype), tf.constant(upper, position.dtype)


class _Evaluation(NamedTuple):
    """Loss and gradient at a position."""

    point: Array  # SciPy's position [p], in units of the run
    position: tf.Tensor  # [p]
    loss: tf.Tensor
    gradient: tf.Tensor  # [p]


class _Run:
    """A run of SciPy's from an origin: a thread that requests values and reports its iterations."""

    def __init__(self, settings: LBFGSB, state: State[RunMemory], batch: object) -> None:
        self.origin: Array = state.memory.origin.numpy()
        self.unit = float(state.memory.unit)
        self.batch = batch
        self.dtype = state.position.dtype
        self.bounds = settings.bounds(len(self.origin))
        self.count = 0
        self.evaluations = 0
        self.last: _Evaluation | None = None
        self.requests: Requests = SimpleQueue()
        self.answers: Answers = SimpleQueue()
        weakref.finalize(self, self.answers.put, None)  # ends the thread
        start = self.origin.astype(np.float64) / self.unit
        bounds = None
        if np.any(np.isfinite(self.bounds)):
            bounds = np.stack(self.bounds, 1) / self.unit
        options = {"maxcor": settings.pairs, "maxls": settings.line_search_iterations}
        arguments = (self.requests, self.answers, start, bounds, options)
        Thread(target=_run_scipy, args=arguments, daemon=True, name="L-BFGS-B").start()

    def is_at(self, state: State[RunMemory], batch: object) -> bool:
        """Return whether this run has just made the iteration that led to a state."""
        memory = state.memory
        return (
            batch is self.batch
            and self.count == int(memory.iterations)
            and self.unit == float(memory.unit)
            and np.array_equal(memory.origin, self.origin)
        )

    def iterate(self, function: Function[Any]) -> _Evaluation | None:
        """Return the evaluation after one more iteration; None where SciPy has ended."""
        if self.count or self.last is not None:
            # Any answer to the last iteration's report lets SciPy go on.
            self.answers.put((0.0, self.origin))
        while True:
            request = self.requests.get()
            if request.error is not None:
                raise request.error
            if request.point is None:
                self.requests.put(request)  # for the next call
                return None
            if self.last is None or not np.array_equal(self.last.point, request.point):
                self.last = self._evaluate(function, request.point)
            # SciPy cannot handle a value that is not finite: the loop rolls back.
            finite = bool(is_finite(self.last.loss, self.last.gradient))
            if request.is_iteration or not finite:
                self.count += 1
                return self.last
            gradient = self.unit * self.last.gradient.numpy().astype(np.float64)
            self.answers.put((float(self.last.loss), gradient))

    def _evaluate(self, function: Function[Any], point: Array) -> _Evaluation:
        position = tf.constant(np.clip(self.unit * point, *self.bounds), self.dtype)
        self.evaluations += 1
        loss, gradient = function(position, self.batch)
        return _Evaluation(point, position, loss, gradient)


class _Request(NamedTuple):
    """What SciPy's thread asks for or reports; without a point, that SciPy has ended."""

    point: Array | None = None  # position [p] of a value or of an iteration
    is_iteration: bool = False
    error: Exception | None = None


Requests = SimpleQueue[_Request]
Answers = SimpleQueue[tuple[float, Array] | None]
"""Value and gradient [p]; None ends the thread."""


class _Abandoned(Exception):
    """The run is no longer needed."""


def _run_scipy(
    requests: Requests,
    answers: Answers,
    start: Array,
    bounds: Array | None,
    options: dict[str, int],
) -> None:
    """Run SciPy's optimizer; every value and every iteration goes through the queues."""

    def ask(point: Array, *, is_iteration: bool = False) -> tuple[float, Array]:
        requests.put(_Request(point.copy(), is_iteration))
        answer = answers.get()
        if answer is None:
            raise _Abandoned
        return answer

    def report(point: Array) -> None:
        ask(point, is_iteration=True)

    unlimited = {"ftol": 0.0, "gtol": 0.0, "maxiter": UNLIMITED, "maxfun": UNLIMITED}
    try:
        scipy.optimize.minimize(
            ask,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            callback=report,
            options={**unlimited, **options},
        )
    except _Abandoned:
        return
    except Exception as error:
        requests.put(_Request(error=error))
        return
    requests.put(_Request())
