"""A square plate under a hot lid (scicomp.SE 42791); dimensionless."""

import tensorflow as tf
from settings import towards_jumps

from pinn import Problem, Rectangle, residual


class HotLid(Problem):
    """T_t = 15 ΔT on the unit square, top 100, other sides 0, start 0, t ≤ 1."""

    fields = ("T",)
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0)).named(cold=["x-", "x+", "y-"])
    time = (0.0, 1.0)
    log_time = 3e-4

    @residual(on="interior")
    def heat(self, T_t, T_xx, T_yy):
        return T_t - 15 * (T_xx + T_yy)

    @residual(on="initial")
    def start(self, T):
        return T

    @residual(on="y+")
    def lid(self, T):
        return T - 100

    @residual(on="cold")
    def sides(self, T):
        return T


class SmoothLid(HotLid):
    """The same where the lid is colder within about 0.02 of its ends, as the check advises."""

    @residual(on="y+")
    def lid(self, x, T):
        return T - 100 * tf.tanh(x / 0.02) * tf.tanh((1 - x) / 0.02)


RUNS = {"t ≤ 1": {"problem": HotLid()}}
DOCUMENTED = {"t ≤ 1": {"problem": SmoothLid(), **towards_jumps()}}
