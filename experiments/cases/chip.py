"""A plate that a chip heats (PyTorch forum 217547); dimensionless."""

from typing import ClassVar

from settings import gauss_newton

from pinn import Part, Points, Problem, Rectangle, residual


class NoSink(Problem):
    """ΔT = 0 in the unit square; the middle third of the bottom takes up heat, the rest none."""

    fields = ("T",)
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0)).named(sides=["x-", "x+"])
    regions: ClassVar = {
        "chip": Part("y-", where=lambda x: abs(x - 0.5) < 1 / 6),
        "bottom": Part("y-", where=lambda x: abs(x - 0.5) >= 1 / 6),
    }

    @residual(on="interior")
    def conduction(self, T_xx, T_yy):
        return T_xx + T_yy

    @residual(on="chip")
    def flux(self, T_n):
        return T_n - 1

    @residual(on="bottom")
    def insulated_bottom(self, T_n):
        return T_n

    @residual(on="sides")
    def insulated_sides(self, T_n):
        return T_n

    @residual(on="y+")
    def top(self, T_n):
        return T_n


class Cooled(NoSink):
    """The same with the top held at 0."""

    @residual(on="y+")
    def top(self, T):
        return T


RUNS = {"insulated top": {"problem": NoSink()}, "cooled top": {"problem": Cooled()}}
SAY_SO = {"insulated top": "there is no steady state: heat comes in, and none goes out"}
# The interior's points go where the residual is large: to the edges of the chip.
POINTS = Points(adaptive="rad", counts={"interior": 2000, "boundary": 2000})
DOCUMENTED = {
    "cooled top": {"points": POINTS, "phases": gauss_newton(polish=150, redraw_every=10)},
}
