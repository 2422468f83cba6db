"""Conduction through a wall of three layers; m, W/(m K), °C."""

from typing import ClassVar

from pinn import Interval, Material, Problem, flux, residual


class LayeredWall(Problem):
    """(k T_x)_x = 0 in layers of 0.1, 0.2 and 0.1, k = 1, 0.04 and 0.8; T = 20 and −10 outside."""

    fields = ("T",)
    space = Interval(x=(0.0, 0.4))
    materials: ClassVar = {
        "plaster": Material(Interval(x=(0.0, 0.1)), k=1.0),
        "wool": Material(Interval(x=(0.1, 0.3)), k=0.04),
        "brick": Material(k=0.8),
    }
    k: float = 1.0

    @residual(on="interior")
    def conduction(self, T_xx):
        return self.k * T_xx

    @flux
    def heat(self, T_n):
        return self.k * T_n

    @residual(on="x-")
    def warm(self, T):
        return T - 20

    @residual(on="x+")
    def cold(self, T):
        return T + 10


RUNS = {"steady": {"problem": LayeredWall()}}
