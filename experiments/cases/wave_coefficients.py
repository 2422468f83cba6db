"""The coefficients of a wave equation from samples (deepxde#1829); dimensionless."""

from math import pi, sqrt
from pathlib import Path

import numpy as np

from pinn import DataFile, Interval, Problem, Synthetic, residual


class WaveCoefficients(Problem):
    """u_tt = a u_xx + b u_x + c u on [0, 1], t ≤ 1; a = 1, b = 0.5, c = −1 are unknown."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)
    a: float = 1.0
    b: float = 0.5
    c: float = -1.0

    @residual(on="interior")
    def wave(self, u, u_x, u_xx, u_tt):
        return u_tt - self.a * u_xx - self.b * u_x - self.c * u

    def reference(self, x, t):
        first = np.sin(pi * x) * np.cos(sqrt(pi**2 + 17 / 16) * t)
        second = np.sin(2 * pi * x) * np.cos(sqrt(4 * pi**2 + 17 / 16) * t)
        return {"u": np.exp(-x / 4) * (first + second / 2)}


# Samples of cos 3t² sin πx², which solves no equation of this kind.
OTHER = DataFile(path=str(Path(__file__).parent / "data" / "wave_coefficients.csv"))
GUESS = WaveCoefficients(unknowns={"a": 2.0, "b": 0.0, "c": 0.0})
RUNS = {
    "of a solution": {"problem": GUESS, "data": Synthetic(count=200)},
    "of no solution": {"problem": GUESS, "data": OTHER},
}
SAY_SO = {"of no solution": "no such equation has these samples"}
