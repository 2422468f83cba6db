"""SciPy's L-BFGS-B, which can keep every number of the flat vector between bounds."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, ClassVar

import numpy as np
import scipy.optimize
import tensorflow as tf

from pinn.arrays import static_size
from pinn.errors import InputError
from pinn.optimizers.interface import (
    SEARCH_FAILED,
    Function,
    LoopedStepper,
    Optimizer,
    State,
    Stepper,
)
from pinn.optimizers.least_squares import SumOfSquares

Bound = float | Sequence[float] | None
WITHOUT_END = 2_000_000_000  # iterations and evaluations: the trainer's rules stop, not SciPy's


@dataclass(frozen=True, kw_only=True)
class LBFGSB(Optimizer):
    """SciPy's L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995, doi:10.1137/0916069), bit by bit, in double precision.

        minimize f(x),  lower ≤ x ≤ upper

    SciPy's loop cannot be left and entered again, and its memory cannot be had.  So it runs in a
    thread of its own that asks for values, and the state holds the run's origin and the number of
    its iterations: within a process the run goes on, and after a resume it is *repeated* from its
    origin, which gives the same bits and takes the time that the repeated iterations took.  A
    redraw of the points or a restart begins a new run, with an empty memory: for runs with many
    redraws take `LBFGS`.

    SciPy's own tests are off.  A run that ends all the same (no lower value along its direction)
    counts as a failed line search.  In the state, gradient components that point out of the bounds
    are zero, so that its tests are those of a bounded minimum.

    Attributes:
        pairs: number of correction pairs (SciPy's `maxcor`).
        line_search_iterations: most evaluations of one line search (SciPy's `maxls`).
        lower: lower bounds: a number for all, one for each, or None.  A start outside is moved to
            the bound.
        upper: upper bounds, alike.  Unknown coefficients of a problem have bounds of their own
            (`Unknown`), which hold under every optimizer; these here bound the raw vector.

    Raises:
        InputError: for numbers that are not positive, or bounds that cross or do not fit the
            vector.
    """

    label: ClassVar[str] = "L-BFGS-B"
    pairs: int = 50
    line_search_iterations: int = 50
    lower: Bound = None
    upper: Bound = None

    def __post_init__(self) -> None:
        for name in ("pairs", "line_search_iterations"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InputError(f"LBFGSB: {name}={value!r}; give a whole number of at least 1.")
        for name in ("lower", "upper"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, int | float):
                object.__setattr__(self, name, tuple(float(v) for v in value))
            if np.any(np.isnan(np.asarray(getattr(self, name) or 0.0, float))):
                raise InputError(f"LBFGSB: {name}={value!r}; give numbers, or null for no bound.")
        sizes = [len(bound) for bound in (self.lower, self.upper) if isinstance(bound, Sequence)]
        self.bounds(max(sizes, default=1))

    def bounds(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds of a vector [size]; infinite where there are none."""
        found = []
        for name, none in (("lower", -math.inf), ("upper", math.inf)):
            value = getattr(self, name)
            if isinstance(value, Sequence) and len(value) != size:
                raise InputError(
                    f"LBFGSB: {len(value)} {name} bounds for {size} numbers; give one for each."
                )
            found.append(
                np.broadcast_to(np.asarray(none if value is None else value, float), [size])
            )
        crossed = np.flatnonzero(found[0] > found[1])
        if len(crossed):
            low, high = (float(b[crossed[0]]) for b in found)
            raise InputError(
                f"LBFGSB: lower={low:g} above upper={high:g}; give bounds with room between them."
            )
        return found[0], found[1]

    def memory(
        self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return where SciPy's run begins, and the unit of length in which it takes its first step of one."""
        return {"origin": position, "count": tf.constant(0), "unit": shrink}

    def iterate(self, function: Function, state: State, batch: Any) -> State:
        """Raise an error: SciPy's loop is not TensorFlow's."""
        raise InputError("LBFGSB: works outside of TensorFlow's graphs; see LBFGSB.compile.")

    def compile(self, function: Function, squares: SumOfSquares | None = None, **_: Any) -> Stepper:
        """Return the start, advance and restart for a function."""
        return _Stepper(self, function)


class _Stepper(LoopedStepper):
    """L-BFGS-B bound to a function, and the run that is under way."""

    def __init__(self, optimizer: LBFGSB, function: Function) -> None:
        super().__init__(optimizer, self._projected)
        self.settings, self.value = optimizer, tf.function(function, autograph=False)
        self.run: _Run | None = None

    def start(self, position: tf.Tensor, batch: Any) -> State:
        """Return the state at a position [p], moved between the bounds, after one evaluation."""
        lower, upper = self._bounds(position)
        return super().start(tf.clip_by_value(position, lower, upper), batch)

    def prepare(self, state: State, batch: Any) -> None:
        """Compile the function."""
        self.value.get_concrete_function(state.position, batch)

    def iterated(self, state: State, batch: Any) -> State:
        """Return the state after one iteration of SciPy's, which an earlier one may have to precede."""
        if self.run is None or not self.run.stands_at(state, batch):
            self.run = _Run(self.settings, state, batch)
            for _ in range(int(state.memory["count"])):
                self.run.iterate(self.value)
        before = self.run.evaluations
        found = self.run.iterate(self.value)
        evaluations = state.evaluations + (self.run.evaluations - before)
        if found is None:
            failed = tf.constant(SEARCH_FAILED)
            return state._replace(
                status=failed, iterations=state.iterations + 1, evaluations=evaluations
            )
        position, loss, gradient = found
        return state._replace(
            position=position,
            loss=loss,
            gradient=self._inward(position, gradient),
            iterations=state.iterations + 1,
            evaluations=evaluations,
            step=tf.norm(position - state.position),
            memory=state.memory | {"count": tf.constant(self.run.count)},
        )

    def _projected(self, position: tf.Tensor, batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
        loss, gradient = self.value(position, batch)
        return loss, self._inward(position, gradient)

    def _inward(self, position: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        """Return a gradient without the components along which a bound allows no descent."""
        lower, upper = self._bounds(position)
        stuck = ((position <= lower) & (gradient > 0)) | ((position >= upper) & (gradient < 0))
        return tf.where(stuck, tf.zeros_like(gradient), gradient)

    def _bounds(self, position: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(
            tf.constant(b, position.dtype) for b in self.settings.bounds(static_size(position))
        )


class _Run:
    """A run of SciPy's from an origin: a thread that asks for values and tells of its iterations."""

    def __init__(self, settings: LBFGSB, state: State, batch: Any) -> None:
        self.origin, self.unit, self.batch = (
            state.memory["origin"].numpy(),
            float(state.memory["unit"]),
            batch,
        )
        self.dtype, self.bounds = state.position.dtype, settings.bounds(len(self.origin))
        self.count = self.evaluations = 0
        self.last: tuple[np.ndarray, tf.Tensor, tf.Tensor, tf.Tensor] | None = None
        self.asked: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self.answers: SimpleQueue[tuple[float, np.ndarray] | None] = SimpleQueue()
        weakref.finalize(self, self.answers.put, None)  # ends the thread
        start, bounds = (
            self.origin.astype(np.float64) / self.unit,
            np.stack(self.bounds, 1) / self.unit,
        )
        options = {"maxcor": settings.pairs, "maxls": settings.line_search_iterations}
        bounded = bool(np.any(np.isfinite(bounds)))
        arguments = (self.asked, self.answers, start, bounds if bounded else None, options)
        Thread(target=_talk, args=arguments, daemon=True, name="L-BFGS-B").start()

    def stands_at(self, state: State, batch: Any) -> bool:
        """Say whether this run has just made the iteration that led to a state."""
        same = batch is self.batch and self.count == int(state.memory["count"])
        return (
            same
            and float(state.memory["unit"]) == self.unit
            and np.array_equal(state.memory["origin"], self.origin)
        )

    def iterate(self, function: Any) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor] | None:
        """Return position, loss and gradient after one more iteration; None if SciPy has ended."""
        if self.count or self.last is not None:
            self.answers.put((0.0, self.origin))  # to the iteration that was told last: go on
        while True:
            question, point = self.asked.get()
            if question == "error":
                raise point
            if question == "end":
                self.asked.put((question, point))  # and so to whoever asks again
                return None
            if self.last is None or not np.array_equal(self.last[0], point):
                self.last = self._evaluated(function, point)
            _, position, loss, gradient = self.last
            finite = bool(tf.math.is_finite(loss)) and bool(
                tf.reduce_all(tf.math.is_finite(gradient))
            )
            if (
                question == "iteration" or not finite
            ):  # what is not finite, SciPy cannot bear: the loop rolls back
                self.count += 1
                return position, loss, gradient
            self.answers.put((float(loss), self.unit * gradient.numpy().astype(np.float64)))

    def _evaluated(
        self, function: Any, point: np.ndarray
    ) -> tuple[np.ndarray, tf.Tensor, tf.Tensor, tf.Tensor]:
        position = tf.constant(np.clip(self.unit * point, *self.bounds), self.dtype)
        self.evaluations += 1
        return point, position, *function(position, self.batch)


class _Ended(Exception):
    """Nobody wants to know any more."""


def _talk(
    asked: Any, answers: Any, start: np.ndarray, bounds: np.ndarray | None, options: dict[str, int]
) -> None:
    """Run SciPy's optimizer; every value that it needs and every iteration that it made is put to `asked`."""

    def put(question: str, point: np.ndarray) -> Any:
        asked.put((question, point.copy()))
        answer = answers.get()
        if answer is None:
            raise _Ended
        return answer

    def told(xk: np.ndarray) -> None:
        put("iteration", xk)

    try:
        scipy.optimize.minimize(
            lambda x: put("value", x), start, jac=True, method="L-BFGS-B", bounds=bounds, callback=told,
            options={"ftol": 0.0, "gtol": 0.0, "maxiter": WITHOUT_END, "maxfun": WITHOUT_END, **options},
        )  # fmt: skip
    except _Ended:
        return
    except Exception as error:
        asked.put(("error", error))
        return
    asked.put(("end", None))
