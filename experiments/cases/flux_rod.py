"""A rod with a flux into one end (PINA#246); dimensionless."""

from pinn import Interval, Problem, residual


class FluxRod(Problem):
    """u_t = u_xx, u_x(0) = −1, u_x(1) = 0, start 0, t ≤ 1."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def heat(self, u_t, u_xx):
        return u_t - u_xx

    @residual(on="initial")
    def start(self, u):
        return u

    @residual(on="x-")
    def flux(self, u_x):
        return u_x + 1

    @residual(on="x+")
    def insulated(self, u_x):
        return u_x


RUNS = {"t ≤ 1": {"problem": FluxRod()}}
