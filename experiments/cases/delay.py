"""A delay equation (deepxde#1094); dimensionless."""

from math import factorial
from typing import ClassVar

import numpy as np

from pinn import Delay, Problem, residual


class DelayEquation(Problem):
    """u′(t) = −u(t − 1) for t ≤ 5, with u = 1 up to t = 0."""

    fields = ("u",)
    time = (0.0, 5.0)
    delays: ClassVar = {"u_late": Delay("u", t=1.0, past=1.0)}

    @residual(on="interior")
    def feedback(self, u_t, u_late):
        return u_t + u_late

    @residual(on="initial")
    def start(self, u):
        return u - 1

    def reference(self, t):
        lags = [(k, np.maximum(t - k + 1, 0)) for k in range(1, 7)]
        return {"u": 1 + sum((-lag) ** k / factorial(k) for k, lag in lags)}


RUNS = {"t ≤ 5": {"problem": DelayEquation()}}
