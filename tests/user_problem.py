"""A problem file that imports a module from beside it, as tests write it."""

PROBLEM = """
import beside
from pinn import Interval, Problem, residual

class Mine(Problem):
    fields = ("u",)
    space = Interval(x=(0.0, 1.0))

    @residual(on="interior")
    def first(self, u_x):
        return u_x - beside.SLOPE

    @residual(on="boundary")
    def walls(self, x, u):
        return u - x
"""
