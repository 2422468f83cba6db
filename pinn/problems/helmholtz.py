"""The Helmholtz equation, with a source that makes a product of sines its solution."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.geometry import Rectangle
from pinn.problem import Problem, residual, satisfies
from pinn.symmetry import Mirror


class Helmholtz(Problem):
    """Helmholtz equation with a manufactured source; dimensionless.

        u_xx + u_yy + k² u = q      -1 < x, y < 1
        u = 0 on the boundary,  q = (k² - π²(a₁² + a₂²)) sin(a₁πx) sin(a₂πy)

    Source: Wang, Teng & Perdikaris (2021), doi:10.1137/20M1318043.
    Reference: u = sin(a₁πx) sin(a₂πy).

    Attributes:
        k: wavenumber k.
        a1: half waves in x per unit length; a whole number, so that u vanishes on the boundary.
        a2: the same in y.
    """

    k: float = 1.0
    a1: int = 1
    a2: int = 4
    # Strength of the source.  Each instance has its own; ClassVar, as it is no coefficient.
    _strength: ClassVar[float]

    fields = ("u",)
    space = Rectangle(x=(-1.0, 1.0), y=(-1.0, 1.0))
    symmetries = (Mirror(("x",), odd=("u",)), Mirror(("y",), odd=("u",)))

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("a1", "a2"):
            value = getattr(self, name)
            if value != round(value):
                raise InputError(
                    f"Helmholtz: {name}={value} is not whole, so u is not zero on the walls; "
                    "give a whole number."
                )
        # The source is given data: it has the true k where k is an unknown.
        object.__setattr__(self, "_strength", self.k**2 - pi**2 * (self.a1**2 + self.a2**2))

    @residual(on="interior")
    def helmholtz(self, x, y, u, u_xx, u_yy):
        source = self._strength * tf.sin(self.a1 * pi * x) * tf.sin(self.a2 * pi * y)
        return u_xx + u_yy + self.k**2 * u - source

    @residual(on="boundary")
    def walls(self, u):
        return u

    @satisfies("walls")
    def ansatz(self, x, y, net):
        return (1 - x * x) * (1 - y * y) * net

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return {"u": np.sin(self.a1 * pi * x) * np.sin(self.a2 * pi * y)}
