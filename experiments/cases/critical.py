"""A critically damped spring (stats.SE 493558), and logistic growth (NeuralPDE#634)."""

import numpy as np

from pinn import Problem, residual


class Critical(Problem):
    """x″ + 14x′ + 49x = 0, x(0) = 0, x′(0) = −3, t ≤ 1."""

    fields = ("x",)
    time = (0.0, 1.0)

    @residual(on="interior")
    def spring(self, x, x_t, x_tt):
        return x_tt + 14 * x_t + 49 * x

    @residual(on="initial")
    def start(self, x):
        return x

    @residual(on="initial")
    def start_speed(self, x_t):
        return x_t + 3

    def reference(self, t):
        return {"x": -3 * t * np.exp(-7 * t)}


class Logistic(Problem):
    """u′ = u (1 − u), u(0) = 0.01, t ≤ 10."""

    fields = ("u",)
    time = (0.0, 10.0)

    @residual(on="interior")
    def growth(self, u, u_t):
        return u_t - u * (1 - u)

    @residual(on="initial")
    def start(self, u):
        return u - 0.01

    def reference(self, t):
        return {"u": 1 / (1 + 99 * np.exp(-t))}


RUNS = {"spring": {"problem": Critical()}, "growth": {"problem": Logistic()}}
