"""Flow of blood in an elastic vessel (deepxde#428); dimensionless."""

import tensorflow as tf

from pinn import Interval, Problem, positive, residual


class Blood(Problem):
    """A_t + (A u)_x = 0, u_t + u u_x + p_x/ρ = 0, p = k (√A − 1), from a small bump, t ≤ 0.4."""

    fields = ("A", "u")
    space = Interval(x=(-1.0, 1.0))
    time = (0.0, 0.4)
    k: float = positive(2.0)
    rho: float = positive(1.0)

    @residual(on="interior")
    def mass(self, A, u, A_t, A_x, u_x):
        return A_t + A_x * u + A * u_x

    @residual(on="interior")
    def momentum(self, A, u, u_t, u_x, A_x):
        return u_t + u * u_x + self.k * A_x / (2 * tf.sqrt(A)) / self.rho

    @residual(on="initial")
    def bump(self, x, A):
        return A - 1 - 0.05 * tf.exp(-((x / 0.15) ** 2))

    @residual(on="initial")
    def rest(self, u):
        return u

    @residual(on="boundary")
    def ends(self, A):
        return A - 1


RUNS = {"t ≤ 0.4": {"problem": Blood()}}
