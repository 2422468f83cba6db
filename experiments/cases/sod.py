"""Sod's shock tube (deepxde#126); dimensionless."""

import tensorflow as tf

from pinn import Interval, Problem, positive, residual


class Sod(Problem):
    """Euler's equations on [0, 1], from ρ = p = 1 and ρ = 0.125, p = 0.1, at rest, t ≤ 0.2."""

    fields = ("rho", "u", "p")
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 0.2)
    gamma: float = positive(1.4)

    @residual(on="interior")
    def mass(self, rho, u, rho_t, rho_x, u_x):
        return rho_t + rho_x * u + rho * u_x

    @residual(on="interior")
    def momentum(self, rho, u, u_t, u_x, p_x):
        return rho * (u_t + u * u_x) + p_x

    @residual(on="interior")
    def energy(self, u, p, p_t, p_x, u_x):
        return p_t + u * p_x + self.gamma * p * u_x

    @residual(on="initial")
    def start_rho(self, x, rho):
        return rho - tf.where(x < 0.5, 1.0, 0.125)

    @residual(on="initial")
    def start_p(self, x, p):
        return p - tf.where(x < 0.5, 1.0, 0.1)

    @residual(on="initial")
    def rest(self, u):
        return u

    @residual(on="boundary")
    def closed(self, u):
        return u


RUNS = {"t ≤ 0.2": {"problem": Sod()}}
