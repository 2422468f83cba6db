"""Time by its logarithm: for solutions that change fast at first, and ever more slowly."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from pinn.arrays import Array


class LogTime(NamedTuple):
    """The scale s = ln(1 + (t − t₀)/τ) of an interval of time that begins at t₀.

    Attributes:
        begin: t₀.
        end: the end of the interval.
        scale: τ; earlier than that, s is proportional to time.
    """

    begin: float
    end: float
    scale: float

    @property
    def seen_range(self) -> tuple[float, float]:
        """The range of s."""
        return 0.0, math.log1p((self.end - self.begin) / self.scale)

    def seen(self, times: Any) -> Any:
        """Return s at times: an array, a tensor or a jet."""
        stretched = (times - self.begin) * (1 / self.scale)
        if isinstance(times, np.ndarray):
            return np.log1p(stretched)
        return tf.math.log(stretched + 1.0)

    def at(self, share: Array) -> Array:
        """Return the times at shares in [0, 1] of the range of s."""
        _, last = self.seen_range
        times = self.begin + self.scale * np.expm1(share * last)
        # Rounding in the exponential must not lead out of the interval.
        return np.clip(times, self.begin, self.end)

    def stretch(self, times: Any) -> Any:
        """Return 1 + (t − t₀)/τ = dt/ds / τ at times: an array or a tensor."""
        return 1.0 + (times - self.begin) * (1 / self.scale)
