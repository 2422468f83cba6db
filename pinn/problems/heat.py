"""The heat equation: a sine wave that fades."""

# ruff: noqa: D102 (a residual's line is its own documentation)
from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.geometry import Interval
from pinn.problem import Problem, positive, residual, satisfies


@dataclass(frozen=True, kw_only=True)
class Heat(Problem):
    """Heat equation on a rod with cold ends; dimensionless.

        u_t = α u_xx      0 < x < 1,  0 < t ≤ 1
        u(x, 0) = sin(πx),  u(0, t) = u(1, t) = 0

    Source: Müller & Zeinhofer (2023), arXiv:2302.13163, with α = ¼.
    Reference: u = e^{-απ²t} sin(πx).

    Attributes:
        alpha: diffusivity α > 0.
    """

    alpha: float = positive(0.25)

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def heat(self, u_t, u_xx):
        return u_t - self.alpha * u_xx

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(pi * x)

    @residual(on="boundary")
    def walls(self, u):
        return u

    @satisfies("start", "walls")
    def ansatz(self, x, t, net):
        return tf.sin(pi * x) + 4 * t * (x * (1 - x)) * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": np.exp(-self.alpha * pi**2 * t) * np.sin(pi * x)}
