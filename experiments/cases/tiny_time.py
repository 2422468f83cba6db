"""Diffusion on a large square for a tiny time (deepxde#176); dimensionless."""

import numpy as np
import tensorflow as tf

from pinn import Problem, Rectangle, positive, residual


class TinyTime(Problem):
    """u_t = D Δu on 40 × 40, D = 1e-4, t ≤ 0.003, from a bell of width 5, insulated walls."""

    fields = ("u",)
    space = Rectangle(x=(0.0, 40.0), y=(0.0, 40.0))
    time = (0.0, 0.003)
    D: float = positive(1e-4)

    @residual(on="interior")
    def diffusion(self, u_t, u_xx, u_yy):
        return u_t - self.D * (u_xx + u_yy)

    @residual(on="initial")
    def bell(self, x, y, u):
        return u - tf.exp(-((x - 20) ** 2 + (y - 20) ** 2) / (2 * 5**2))

    @residual(on="boundary")
    def insulated(self, u_n):
        return u_n

    def reference(self, x, y, t):
        """Return the start, which diffusion changes by less than 1e-6 in this time."""
        return {"u": np.exp(-((x - 20) ** 2 + (y - 20) ** 2) / (2 * 5**2))}


RUNS = {"t ≤ 0.003": {"problem": TinyTime()}}
