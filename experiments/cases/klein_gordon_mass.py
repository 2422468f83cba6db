"""The mass in the Klein–Gordon equation (deepxde, pull request 2065); dimensionless."""

from math import pi, sqrt

import numpy as np

from pinn import Interval, Problem, Synthetic, residual


class KleinGordonMass(Problem):
    """u_tt = u_xx − m² u on [0, 1], t ≤ 1, from points of sin πx cos √(π² + 4) t; m² is unknown."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)
    m2: float = 4.0

    @residual(on="interior")
    def wave(self, u, u_xx, u_tt):
        return u_tt - u_xx + self.m2 * u

    def reference(self, x, t):
        return {"u": np.sin(pi * x) * np.cos(sqrt(pi**2 + 4) * t)}


GUESS = KleinGordonMass(unknowns={"m2": 1.0})
RUNS = {"50 points": {"problem": GUESS, "data": Synthetic(count=50)}}
