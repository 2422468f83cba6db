"""The incompressible Navier–Stokes equations in the plane, which several flows share; a flow adds its conditions."""

# ruff: noqa: D102 (a residual's line is its own documentation)
from __future__ import annotations

from dataclasses import dataclass

from pinn.problem import Problem, positive, residual


@dataclass(frozen=True, kw_only=True)
class SteadyPlaneFlow(Problem):
    """Steady incompressible Navier–Stokes equations in the plane; dimensionless; to be derived from.

        u u_x + v u_y = -p_x + (u_xx + u_yy) / Re
        u v_x + v v_y = -p_y + (v_xx + v_yy) / Re
        u_x + v_y = 0

    Without a condition on it the pressure is determined up to a constant.

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
