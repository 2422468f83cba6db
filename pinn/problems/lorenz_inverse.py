"""The Lorenz system: three coefficients from a trajectory, an inverse problem without space."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from typing import Any

import numpy as np

from pinn.problem import Problem, positive, residual
from pinn.references import lorenz

START = (-8.0, 7.0, 27.0)


class LorenzInverse(Problem):
    """Lorenz system with unknown coefficients and a measured trajectory; dimensionless.

        x' = σ (y - x),  y' = x (ρ - z) - y,  z' = x y - β z      0 < t ≤ 3
        (x, y, z)(0) = (-8, 7, 27)

    Source: Lorenz (1963), doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2; as an inverse problem
    Lu et al. (2021, DeepXDE), doi:10.1137/19M1274067, with ρ = 15.
    Reference: Taylor series in time.

    Attributes:
        sigma: Prandtl number σ > 0.
        rho: Rayleigh number divided by its critical value, ρ > 0.
        beta: β > 0, which depends on the shape of the convection cells.
    """

    sigma: float = positive(10.0)
    rho: float = positive(28.0)
    beta: float = positive(8 / 3)

    fields = ("x", "y", "z")
    time = (0.0, 3.0)

    @residual(on="interior")
    def speed_x(self, x, y, x_t):
        return x_t - self.sigma * (y - x)

    @residual(on="interior")
    def speed_y(self, x, y, z, y_t):
        return y_t - x * (self.rho - z) + y

    @residual(on="interior")
    def speed_z(self, x, y, z, z_t):
        return z_t - x * y + self.beta * z

    @residual(on="initial")
    def start_x(self, x):
        return x - START[0]

    @residual(on="initial")
    def start_y(self, y):
        return y - START[1]

    @residual(on="initial")
    def start_z(self, z):
        return z - START[2]

    def reference(self, t: np.ndarray) -> dict[str, Any]:
        return dict(zip(self.fields, self._solve(t, coarseness=1), strict=True))

    def reference_error(self) -> dict[str, float]:
        t = np.linspace(*self.time, 1000) if self.time else np.zeros(0)
        fine = self._solve(t, coarseness=1)
        coarse = self._solve(t, coarseness=2)
        errors = np.linalg.norm(fine - coarse, axis=1) / np.linalg.norm(fine, axis=1)
        return dict(zip(self.fields, errors.tolist(), strict=True))

    def _solve(self, t: np.ndarray, *, coarseness: int) -> np.ndarray:
        return lorenz(
            t, sigma=self.sigma, rho=self.rho, beta=self.beta, start=START, coarseness=coarseness
        )
