# pyright: strict, reportMissingTypeStubs=false
"""Ellipses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ellipe, ellipeinc

from pinn.arrays import Array, Quantity
from pinn.errors import InputError
from pinn.geometry.ball import center_of, told_point
from pinn.geometry.domain import Domain

_HALVINGS = 60  # steps of bisection that find an angle from the length of an arc


class Ellipse(Domain):
    """An ellipse, e.g. `Ellipse(x=0.0, y=0.0, radii=(2.0, 1.0))`, with half-axes a and b.

    Its boundary is one face, `"ellipse"`.  Lengths are in the problem's own units.

    Raises:
        InputError: for other than two coordinates, or a number out of range.
    """

    faces = ("ellipse",)

    def __init__(self, *, radii: Sequence[float], **center: float) -> None:
        if len(center) != 2 or np.shape(radii) != (2,):
            raise InputError(
                "Ellipse: give the center by two coordinates, and radii=(a, b); see Revolution for "
                "a spheroid."
            )
        self.center = center_of("Ellipse", center)
        self.coordinates = tuple(center)
        self.radii = np.array(radii, float)
        if not np.all(np.isfinite(self.radii) & (self.radii > 0)):
            raise InputError(f"Ellipse: radii={tuple(radii)}; give positive numbers.")

    def __repr__(self) -> str:
        center = told_point(self.coordinates, self.center)
        return f"Ellipse({center}, radii=({self.radii[0]:g}, {self.radii[1]:g}))"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [2] of the bounding box."""
        return self.center - self.radii, self.center + self.radii

    def interior(self, unit: Array) -> Array:
        """Return points [n, 2] for a sample `unit` [n, 2] of the unit cube."""
        radius, angle = np.sqrt(unit[:, 0]), 2 * math.pi * unit[:, 1]
        directions = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return self.center + self.radii * radius[:, None] * directions

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, 2], even by the length of arc, and their outward normals [n, 2].

        The length from the end of the half-axis a on is b E(φ | 1 − a²/b²), which bisection solves
        for φ.
        """
        a, b = self.radii.tolist()
        parameter = 1 - (a / b) ** 2
        target = 4 * unit[:, 0] * ellipe(parameter)
        low, high = np.zeros(len(unit)), np.full(len(unit), 2 * math.pi)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            before = ellipeinc(middle, parameter) < target
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        angle = 0.5 * (low + high)
        direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        normals = direction / self.radii
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return self.center + self.radii * direction, normals

    def measure(self, face: str) -> float:
        """Return the circumference, 4 b E(1 − a²/b²)."""
        a, b = self.radii.tolist()
        return float(4 * b * ellipe(1 - (a / b) ** 2))

    @property
    def volume(self) -> float:
        """The area, π a b."""
        return float(math.pi * np.prod(self.radii))

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the signed distance [n] to first order at the boundary; see `implicit`."""
        return self.implicit(*coordinates)

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return `implicit` [n]."""
        self.members(on)  # raises an error for an unknown part
        return self.implicit(*coordinates)

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return ω (|∇ω|² + ω²/m²)^-½ [n], with ω = 1 − x²/a² − y²/b² and the less m of a and b.

        Source: Rvachev's normalization of the first order (Rvachev & Sheiko 1995,
        doi:10.1115/1.3005099).
        """
        square: Any = 0.0
        slope: Any = 0.0
        for x, c, r in zip(coordinates, self.center.tolist(), self.radii.tolist(), strict=True):
            scaled = (x - c) * (1 / r)
            square = square + scaled * scaled
            slope = slope + scaled * scaled * (4 / r**2)
        omega = 1.0 - square
        return omega / (slope + omega * omega * (1 / float(np.min(self.radii)) ** 2)) ** 0.5
