"""The domain without extension."""

from __future__ import annotations

from typing import Any

import numpy as np

from pinn.geometry.domain import Domain


class NoSpace(Domain):
    """No extension in space: the domain of ordinary differential equations, whose functions depend on time alone."""

    coordinates = ()
    faces = ()

    def __repr__(self) -> str:
        return "NoSpace()"

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper corner, [0] each."""
        return np.zeros(0), np.zeros(0)

    def interior(self, unit: np.ndarray) -> np.ndarray:
        """Return the point, which has no coordinates, as often as a sample asks: [n, 0]."""
        return unit

    def face(self, name: str, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Never called: there are no faces."""
        raise NotImplementedError

    def measure(self, face: str) -> float:
        """Never called: there are no faces."""
        raise NotImplementedError

    def distance(self, *coordinates: Any) -> Any:
        """Return infinity: there is no boundary."""
        return np.inf

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Return that all points [n, 0] are inside: [n]."""
        return np.ones(len(points), bool)
