"""When a phase stops, and why, in words."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from pinn.optimizers import Limits
from pinn.optimizers import interface as codes
from pinn.settings import Settings, at_least, count

INTERRUPTED = "interrupted by the user (Ctrl-C); resume to go on"
_OFF = "a number of at least 0, or null to switch it off"


@dataclass(frozen=True, kw_only=True)
class StopRule(Settings):
    """Budgets and tests of a phase; None switches one off.

    Attributes:
        max_iterations: iterations.
        max_evaluations: evaluations of loss and gradient; a line search takes several an iteration.
        max_seconds: wall-clock seconds of this phase, to within an iteration.
        target_loss: stop at this loss or below, checked at every iteration.
        gradient_tolerance: … when the largest component of the gradient is at most this.
        position_tolerance: … when no weight changes by more than this in one iteration.
        loss_tolerance: … when the loss changes by at most this share in one iteration.
        patience: … after so many iterations without the loss falling by one part in a thousand.
        max_restarts: failed line searches or values that are not finite, one after another, that
            are survived.

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

    def words(self, status: int) -> str:
        """Return the reason behind a status of the compiled loop."""
        return {
            codes.TARGET: f"target reached: loss at most {self.target_loss:g}"
            if self.target_loss is not None
            else "",
            codes.GRADIENT: f"converged: largest gradient component at most {self.gradient_tolerance or 0}",
            codes.POSITION: f"converged: no weight changed by more than {self.position_tolerance}",
            codes.LOSS_CHANGE: f"converged: loss changed by at most {self.loss_tolerance} of itself",
            codes.EVALUATIONS: f"evaluation budget used: {self.max_evaluations}",
        }[status]

    def gave_up(self, status: int, failures: int) -> str:
        """Return the reason for stopping after failures one after another."""
        if status == codes.NOT_FINITE:
            return f"loss or gradient not finite {failures} times after restarts; kept the best finite state"
        return f"line search failed {failures} times after restarts: no lower loss along any direction in this precision"
