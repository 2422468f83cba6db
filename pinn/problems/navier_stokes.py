"""The steady incompressible Navier–Stokes equations in the plane, which several flows share."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from pinn.problem import Problem, positive, residual


class SteadyPlaneFlow(Problem):
    """Steady incompressible Navier–Stokes equations in the plane; dimensionless; a base class.

        u u_x + v u_y = -p_x + (u_xx + u_yy) / Re
        u v_x + v v_y = -p_y + (v_xx + v_yy) / Re
        u_x + v_y = 0

    A derived class adds the conditions.  Without a condition on the pressure, it is determined up
    to a constant.

    Attributes:
        Re: Reynolds number Re > 0.
    """

    Re: float = positive(100.0)

    fields = ("u", "v", "p")
    gauge = ("p",)

    @residual(on="interior")
    def momentum_x(self, u, v, u_x, u_y, p_x, u_xx, u_yy):
        return u * u_x + v * u_y + p_x - (u_xx + u_yy) / self.Re

    @residual(on="interior")
    def momentum_y(self, u, v, v_x, v_y, p_y, v_xx, v_yy):
        return u * v_x + v * v_y + p_y - (v_xx + v_yy) / self.Re

    @residual(on="interior")
    def continuity(self, u_x, v_y):
        return u_x + v_y
