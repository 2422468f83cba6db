"""Two round electrodes in a grounded box (deepxde#141); dimensionless."""

from pinn import Difference, Disk, Problem, Rectangle, residual


class Electrodes(Problem):
    """Δφ = 0 in a square of side 2, φ = 0 on it, φ = 1 and −1 on circles of radius 0.2 and 0.1."""

    fields = ("phi",)
    space = Difference(
        Rectangle(x=(-1.0, 1.0), y=(-1.0, 1.0)),
        large=Disk(x=-0.5, y=0.0, radius=0.2),
        small=Disk(x=0.5, y=0.0, radius=0.1),
    )

    @residual(on="interior")
    def laplace(self, phi_xx, phi_yy):
        return phi_xx + phi_yy

    @residual(on="outer")
    def grounded(self, phi):
        return phi

    @residual(on="large")
    def plus(self, phi):
        return phi - 1

    @residual(on="small")
    def minus(self, phi):
        return phi + 1


RUNS = {"steady": {"problem": Electrodes()}}
