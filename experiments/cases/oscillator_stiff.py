"""A damped oscillator with a stiff spring (from a forum); dimensionless."""

from math import sqrt

import numpy as np

from pinn import Problem, positive, residual


class StiffOscillator(Problem):
    """y″ + 4y′ + k y = 0, y(0) = 1, y′(0) = 0, t ≤ 1."""

    fields = ("y",)
    time = (0.0, 1.0)
    k: float = positive(400.0)

    @residual(on="interior")
    def spring(self, y, y_t, y_tt):
        return y_tt + 4 * y_t + self.k * y

    @residual(on="initial")
    def start(self, y):
        return y - 1

    @residual(on="initial")
    def start_speed(self, y_t):
        return y_t

    def reference(self, t):
        omega = sqrt(self.k - 4)
        return {"y": np.exp(-2 * t) * (np.cos(omega * t) + 2 / omega * np.sin(omega * t))}


RUNS = {
    "k = 400": {"problem": StiffOscillator(k=400.0)},
    "k = 2000": {"problem": StiffOscillator(k=2000.0)},
}
