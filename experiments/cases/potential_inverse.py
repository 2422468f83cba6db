"""A potential from a wave (deepxde#125); dimensionless."""

from math import pi
from typing import ClassVar

import numpy as np
import tensorflow as tf

from pinn import Interval, Problem, Synthetic, UnknownField, residual


class Potential(Problem):
    """−u″ + q(x) u = f on [−1, 1] with u = sin nπx, measured; q = x² is unknown."""

    fields = ("u",)
    unknown_fields: ClassVar = {"q": UnknownField(("x",))}
    space = Interval(x=(-1.0, 1.0))
    n: int = 1

    @residual(on="interior")
    def wave(self, x, u, u_xx, q):
        return -u_xx + q * u - ((self.n * pi) ** 2 + x**2) * tf.sin(self.n * pi * x)

    @residual(on="boundary")
    def ends(self, u):
        return u

    def reference(self, x):
        return {"u": np.sin(self.n * pi * x), "q": x**2}


RUNS = {
    "sin πx": {"problem": Potential(n=1), "data": Synthetic(count=100, fields=["u"])},
    "sin 5πx": {"problem": Potential(n=5), "data": Synthetic(count=100, fields=["u"])},
}
SAY_SO = {
    "sin πx": "q is not determined where u = 0",
    "sin 5πx": "q is not determined where u = 0",
}
