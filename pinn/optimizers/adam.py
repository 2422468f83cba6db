"""Adam on a flat vector, with a schedule for its learning rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import tensorflow as tf

from pinn.errors import InputError
from pinn.optimizers.interface import Function, Optimizer, State

Schedule = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980).

    Attributes:
        learning_rate: a positive number, or a schedule from iteration to learning rate, such as
            `keras.optimizers.schedules.ExponentialDecay`.
        beta_1: decay of the mean of gradients.
        beta_2: decay of the mean of squared gradients.
        epsilon: added to the root of the latter.

    Raises:
        InputError: for a learning rate that is not positive or decays outside [0, 1).
    """

    label: ClassVar[str] = "Adam"
    single_steps: ClassVar[bool] = True
    learning_rate: float | Schedule = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check(self)

    def memory(
        self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return zero moments; `shrink` stays as a factor of the learning rate."""
        zero = tf.zeros_like(position)
        return {
            "mean": zero,
            "square": zero,
            "count": tf.zeros([], position.dtype),
            "shrink": shrink,
        }

    def iterate(self, function: Function, state: State, batch: Any) -> State:
        """Return the state after one update and one evaluation."""
        m, g = state.memory, state.gradient
        count = m["count"] + 1
        mean = self.beta_1 * m["mean"] + (1 - self.beta_1) * g
        square = self.beta_2 * m["square"] + (1 - self.beta_2) * g * g
        rate = m["shrink"] * rate_at(self, state)
        unbiased = tf.sqrt(square / (1 - self.beta_2**count)) + self.epsilon
        position = state.position - rate * mean / (1 - self.beta_1**count) / unbiased
        memory = {"mean": mean, "square": square, "count": count, "shrink": m["shrink"]}
        return arrived(function, state._replace(position=position, step=rate, memory=memory), batch)

    def renewed(self, old: State, new: State) -> State:
        """Keep the moments: they average over many losses anyway."""
        return new._replace(memory=old.memory)


def arrived(function: Function, state: State, batch: Any) -> State:
    """Return a state that has been moved, with the loss and gradient where it is now, one iteration later."""
    loss, gradient = function(state.position, batch)
    return state._replace(
        loss=loss,
        gradient=gradient,
        iterations=state.iterations + 1,
        evaluations=state.evaluations + 1,
    )


def check(settings: Any) -> None:
    """Raise an InputError for a learning rate that is not positive or moments that do not decay."""
    name, rate = type(settings).__name__, settings.learning_rate
    if not callable(rate) and not rate > 0:
        raise InputError(f"{name}: learning_rate={rate}; give a positive number or a schedule.")
    for beta in ("beta_1", "beta_2"):
        if not 0 <= getattr(settings, beta) < 1:
            raise InputError(f"{name}: {beta}={getattr(settings, beta)}; give a number in [0, 1).")
    if not settings.epsilon >= 0:
        raise InputError(f"{name}: epsilon={settings.epsilon}; give a number of at least 0.")


def rate_at(settings: Any, state: State) -> tf.Tensor:
    """Return the learning rate at a state's iteration."""
    rate = settings.learning_rate
    found: Any = rate(state.iterations) if callable(rate) else rate
    return tf.cast(found, state.position.dtype)
