"""Pennes' equation in a half space of tissue (deepxde#2007); dimensionless."""

from pinn import Interval, Problem, residual


class Bioheat(Problem):
    """θ_t = θ_xx − θ, θ(0) = 1, start 0; the half space ends at 8, where θ is 0; t ≤ 1.0377."""

    fields = ("theta",)
    space = Interval(x=(0.0, 8.0))
    time = (0.0, 1.0377)

    @residual(on="interior")
    def heat(self, theta, theta_t, theta_xx):
        return theta_t - theta_xx + theta

    @residual(on="initial")
    def start(self, theta):
        return theta

    @residual(on="x-")
    def skin(self, theta):
        return theta - 1

    @residual(on="x+")
    def deep(self, theta):
        return theta


RUNS = {"t ≤ 1.0377": {"problem": Bioheat()}}
