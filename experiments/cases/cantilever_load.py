"""A cantilever with a point load at mid-span; dimensionless."""

from pinn import Interval, Problem, residual


class CantileverLoad(Problem):
    """u⁗ = δ(x − ½) on [0, 1], clamped at 0: the tip comes to 5/48.

    The beam is folded at the load: a(x) = u(x) and b(x) = u(1 − x), both on [0, ½].
    """

    fields = ("a", "b")
    space = Interval(x=(0.0, 0.5))

    @residual(on="interior")
    def inner_span(self, a_xxxx):
        return a_xxxx

    @residual(on="interior")
    def outer_span(self, b_xxxx):
        return b_xxxx

    @residual(on="x-")
    def clamped(self, a):
        return a

    @residual(on="x-")
    def clamped_slope(self, a_x):
        return a_x

    @residual(on="x-")
    def no_moment(self, b_xx):
        return b_xx

    @residual(on="x-")
    def no_force(self, b_xxx):
        return b_xxx

    @residual(on="x+")
    def same(self, a, b):
        return a - b

    @residual(on="x+")
    def same_slope(self, a_x, b_x):
        return a_x + b_x

    @residual(on="x+")
    def same_moment(self, a_xx, b_xx):
        return a_xx - b_xx

    @residual(on="x+")
    def load(self, a_xxx, b_xxx):
        return a_xxx + b_xxx + 1


RUNS = {"unit load": {"problem": CantileverLoad()}}
