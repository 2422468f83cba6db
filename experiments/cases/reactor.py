"""A stirred tank with a cooled exothermic reaction (deepxde#385); L, min, mol/L, K, J."""

import tensorflow as tf
from settings import gauss_newton

from pinn import Problem, positive, residual


class Reactor(Problem):
    """V C′ = q (1 − C) − V k C, ρ Cp V T′ = ρ Cp q (350 − T) + ΔH V k C + UA (Tc − T).

    The rate is k = 7.2e10 e^{−8750/T} 1/min; t ≤ 10 min.
    """

    fields = ("C", "T")
    time = (0.0, 10.0)
    Tc: float = positive(280.0)
    V: float = positive(100.0)
    q: float = positive(100.0)
    rho: float = positive(1000.0)
    Cp: float = positive(0.239)
    heat: float = 5e4
    UA: float = 5e4

    def rate(self, C, T):
        return 7.2e10 * tf.exp(-8750 / T) * C

    @residual(on="interior")
    def balance(self, C, T, C_t):
        return self.V * C_t - self.q * (1 - C) + self.V * self.rate(C, T)

    @residual(on="interior")
    def energy(self, C, T, T_t):
        gain = self.heat * self.V * self.rate(C, T) + self.UA * (self.Tc - T)
        return self.rho * self.Cp * (self.V * T_t - self.q * (350 - T)) - gain

    @residual(on="initial")
    def start(self, C):
        return C - 0.877253

    @residual(on="initial")
    def start_temperature(self, T):
        return T - 324.4754


RUNS = {
    "coolant 280 K": {"problem": Reactor(Tc=280.0)},
    "coolant 305 K": {"problem": Reactor(Tc=305.0)},
}
# The temperature runs away; Gauss–Newton solves every window to 1e-8.
DOCUMENTED = {"coolant 305 K": {"phases": gauss_newton(polish=200)}}
