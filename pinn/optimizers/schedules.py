# pyright: strict, reportMissingTypeStubs=false, reportOperatorIssue=false
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
"""Learning rates that Keras lacks, next to its own ExponentialDecay, CosineDecay and others."""

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
        _check("peak", peak, peak > 0, "a positive number")
        _check("warmup_steps", warmup_steps, warmup_steps >= 0, "a number of at least 0")
        _check("decay_steps", decay_steps, decay_steps > 0, "a positive number")
        _check("decay_rate", decay_rate, 0 < decay_rate <= 1, "a number in (0, 1]")
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate

    def __call__(self, step: tf.Tensor | int) -> tf.Tensor:
        """Return the learning rate at an iteration."""
        i = tf.cast(step, tf.float64)
        rise = (i + 1) / max(self.warmup_steps, 1)
        decay = self.decay_rate ** ((i - self.warmup_steps) / self.decay_steps)
        return self.peak * tf.where(i < self.warmup_steps, rise, decay)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make it again."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
        }


def _check(name: str, value: float, accepted: bool, remedy: str) -> None:
    if not accepted:
        raise InputError(f"WarmupExponentialDecay: {name}={value}; give {remedy}.")
