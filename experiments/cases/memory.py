"""Diffusion with a memory; dimensionless."""

import numpy as np
import tensorflow as tf

from pinn import Interval, Problem, integral, residual


class Memory(Problem):
    """u_t = u_xx ∫₀ᵗ e^s u(x, s) ds + u on [0, 1], t ≤ 1; the solution is e^t."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @integral(over="t", upper="t")
    def memory(self, t, u):
        return tf.exp(t) * u

    @residual(on="interior")
    def diffusion(self, u, u_t, u_xx, memory):
        return u_t - u_xx * memory - u

    @residual(on="initial")
    def start(self, u):
        return u - 1

    @residual(on="boundary")
    def ends(self, t, u):
        return u - tf.exp(t)

    def reference(self, x, t):
        return {"u": np.exp(t)}


RUNS = {"t ≤ 1": {"problem": Memory()}}
