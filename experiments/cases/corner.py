"""Diffusion with drift from an empty start to an end value of 1 (deepxde#625); dimensionless."""

from pinn import Interval, Problem, residual


class Corner(Problem):
    """u_t = u_xx + u_x on [0, 10], u(10) = 1, u(0) = 0, start 0, t ≤ 1: u jumps in a corner."""

    fields = ("u",)
    space = Interval(x=(0.0, 10.0))
    time = (0.0, 1.0)
    log_time = 0.01

    @residual(on="interior")
    def drift(self, u_t, u_x, u_xx):
        return u_t - u_xx - u_x

    @residual(on="initial")
    def empty(self, u):
        return u

    @residual(on="x-")
    def left(self, u):
        return u

    @residual(on="x+")
    def right(self, u):
        return u - 1


RUNS = {"t ≤ 1": {"problem": Corner()}}
