"""A stationary density of integral 1; dimensionless."""

import numpy as np

from pinn import Interval, Problem, integral, residual


class FokkerPlanck(Problem):
    """((αx − βx³) p)′ = ½ σ² p″ on [−2.2, 2.2], p = 0 at the ends, ∫ p dx = 1."""

    fields = ("p",)
    space = Interval(x=(-2.2, 2.2))
    alpha: float = 0.3
    beta: float = 0.5
    sigma: float = 0.5

    @integral(over="interior")
    def mass(self, p):
        return p

    @residual(on="interior")
    def stationary(self, x, p, p_x, p_xx):
        drift = self.alpha * x - self.beta * x**3
        slope = self.alpha - 3 * self.beta * x**2
        return slope * p + drift * p_x - 0.5 * self.sigma**2 * p_xx

    @residual(on="interior")
    def norm(self, mass):
        return mass - 1

    @residual(on="boundary")
    def ends(self, p):
        return p

    def reference(self, x):
        s = np.linspace(-2.2, 2.2, 2000, endpoint=False)
        return {"p": self.bell(x) / (4.4 * np.mean(self.bell(s)))}

    def bell(self, x):
        return np.exp((self.alpha * x**2 - self.beta * x**4 / 2) / self.sigma**2)


RUNS = {f"α = {a}": {"problem": FokkerPlanck(alpha=a)} for a in (0.3, 0.5, 0.7)}
