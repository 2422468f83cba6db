"""Damping and stiffness from a noisy record (harmonic-oscillator-pinn#6); dimensionless."""

import numpy as np

from pinn import Problem, Synthetic, residual


class DampedOscillator(Problem):
    """y″ + μ y′ + k y = 0, y(0) = 1, y′(0) = 0, t ≤ 1; μ and k are unknown."""

    fields = ("y",)
    time = (0.0, 1.0)
    mu: float = 4.0
    k: float = 400.0

    @residual(on="interior")
    def spring(self, y, y_t, y_tt):
        return y_tt + self.mu * y_t + self.k * y

    @residual(on="initial")
    def start(self, y):
        return y - 1

    @residual(on="initial")
    def start_speed(self, y_t):
        return y_t

    def reference(self, t):
        omega = np.sqrt(self.k - self.mu**2 / 4)
        waves = np.cos(omega * t) + self.mu / (2 * omega) * np.sin(omega * t)
        return {"y": np.exp(-self.mu / 2 * t) * waves}


GUESS = DampedOscillator(unknowns={"mu": 1.0, "k": 100.0})
RUNS = {"40 points, 2 % noise": {"problem": GUESS, "data": Synthetic(count=40, noise=0.02)}}
