"""A fine ripple, and a day to look at it (NeuralPDE#707); m, s."""

from math import pi

import tensorflow as tf

from pinn import Interval, Problem, residual


class LongDecay(Problem):
    """u_t = 0.1 u_zz, start sin 200πz on [0, 1], walls 0, t ≤ 86,400 s."""

    fields = ("u",)
    space = Interval(z=(0.0, 1.0))
    time = (0.0, 86_400.0)

    @residual(on="interior")
    def diffusion(self, u_t, u_zz):
        return u_t - 0.1 * u_zz

    @residual(on="initial")
    def ripple(self, z, u):
        return u - tf.sin(200 * pi * z)

    @residual(on="boundary")
    def walls(self, u):
        return u


RUNS = {"a day": {"problem": LongDecay()}}
SAY_SO = {"a day": "the ripple is gone after 0.25 s: these scales of time cannot be resolved so"}
