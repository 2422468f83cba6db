"""When a phase stops, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import tensorflow as tf

from pinn.optimizers.interface import Limits, Status
from pinn.settings import Settings, at_least, count

_OFF = "a number of at least 0, or null to switch it off"


class StopKind(StrEnum):
    """The kinds of reasons for which a phase stops."""

    TARGET = "target"
    GRADIENT = "gradient"
    POSITION = "position"
    LOSS_CHANGE = "loss change"
    ITERATIONS = "iterations"
    EVALUATIONS = "evaluations"
    SECONDS = "seconds"
    PATIENCE = "patience"
    SEARCH_FAILED = "search failed"
    NOT_FINITE = "not finite"
    CALLBACK = "callback"
    WINDOW = "window"
    TOO_LONG = "window too long"
    MODE = "mode"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class StopReason:
    """Why a phase stopped.

    Attributes:
        kind: for programs.
        text: for people, one line.
    """

    kind: StopKind
    text: str

    def __str__(self) -> str:
        return self.text


def interrupted(by: str) -> StopReason:
    """Return the reason of a run that was asked to end by Ctrl-C or another signal."""
    return StopReason(StopKind.INTERRUPTED, f"interrupted by {by}; resume to continue")


@dataclass(frozen=True, kw_only=True)
class StopRule(Settings):
    """Budgets and tests of a phase; None switches one off.

    Attributes:
        max_iterations: iterations.
        max_evaluations: evaluations of loss and gradient; a line search takes several per
            iteration.
        max_seconds: wall-clock seconds of this phase, to within an iteration.
        target_loss: stop at this loss or below, tested after every iteration.
        gradient_tolerance: … when the largest component of the gradient is at most this.
        position_tolerance: … when no parameter changes by more than this in one iteration.
        loss_tolerance: … when the loss changes by at most this share in one iteration.
        patience: … after this number of iterations in which the loss does not fall by one part in
            a thousand.
        max_restarts: successive failures (of line searches, or values that are not finite) after
            which the phase restarts.

    Raises:
        InputError: for a budget below 1 or a negative tolerance.
    """

    max_iterations: int = count(1000, least=0)
    max_evaluations: int | None = count(None)
    max_seconds: float | None = at_least(0, None, words=_OFF)
    target_loss: float | None = at_least(0, None, words=_OFF)
    gradient_tolerance: float | None = at_least(0, None, words=_OFF)
    position_tolerance: float | None = at_least(0, None, words=_OFF)
    loss_tolerance: float | None = at_least(0, None, words=_OFF)
    patience: int | None = count(None)
    max_restarts: int = count(5, least=0)

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return f"stop.{name}"

    def limits(self, dtype: str) -> Limits:
        """Return the tests that are made inside the compiled loop."""

        def number(value: float | None) -> tf.Tensor:
            return tf.constant(-1.0 if value is None else value, dtype)

        return Limits(
            number(self.target_loss),
            number(self.gradient_tolerance),
            number(self.position_tolerance),
            number(self.loss_tolerance),
            tf.constant(-1 if self.max_evaluations is None else self.max_evaluations),
        )

    def reason(self, status: Status) -> StopReason:
        """Return the reason for a status of the compiled loop that ends a phase."""
        if status == Status.TARGET:
            return StopReason(StopKind.TARGET, f"target reached: loss at most {self.target_loss:g}")
        if status == Status.GRADIENT:
            tolerance = self.gradient_tolerance or 0
            text = f"converged: largest gradient component at most {tolerance}"
            return StopReason(StopKind.GRADIENT, text)
        if status == Status.POSITION:
            text = f"converged: no parameter changed by more than {self.position_tolerance}"
            return StopReason(StopKind.POSITION, text)
        if status == Status.LOSS_CHANGE:
            text = "converged: another step would hardly reduce the loss"
            if self.loss_tolerance is not None:
                text = f"converged: loss changed by at most {self.loss_tolerance} of itself"
            return StopReason(StopKind.LOSS_CHANGE, text)
        assert status == Status.EVALUATIONS
        return StopReason(StopKind.EVALUATIONS, f"evaluation budget used: {self.max_evaluations}")

    def spent(self, iterations: int, seconds: float) -> StopReason | None:
        """Return the budget that a phase has used up, if there is one."""
        if iterations >= self.max_iterations:
            text = f"iteration budget used: {self.max_iterations}"
            return StopReason(StopKind.ITERATIONS, text)
        if self.max_seconds is not None and seconds >= self.max_seconds:
            return StopReason(StopKind.SECONDS, f"time budget used: {self.max_seconds:g} s")
        return None


def gave_up(status: Status, failures: int) -> StopReason:
    """Return the reason for stopping after a number of successive failures."""
    if status == Status.NOT_FINITE:
        return StopReason(
            StopKind.NOT_FINITE,
            f"loss or gradient not finite {failures} times after restarts; "
            f"kept the best finite state",
        )
    return StopReason(
        StopKind.SEARCH_FAILED,
        f"line search failed {failures} times after restarts: no lower loss along any direction "
        f"in this precision",
    )
