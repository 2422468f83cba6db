"""A clamped beam under its weight (deepxde#505); dimensionless."""

from pinn import Interval, Problem, residual


class ClampedBeam(Problem):
    """u⁗ + 1 = 0, clamped at both ends of [0, 1]; the largest deflection is 1/384."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))

    @residual(on="interior")
    def beam(self, u_xxxx):
        return u_xxxx + 1

    @residual(on="boundary")
    def clamped(self, u):
        return u

    @residual(on="boundary")
    def clamped_slope(self, u_x):
        return u_x

    def reference(self, x):
        return {"u": -(x**2) * (1 - x) ** 2 / 24}


RUNS = {"own weight": {"problem": ClampedBeam()}}
