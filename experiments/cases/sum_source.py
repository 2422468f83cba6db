"""Diffusion with a source that depends on the total; dimensionless."""

from math import pi

import numpy as np
import tensorflow as tf

from pinn import Interval, Problem, integral, residual


class SumSource(Problem):
    """y_t = y_xx + ∫ y dx − e^{−t} on [0, π/2], t ≤ 1; the solution is e^{−t} sin x."""

    fields = ("y",)
    space = Interval(x=(0.0, pi / 2))
    time = (0.0, 1.0)

    @integral(over="interior")
    def total(self, y):
        return y

    @residual(on="interior")
    def diffusion(self, t, y_t, y_xx, total):
        return y_t - y_xx - total + tf.exp(-t)

    @residual(on="initial")
    def start(self, x, y):
        return y - tf.sin(x)

    @residual(on="x-")
    def left(self, y):
        return y

    @residual(on="x+")
    def right(self, t, y):
        return y - tf.exp(-t)

    def reference(self, x, t):
        return {"y": np.exp(-t) * np.sin(x)}


RUNS = {"t ≤ 1": {"problem": SumSource()}}
