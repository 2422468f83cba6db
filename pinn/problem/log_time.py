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

    def factor(self, times: Any, order: int, rate: float = 0.0) -> Any:
        """Return what a residual is multiplied by at times: an array or a tensor.

            f = xᵐ √(1 + κ²) / √(1 + κ² x²ᵐ),   x = 1 + (t − t₀)/τ

        xᵐ alone gives the equation in s, of which what has no derivatives by time grows like xᵐ. So
        its typical size is that of 1 / √(1 + κ² x²ᵐ).

        Args:
            times: the times.
            order: m, the highest order of the residual's derivatives by time.
            rate: κ, the typical size of what else the residual holds, over that of its derivatives
                by time, both at t₀.
        """
        stretched = self.stretch(times) ** order
        if rate == 0:
            return stretched
        return stretched * ((1 + rate**2) / (1 + (rate * stretched) ** 2)) ** 0.5
