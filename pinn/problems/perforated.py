"""Squares with four round holes: Laplace's equation, and the linear Poisson–Boltzmann equation."""

# ruff: noqa: D102 (a residual's line is its own documentation)
from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.geometry import Difference, Disk, Rectangle
from pinn.problem import Problem, positive, residual, satisfies
from pinn.references import perforated


def _disks(rows: Any) -> dict[str, Disk]:
    """Return disks by name, from (x, y, radius) of each."""
    return {
        f"hole{i}": Disk(x=x, y=y, radius=radius) for i, (x, y, radius) in enumerate(rows, start=1)
    }


@dataclass(frozen=True, kw_only=True)
class PoissonHoles(Problem):
    """Laplace's equation in a square less four disks; dimensionless.

        u_xx + u_yy = 0      |x|, |y| < ½, outside of the disks about (±0.3, ±0.3) of radius 0.1
        u = 1 on the square, u = 0 on the circles

    Source: Poisson2d-C of PINNacle, Hao et al. (2023), arXiv:2306.08827.  Errors published there
    are those against a file of finite elements, which is itself 2.8e-5 from this reference.
    Reference: multipoles in every disk, with the error that `reference_error` states.
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
        walls, circles = (self.space.smooth_distance(x, y, on=part) for part in ("outer", "holes"))
        return circles / (walls + circles) + 8 * self.space.smooth_distance(x, y) * net

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return {"u": perforated.laplace_holes(x, y)}

    def reference_error(self) -> dict[str, float]:
        return {"u": perforated.laplace_holes_error()}


@dataclass(frozen=True, kw_only=True)
class PoissonBoltzmann(Problem):
    """Linear Poisson–Boltzmann equation in a square less four disks; dimensionless.

        -(u_xx + u_yy) + k² u = A (μ₁² + x² + μ₂² + y²) sin(μ₁πx) sin(μ₂πy)      |x|, |y| < 1, outside of the disks
        u = 0.2 on the square, u = 1 on the circles

    The disks stand about (0.5, 0.5), (0.4, -0.4), (-0.2, -0.7), (-0.6, 0.5), with radii 0.2, 0.4,
    0.1, 0.3.

    Source: Poisson2d-CG of PINNacle, Hao et al. (2023), arXiv:2306.08827, with k = 8, A = 10, μ₁ =
    1, μ₂ = 4.  Errors published there are those against a file of finite elements, which is itself
    9.0e-5 from this reference.
    Reference: multipoles in every disk and a solution for the whole square, with the error that
    `reference_error` states.

    Attributes:
        k: inverse screening length, at least 2.
        A: size of the source.
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
                f"PoissonBoltzmann: k={self.k}: the reference needs at least 2; set problem.k."
            )
        for name in ("mu1", "mu2"):
            if getattr(self, name) != round(getattr(self, name)):
                given = f"{name}={getattr(self, name)}"
                raise InputError(
                    f"PoissonBoltzmann: {given}: give a round number; the reference has no other."
                )
            if name in self.unknowns:
                raise InputError(
                    f"PoissonBoltzmann: unknown {name}: it is a number of half waves; leave it out."
                )

    @residual(on="interior")
    def poisson(self, x, y, u, u_xx, u_yy):
        waves = tf.sin(self.mu1 * pi * x) * tf.sin(self.mu2 * pi * y)
        return (
            -(u_xx + u_yy)
            + self.k**2 * u
            - self.A * (self.mu1**2 + x * x + self.mu2**2 + y * y) * waves
        )

    @residual(on="outer")
    def walls(self, u):
        return u - 0.2

    @residual(on="holes")
    def circles(self, u):
        return u - 1

    @satisfies("walls", "circles")
    def ansatz(self, x, y, net):
        walls, circles = (self.space.smooth_distance(x, y, on=part) for part in ("outer", "holes"))
        return 0.2 + 0.8 * walls / (walls + circles) + 4 * self.space.smooth_distance(x, y) * net

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        u = perforated.poisson_boltzmann(x, y, k=self.k, A=self.A, mu1=self.mu1, mu2=self.mu2)
        return {"u": u}

    def reference_error(self) -> dict[str, float]:
        error = perforated.poisson_boltzmann_error(self.k, self.A, self.mu1, self.mu2)
        return {"u": error}
