"""The Cahn–Hilliard equation in one dimension (jaxpi#23); dimensionless."""

from math import pi

import tensorflow as tf

from pinn import Interval, Problem, residual


class CahnHilliard(Problem):
    """h_t = ∂xx(0.01 (h³ − h) − 1e-6 h_xx), start cos πx − e^{−4(πx)²}, periodic, t ≤ 1."""

    fields = ("h",)
    space = Interval(x=(-1.0, 1.0))
    time = (0.0, 1.0)
    periodic = ("x",)

    @residual(on="interior")
    def separation(self, h, h_t, h_x, h_xx, h_xxxx):
        cube_xx = 3 * h**2 * h_xx + 6 * h * h_x**2
        return h_t - 0.01 * (cube_xx - h_xx) + 1e-6 * h_xxxx

    @residual(on="initial")
    def start(self, x, h):
        return h - tf.cos(pi * x) + tf.exp(-4 * (pi * x) ** 2)


RUNS = {"t ≤ 1": {"problem": CahnHilliard()}}
