"""Ten waves between two given ends (deepxde#1338); dimensionless."""

from math import sin

import numpy as np

from pinn import Interval, Problem, residual


class WaveNumber(Problem):
    """u″ + 400 u = 0 on [0.5, 3.14], both ends from the solution sin 20x."""

    fields = ("u",)
    space = Interval(x=(0.5, 3.14))

    @residual(on="interior")
    def wave(self, u, u_xx):
        return u_xx + 400 * u

    @residual(on="x-")
    def left(self, u):
        return u - sin(20 * 0.5)

    @residual(on="x+")
    def right(self, u):
        return u - sin(20 * 3.14)

    def reference(self, x):
        return {"u": np.sin(20 * x)}


RUNS = {"both ends given": {"problem": WaveNumber()}}
