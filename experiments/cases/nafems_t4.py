"""The benchmark NAFEMS T4: a plate with convection (deepxde#253); m, W, °C."""

from pinn import Problem, Rectangle, positive, residual


class NafemsT4(Problem):
    """Steady conduction: bottom at 100 °C, left insulated, right and top convect to 0 °C."""

    fields = ("T",)
    space = Rectangle(x=(0.0, 0.6), y=(0.0, 1.0)).named(air=["x+", "y+"])
    k: float = positive(52.0)
    h: float = positive(750.0)

    @residual(on="interior")
    def conduction(self, T_xx, T_yy):
        return self.k * (T_xx + T_yy)

    @residual(on="y-")
    def hot(self, T):
        return T - 100

    @residual(on="x-")
    def insulated(self, T_n):
        return self.k * T_n

    @residual(on="air")
    def convection(self, T, T_n):
        return self.k * T_n + self.h * T


RUNS = {"steady": {"problem": NafemsT4()}}
