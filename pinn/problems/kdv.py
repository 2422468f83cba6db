"""The Korteweg–de Vries equation: a cosine that breaks up into solitons, forward and inverse."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Interval
from pinn.problem import Problem, positive, residual, satisfies
from pinn.references import kdv, kdv_error


class BreakingCosine(Problem):
    """Korteweg–de Vries equation whose solution is a cosine at t = 0; dimensionless; a base class.

        u_t + λ₁ u u_x + λ₂ u_xxx = 0      -1 < x < 1
        u periodic in x

    The network is periodic, because it embeds x.

    Reference, from u(x, 0) = cos(πx) up to t = 1: Fourier modes and ETDRK4, with the error in
    `reference_error`.

    Attributes:
        lambda1: strength λ₁ of the convection.
        lambda2: strength λ₂ > 0 of the dispersion; a soliton is about √(λ₂/λ₁) wide.
    """

    lambda1: float = 1.0
    lambda2: float = positive(4.84e-4)

    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))
    periodic = ("x",)

    @residual(on="interior")
    def kdv(self, u, u_t, u_x, u_xxx):
        return u_t + self.lambda1 * u * u_x + self.lambda2 * u_xxx

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": kdv(x, t, self.lambda1, self.lambda2)}

    def reference_error(self) -> dict[str, float]:
        return {"u": kdv_error(self.lambda1, self.lambda2)}


class KdV(BreakingCosine):
    """Korteweg–de Vries equation from a cosine; dimensionless.

        u_t + λ₁ u u_x + λ₂ u_xxx = 0      -1 < x < 1,  0 < t ≤ 1
        u(x, 0) = cos(πx),  u periodic in x

    Source: Zabusky & Kruskal (1965), doi:10.1103/PhysRevLett.15.240, with λ₁ = 1, λ₂ = 0.022²; as a
    benchmark Wang et al. (2024, PirateNets), arXiv:2402.00326.  `KdVInverse` seeks λ₁ and λ₂;
    `KdVSolitons` is another problem.
    Reference: as for `BreakingCosine`.
    """

    time = (0.0, 1.0)

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.cos(pi * x)

    @satisfies("start")
    def ansatz(self, x, t, net):
        return tf.cos(pi * x) + t * net


class KdVInverse(BreakingCosine):
    """Korteweg–de Vries equation between two snapshots that determine λ₁ and λ₂; dimensionless.

        u_t + λ₁ u u_x + λ₂ u_xxx = 0      -1 < x < 1,  0.2 < t < 0.8
        u periodic in x;  u(x, 0) = cos(πx), which is not used in the fit

    Source: Raissi, Perdikaris & Karniadakis (2019), doi:10.1016/j.jcp.2018.10.045, with λ₁ = 1,
    λ₂ = 0.0025 and values of u only at t = 0.2 and t = 0.8.
    Reference: as for `BreakingCosine`.
    """

    lambda2: float = positive(0.0025)

    time = (0.2, 0.8)
