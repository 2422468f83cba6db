# pyright: strict, reportMissingTypeStubs=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
"""First-order methods: a learning rate, and moving averages of gradients and their squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import keras
import tensorflow as tf

from pinn.optimizers.interface import BatchT, MemoryT, Minimization, State
from pinn.optimizers.loops import GraphOptimizer
from pinn.settings import at_least, between, positive

Schedule = Callable[[tf.Tensor], tf.Tensor] | keras.optimizers.schedules.LearningRateSchedule
"""Iteration -> learning rate."""

RATES = "a positive number or a schedule"

_RATE = keras.optimizers.schedules.ExponentialDecay(5e-3, decay_steps=500, decay_rate=0.8)


class Moments(NamedTuple):
    """Moving averages, both zero at first, and what their use needs."""

    mean: tf.Tensor  # of gradients [p]
    square: tf.Tensor  # of squared gradients [p]
    updates: tf.Tensor  # number of gradients so far
    shrink: tf.Tensor  # factor of the learning rate


@dataclass(frozen=True, kw_only=True)
class MomentOptimizer(GraphOptimizer[MemoryT]):
    """The settings and the steps of an optimizer with moments.

    Attributes:
        learning_rate: a positive number, or a schedule from iteration to learning rate, such as
            `keras.optimizers.schedules.ExponentialDecay`.
        beta_1: decay of the mean of gradients.
        beta_2: decay of the mean of squared gradients.
        epsilon: added to the root of the latter.

    Raises:
        InputError: for a learning rate that is not positive or decays outside [0, 1).
    """

    single_steps: ClassVar[bool] = True
    learning_rate: float | Schedule = positive(_RATE, words=RATES)
    beta_1: float = between(0, 1, 0.9, closed="left")
    beta_2: float = between(0, 1, 0.999, closed="left")
    epsilon: float = at_least(0, 1e-8)

    def renew_memory(self, old: MemoryT, fresh: MemoryT) -> MemoryT:
        """Return the old memory: moments average over many losses anyway."""
        return old

    def rate(self, state: State[MemoryT], moments: Moments) -> tf.Tensor:
        """Return the learning rate at a state's iteration."""
        rate = self.learning_rate
        value: Any = rate(state.iterations) if callable(rate) else rate
        return moments.shrink * tf.cast(value, state.position.dtype)


def zero_moments(gradient: tf.Tensor, shrink: tf.Tensor) -> Moments:
    """Return the moments before the first gradient [p]."""
    zero = tf.zeros_like(gradient)
    return Moments(mean=zero, square=zero, updates=tf.zeros([], gradient.dtype), shrink=shrink)


def move(
    minimization: Minimization[BatchT],
    state: State[MemoryT],
    batch: BatchT,
    *,
    position: tf.Tensor,
    rate: tf.Tensor,
    memory: MemoryT,
) -> State[MemoryT]:
    """Return the state at a new position [p], one iteration and one evaluation later."""
    loss, gradient = minimization.function(position, batch)
    return state._replace(
        position=position,
        loss=loss,
        gradient=gradient,
        iterations=state.iterations + 1,
        evaluations=state.evaluations + 1,
        step=rate,
        memory=memory,
    )
