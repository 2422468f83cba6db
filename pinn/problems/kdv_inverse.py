"""The Korteweg–de Vries equation: its two coefficients from two snapshots of a wave that breaks into solitons."""

# ruff: noqa: D102 (a residual's line is its own documentation)
from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from pinn.geometry import Interval
from pinn.problem import Problem, positive, residual
from pinn.references import PeriodicFunction, etdrk4, sample, wavenumbers

MODES, STEPS = 256, 400  # of the reference, to t = 0.8; `reference_error` judges them


@dataclass(frozen=True, kw_only=True)
class KdVInverse(Problem):
    """Korteweg–de Vries equation between two snapshots; dimensionless.

        u_t + λ₁ u u_x + λ₂ u_xxx = 0      -1 < x < 1,  0.2 < t < 0.8
        u periodic in x;  u(x, 0) = cos(πx), which the fit is not told

    Source: Raissi, Perdikaris & Karniadakis (2019), doi:10.1016/j.jcp.2018.10.045, with values of u at t = 0.2 and
    t = 0.8 alone.  Reference: Fourier modes and ETDRK4, with the error that `reference_error` states.

    Attributes:
        lambda1: strength λ₁ of the convection.
        lambda2: dispersion λ₂ > 0.
    """

    lambda1: float = 1.0
    lambda2: float = positive(0.0025)

    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))
    time = (0.2, 0.8)
    periodic = ("x",)

    @residual(on="interior")
    def kdv(self, u, u_t, u_x, u_xxx):
        return u_t + self.lambda1 * u * u_x + self.lambda2 * u_xxx

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": _solved(self.lambda1, self.lambda2, 1)(x, t)}

    def reference_error(self) -> dict[str, float]:
        x, t = np.random.default_rng(0).uniform((-1.0, 0.2), (1.0, 0.8), (5000, 2)).T
        fine, coarse = (_solved(self.lambda1, self.lambda2, c)(x, t) for c in (1, 2))
        return {"u": float(np.linalg.norm(fine - coarse) / np.linalg.norm(fine))}


@functools.lru_cache(maxsize=4)
def _solved(lambda1: float, lambda2: float, coarseness: int) -> PeriodicFunction:
    """Return the solution up to t = 0.8; `coarseness` divides modes and steps."""
    modes = MODES // coarseness
    times, k = np.linspace(0, 0.8, STEPS // coarseness + 1), wavenumbers(modes, 2.0)
    start = np.zeros(modes + 1, complex)
    start[1] = -0.5  # cos(πx) = -cos(π(x + 1)), with x from -1
    found = etdrk4(
        start, times, linear=1j * lambda2 * k**3, nonlinear=lambda u: u * u, outer=-0.5j * lambda1 * k, substeps=4
    )
    return PeriodicFunction(times, sample(found, 4 * modes), -1.0, 2.0)
