"""A wave equation with a wrong sign (SA-PINNs#4); dimensionless."""

from math import pi

import tensorflow as tf

from pinn import Interval, Problem, positive, residual


class WrongSign(Problem):
    """u_tt + c² u_xx = 0 on [0, 1], u = sin πx and u_t = 0 at the start, ends fixed, t ≤ 1."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)
    c: float = positive(1.0)

    @residual(on="interior")
    def wave(self, u_tt, u_xx):
        return u_tt + self.c**2 * u_xx

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(pi * x)

    @residual(on="initial")
    def start_speed(self, u_t):
        return u_t

    @residual(on="boundary")
    def fixed(self, u):
        return u


RUNS = {"t ≤ 1": {"problem": WrongSign()}}
SAY_SO = {"t ≤ 1": "with initial values an elliptic equation is ill-posed"}
