"""Reaction and diffusion on a ring (characterizing failure modes#3); dimensionless."""

from math import pi

import tensorflow as tf

from pinn import Interval, Problem, residual


class FisherPeriodic(Problem):
    """u_t = 4 u_xx + 5 u (1 − u), periodic on [0, 2π], from a bell, t ≤ 1."""

    fields = ("u",)
    space = Interval(x=(0.0, 2 * pi))
    time = (0.0, 1.0)
    periodic = ("x",)

    @residual(on="interior")
    def reaction(self, u, u_t, u_xx):
        return u_t - 4 * u_xx - 5 * u * (1 - u)

    @residual(on="initial")
    def bell(self, x, u):
        return u - tf.exp(-((x - pi) ** 2) / (2 * (pi / 4) ** 2))


RUNS = {"t ≤ 1": {"problem": FisherPeriodic()}}
