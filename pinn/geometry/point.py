"""The domain without extension."""

from __future__ import annotations

import numpy as np

from pinn.geometry.box import Box


class Point(Box):
    """No extension in space: the domain of ordinary differential equations, whose functions depend on time alone."""

    def __init__(self) -> None:
        self.ranges = {}

    @property
    def coordinates(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def faces(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper corner, [0] each."""
        return np.zeros(0), np.zeros(0)
