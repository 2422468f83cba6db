"""A pulse that is fed in the middle and leaves to both sides (deepxde#2018); dimensionless."""

from typing import ClassVar

import numpy as np
import tensorflow as tf

from pinn import Interval, Material, Problem, flux, residual


class MaxwellPulse(Problem):
    """E_tt = E_xx on [−1, 1], E(0, t) = g(t) = e^{−((t − 0.5)/0.15)²}, open ends, t ≤ 1.5.

    E has a kink where it is fed, so that it is one function on either side.
    """

    fields = ("E",)
    space = Interval(x=(-1.0, 1.0))
    time = (0.0, 1.5)
    materials: ClassVar = {"left": Material(Interval(x=(-1.0, 0.0))), "right": Material()}

    @residual(on="interior")
    def wave(self, E_tt, E_xx):
        return E_tt - E_xx

    @flux
    def slope(self, E_n):
        return E_n

    @residual(on=("left", "right"), replaces="flux_slope")
    def pulse(self, t, E_1):
        return E_1 - tf.exp(-(((t - 0.5) / 0.15) ** 2))

    @residual(on="initial")
    def rest(self, E):
        return E

    @residual(on="initial")
    def rest_speed(self, E_t):
        return E_t

    @residual(on="boundary")
    def open_end(self, E_t, E_n):
        return E_t + E_n

    def reference(self, x, t):
        return {"E": np.exp(-(((t - np.abs(x) - 0.5) / 0.15) ** 2))}


RUNS = {"t ≤ 1.5": {"problem": MaxwellPulse()}}
