"""Robertson's kinetics: a stiff system, and a problem in logarithmic time."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from typing import Any

import numpy as np

from pinn.problem import Problem, positive, residual
from pinn.references import robertson

COARSE = 1e-11  # the tolerance of a second solution, whose distance is the reference's error


class Robertson(Problem):
    """Robertson's autocatalytic reaction: three concentrations over ten decades; dimensionless.

        y₁' = −k₁ y₁ + k₃ y₂ y₃
        y₂' = k₁ y₁ − k₃ y₂ y₃ − k₂ y₂²        0 < t ≤ 10⁵
        y₃' = k₂ y₂²
        (y₁, y₂, y₃)(0) = (1, 0, 0)

    Source: Robertson (1966), "The solution of a set of reaction rate equations"; Hairer & Wanner
    (1996), doi:10.1007/978-3-642-05221-7, equation IV.1.4.
    Reference: Radau IIA of order 5.

    Attributes:
        k1: rate k₁ > 0 of the slow reaction.
        k2: rate k₂ > 0 of the fast reaction of y₂ with itself.
        k3: rate k₃ > 0 of the reaction of y₂ with y₃.
    """

    k1: float = positive(0.04)
    k2: float = positive(3e7)
    k3: float = positive(1e4)

    fields = ("y1", "y2", "y3")
    time = (0.0, 1e5)
    log_time = 1e-5

    @residual(on="interior")
    def speed_1(self, y1, y2, y3, y1_t):
        return y1_t + self.k1 * y1 - self.k3 * y2 * y3

    @residual(on="interior")
    def speed_2(self, y1, y2, y3, y2_t):
        return y2_t - self.k1 * y1 + self.k3 * y2 * y3 + self.k2 * y2**2

    @residual(on="interior")
    def speed_3(self, y2, y3_t):
        return y3_t - self.k2 * y2**2

    @residual(on="initial")
    def start_1(self, y1):
        return y1 - 1

    @residual(on="initial")
    def start_2(self, y2):
        return y2

    @residual(on="initial")
    def start_3(self, y3):
        return y3

    def reference(self, t: np.ndarray) -> dict[str, Any]:
        return dict(zip(self.fields, robertson(t, **self._rates), strict=True))

    def reference_error(self) -> dict[str, float]:
        assert self.time_scale is not None
        t = self.time_scale.at(np.linspace(0.0, 1.0, 1000))
        fine = robertson(t, **self._rates)
        coarse = robertson(t, **self._rates, tolerance=COARSE)
        errors = np.linalg.norm(fine - coarse, axis=1) / np.linalg.norm(fine, axis=1)
        return dict(zip(self.fields, errors.tolist(), strict=True))

    @property
    def _rates(self) -> dict[str, float]:
        return {"k1": self.k1, "k2": self.k2, "k3": self.k3}
