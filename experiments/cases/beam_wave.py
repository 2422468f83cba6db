"""A supported beam that swings freely (deepxde#153); dimensionless."""

from math import pi

import numpy as np
import tensorflow as tf

from pinn import Interval, Problem, residual


class BeamWave(Problem):
    """w_tt + w_xxxx = 0 on [0, 1], supported, start sin πx at rest, t ≤ 1."""

    fields = ("w",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def beam(self, w_tt, w_xxxx):
        return w_tt + w_xxxx

    @residual(on="initial")
    def start(self, x, w):
        return w - tf.sin(pi * x)

    @residual(on="initial")
    def rest(self, w_t):
        return w_t

    @residual(on="boundary")
    def supported(self, w):
        return w

    @residual(on="boundary")
    def hinged(self, w_xx):
        return w_xx

    def reference(self, x, t):
        return {"w": np.cos(pi**2 * t) * np.sin(pi * x)}


RUNS = {"t ≤ 1": {"problem": BeamWave()}}
