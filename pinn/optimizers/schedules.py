"""Learning rates that Keras lacks; its own ExponentialDecay, CosineDecay (with warm-up) and others serve as well."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from pinn.errors import InputError


@keras.saving.register_keras_serializable(package="pinn")
class WarmupExponentialDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise from zero to a peak, then an exponential decay.

        η(i) = peak (i + 1) / warmup_steps                            i < warmup_steps
        η(i) = peak decay_rate^((i − warmup_steps) / decay_steps)     afterwards

    The usual schedule of PINNs of the jaxpi family (Wang et al. 2023, arXiv:2308.08468).  A
    learning rate of exactly zero would waste the first iteration, so the rise ends one iteration
    earlier.

    Args:
        peak: the largest learning rate.
        warmup_steps: iterations of the rise; 0 for none.
        decay_steps: iterations in which the rate falls by the factor `decay_rate`.
        decay_rate: that factor, at most 1.

    Raises:
        InputError: for numbers out of range.
    """

    def __init__(self, peak: float, warmup_steps: int, decay_steps: int, decay_rate: float) -> None:
        super().__init__()
        if not peak > 0:
            raise InputError(f"WarmupExponentialDecay: peak={peak}; give a positive number.")
        if not warmup_steps >= 0:
            raise InputError(
                f"WarmupExponentialDecay: warmup_steps={warmup_steps}; give a number of at least 0."
            )
        if not decay_steps > 0:
            raise InputError(
                f"WarmupExponentialDecay: decay_steps={decay_steps}; give a positive number."
            )
        if not 0 < decay_rate <= 1:
            raise InputError(
                f"WarmupExponentialDecay: decay_rate={decay_rate}; give a number in (0, 1]."
            )
        self.peak, self.warmup_steps, self.decay_steps, self.decay_rate = (
            peak,
            warmup_steps,
            decay_steps,
            decay_rate,
        )

    def __call__(self, step: Any) -> tf.Tensor:
        """Return the learning rate at an iteration."""
        i = tf.cast(step, tf.float64)
        rise = (i + 1) / max(self.warmup_steps, 1)
        decay = self.decay_rate ** ((i - self.warmup_steps) / self.decay_steps)
        return self.peak * tf.where(i < self.warmup_steps, rise, decay)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make it again."""
        return {
            name: getattr(self, name)
            for name in ("peak", "warmup_steps", "decay_steps", "decay_rate")
        }
