# pyright: strict
"""The domain without extension."""

from __future__ import annotations

import numpy as np

from pinn.arrays import Array, BoolArray, Quantity
from pinn.geometry.domain import Domain


class NoSpace(Domain):
    """The domain of ordinary differential equations, whose functions depend on time alone."""

    coordinates = ()
    faces = ()

    def __repr__(self) -> str:
        return "NoSpace()"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner, [0] each."""
        return np.zeros(0), np.zeros(0)

    def interior(self, unit: Array) -> Array:
        """Return the only point, which has no coordinates, once per sample: [n, 0]."""
        return unit

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Never called: there are no faces."""
        raise NotImplementedError

    def measure(self, face: str) -> float:
        """Never called: there are no faces."""
        raise NotImplementedError

    @property
    def volume(self) -> float:
        """The measure of the only point, 1."""
        return 1.0

    def distance(self, *coordinates: Quantity) -> float:
        """Return infinity: there is no boundary."""
        return np.inf

    def contains(self, points: Array) -> BoolArray:
        """Return that all points [n, 0] lie inside: [n]."""
        return np.ones(len(points), bool)
