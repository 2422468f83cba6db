"""Potential flow around a cylinder, with fluxes alone (deepxde#49); dimensionless."""

from pinn import Difference, Disk, Problem, Rectangle, residual


class PotentialFlow(Problem):
    """Δφ = 0 around the unit disk in [−3, 3]², φ = U (r + R²/r) cos θ, all Neumann, U = R = 1."""

    fields = ("phi",)
    gauge = ("phi",)
    space = Difference(
        Rectangle(x=(-3.0, 3.0), y=(-3.0, 3.0)), cylinder=Disk(x=0.0, y=0.0, radius=1.0)
    ).named(ends=["x-", "x+"], sides=["y-", "y+"])

    @residual(on="interior")
    def laplace(self, phi_xx, phi_yy):
        return phi_xx + phi_yy

    @residual(on="cylinder")
    def impermeable(self, phi_n):
        return phi_n

    @residual(on="ends")
    def through(self, x, y, phi_x):
        return phi_x - (1 - (x**2 - y**2) / (x**2 + y**2) ** 2)

    @residual(on="sides")
    def across(self, x, y, phi_y):
        return phi_y + 2 * x * y / (x**2 + y**2) ** 2

    def reference(self, x, y):
        return {"phi": x * (1 + 1 / (x**2 + y**2))}


RUNS = {"steady": {"problem": PotentialFlow()}}
