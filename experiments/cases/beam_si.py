"""A beam under an oscillating load (deepxde#489); N, m, kg, s."""

from math import pi

import tensorflow as tf

from pinn import Interval, Problem, positive, residual


class Beam(Problem):
    """EI w_xxxx + ρA w_tt = 5e4 sin 20πt N/m, L = 0.5 m, simply supported, at rest, t ≤ 0.1 s."""

    fields = ("w",)
    space = Interval(x=(0.0, 0.5))
    time = (0.0, 0.1)
    EI: float = positive(666.67)
    mu: float = positive(3.14)

    @residual(on="interior")
    def beam(self, t, w_tt, w_xxxx):
        return self.EI * w_xxxx + self.mu * w_tt - 5e4 * tf.sin(20 * pi * t)

    @residual(on="initial")
    def rest(self, w):
        return w

    @residual(on="initial")
    def rest_speed(self, w_t):
        return w_t

    @residual(on="boundary")
    def supported(self, w):
        return w

    @residual(on="boundary")
    def hinged(self, w_xx):
        return w_xx


RUNS = {"0.1 s": {"problem": Beam()}}
