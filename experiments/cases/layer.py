"""A thin layer beside gentle waves (hp-VPINNs#7); dimensionless."""

from math import exp, pi

import numpy as np
import tensorflow as tf

from pinn import Interval, Problem, residual


class Layer(Problem):
    """−u″ = f on [−1, 1] with u = 0.1 sin 5πx + e^{−99 − 100x}, both ends given."""

    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))

    @residual(on="interior")
    def poisson(self, x, u_xx):
        f = 2.5 * pi**2 * tf.sin(5 * pi * x) - 1e4 * tf.exp(-99 - 100 * x)
        return -u_xx - f

    @residual(on="x-")
    def left(self, u):
        return u - exp(1)

    @residual(on="x+")
    def right(self, u):
        return u - exp(-199)

    def reference(self, x):
        return {"u": 0.1 * np.sin(5 * pi * x) + np.exp(-99 - 100 * x)}


RUNS = {"both ends given": {"problem": Layer()}}
