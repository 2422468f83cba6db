# pyright: strict, reportOperatorIssue=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
"""Adam on a flat vector, with a schedule for its learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from pinn.optimizers.interface import BatchT, Minimization, State
from pinn.optimizers.moments import MomentOptimizer, Moments, move, zero_moments


@dataclass(frozen=True, kw_only=True)
class Adam(MomentOptimizer[Moments]):
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

    def memory(
        self,
        minimization: Minimization[BatchT],
        position: tf.Tensor,
        gradient: tf.Tensor,
        shrink: tf.Tensor,
    ) -> Moments:
        """Return zero moments; `shrink` remains a factor of the learning rate."""
        return zero_moments(gradient, shrink)

    def iterate(
        self, minimization: Minimization[BatchT], state: State[Moments], batch: BatchT
    ) -> State[Moments]:
        """Return the state after one update and one evaluation."""
        moments, gradient = state.memory, state.gradient
        updates = moments.updates + 1
        # Update the biased moments.
        mean = self.beta_1 * moments.mean + (1 - self.beta_1) * gradient
        square = self.beta_2 * moments.square + (1 - self.beta_2) * gradient * gradient
        # Step along the mean over the root of the square, both corrected for their start at zero.
        rate = self.rate(state, moments)
        scale = tf.sqrt(square / (1 - self.beta_2**updates)) + self.epsilon
        position = state.position - rate * mean / (1 - self.beta_1**updates) / scale
        memory = Moments(mean=mean, square=square, updates=updates, shrink=moments.shrink)
        return move(minimization, state, batch, position=position, rate=rate, memory=memory)
