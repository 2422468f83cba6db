"""A dielectric disk in a uniform field; dimensionless."""

from typing import ClassVar

from pinn import Disk, Material, Problem, Rectangle, flux, residual


class Dielectric(Problem):
    """∇·(ε ∇φ) = 0, ε = 6 in the unit disk and 1 around it; the exact far field on a square."""

    fields = ("phi",)
    space = Rectangle(x=(-4.0, 4.0), y=(-4.0, 4.0))
    materials: ClassVar = {
        "disk": Material(Disk(x=0.0, y=0.0, radius=1.0), eps=6.0),
        "vacuum": Material(eps=1.0),
    }
    eps: float = 1.0

    @residual(on="interior")
    def gauss(self, lap_phi):
        return self.eps * lap_phi

    @flux
    def displacement(self, phi_n):
        return self.eps * phi_n

    @residual(on="boundary")
    def far_field(self, x, y, phi):
        return phi + x - 5 / 7 * x / (x * x + y * y)


RUNS = {"far field": {"problem": Dielectric()}}
