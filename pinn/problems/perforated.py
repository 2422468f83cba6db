"""Squares with four round holes: Laplace's equation, and the linear Poisson–Boltzmann equation."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.geometry import Difference, Disk, Rectangle
from pinn.problem import Problem, positive, residual, satisfies
from pinn.references import perforated


def _disks(rows: Sequence[tuple[float, float, float]]) -> dict[str, Disk]:
    """Return disks by name, from their (x, y, radius)."""
    disks = {}
    for i, (x, y, radius) in enumerate(rows, start=1):
        disks[f"hole{i}"] = Disk(x=x, y=y, radius=radius)
    return disks


class PoissonHoles(Problem):
    """Laplace's equation in a square without four disks; dimensionless.

        u_xx + u_yy = 0      |x|, |y| < ½, outside of the disks about (±0.3, ±0.3) of radius 0.1
        u = 1 on the square, u = 0 on the circles

    Source: Poisson2d-C of PINNacle, Hao et al. (2023), arXiv:2306.08827.  The errors published
    there are against a finite-element solution that is itself off by 2.8e-5.
    Reference: multipoles in each disk, with the error in `reference_error`.
    """

    fields = ("u",)
    space = Difference(Rectangle(x=(-0.5, 0.5), y=(-0.5, 0.5)), **_disks(perforated.HOLES))

    @residual(on="interior")
    def laplace(self, u_xx, u_yy):
        return u_xx + u_yy

    @residual(on="outer")
    def walls(self, u):
        return u - 1

    @residual(on="holes")
    def circles(self, u):
        return u

    @satisfies("walls", "circles")
    def ansatz(self, x, y, net):
        walls = self.space.smooth_distance(x, y, on="outer")
        circles = self.space.smooth_distance(x, y, on="holes")
        return circles / (walls + circles) + 8 * self.space.smooth_distance(x, y) * net

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return {"u": perforated.laplace_holes(x, y)}

    def reference_error(self) -> dict[str, float]:
        return {"u": perforated.laplace_holes_error()}


class PoissonBoltzmann(Problem):
    """Linear Poisson–Boltzmann equation in a square without four disks; dimensionless.

        -(u_xx + u_yy) + k² u = A (μ₁² + x² + μ₂² + y²) sin(μ₁πx) sin(μ₂πy)      |x|, |y| < 1
        u = 0.2 on the square, u = 1 on the circles

    The equation holds outside of the disks, whose centers are (0.5, 0.5), (0.4, -0.4), (-0.2, -0.7)
    and (-0.6, 0.5), with radii 0.2, 0.4, 0.1 and 0.3.

    Source: Poisson2d-CG of PINNacle, Hao et al. (2023), arXiv:2306.08827, with k = 8, A = 10,
    μ₁ = 1, μ₂ = 4.  The errors published there are against a finite-element solution that is itself
    off by 9.0e-5.
    Reference: multipoles in each disk and a solution for the whole square, with the error in
    `reference_error`.

    Attributes:
        k: inverse screening length, at least 2.
        A: amplitude of the source.
        mu1: half waves of the source along half of x, a whole number.
        mu2: half waves of the source along half of y, a whole number.
    """

    k: float = positive(8.0)
    A: float = 10.0
    mu1: int = 1
    mu2: int = 4

    fields = ("u",)
    space = Difference(Rectangle(x=(-1.0, 1.0), y=(-1.0, 1.0)), **_disks(perforated.CHARGES))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k < 2:
            raise InputError(
                f"PoissonBoltzmann: k={self.k}; the reference needs at least 2; set problem.k."
            )
        for name in ("mu1", "mu2"):
            value = getattr(self, name)
            if value != round(value):
                raise InputError(
                    f"PoissonBoltzmann: {name}={value}; "
                    "the reference needs a whole number; give one."
                )
            if name in self.unknowns:
                raise InputError(
                    f"PoissonBoltzmann: unknown {name} is a number of half waves; leave it out."
                )

    @residual(on="interior")
    def poisson(self, x, y, u, u_xx, u_yy):
        waves = tf.sin(self.mu1 * pi * x) * tf.sin(self.mu2 * pi * y)
        source = self.A * (self.mu1**2 + x * x + self.mu2**2 + y * y) * waves
        return -(u_xx + u_yy) + self.k**2 * u - source

    @residual(on="outer")
    def walls(self, u):
        return u - 0.2

    @residual(on="holes")
    def circles(self, u):
        return u - 1

    @satisfies("walls", "circles")
    def ansatz(self, x, y, net):
        walls = self.space.smooth_distance(x, y, on="outer")
        circles = self.space.smooth_distance(x, y, on="holes")
        return 0.2 + 0.8 * walls / (walls + circles) + 4 * self.space.smooth_distance(x, y) * net

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        u = perforated.poisson_boltzmann(x, y, k=self.k, A=self.A, mu1=self.mu1, mu2=self.mu2)
        return {"u": u}

    def reference_error(self) -> dict[str, float]:
        error = perforated.poisson_boltzmann_error(self.k, self.A, self.mu1, self.mu2)
        return {"u": error}
