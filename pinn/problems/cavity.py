"""Driven cavities: steady flow in a closed square under a moving lid; two benchmarks of one name."""

# ruff: noqa: D102 (a residual's line is its own documentation)
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pinn.geometry import Rectangle
from pinn.problem import positive, residual, satisfies
from pinn.problems.navier_stokes import SteadyPlaneFlow
from pinn.references import cavity, cavity_error


@dataclass(frozen=True, kw_only=True)
class Cavity(SteadyPlaneFlow):
    """Steady incompressible Navier–Stokes equations in a cavity whose lid speeds up from the corners; dimensionless.

        u u_x + v u_y = -p_x + (u_xx + u_yy) / Re,  u v_x + v v_y = -p_y + (v_xx + v_yy) / Re,  u_x + v_y = 0
        u = 4x (1 - x) and v = 0 on y = 1,  u = v = 0 on the other walls      0 < x, y < 1

    The pressure is determined up to a constant; it grows as log r beside the upper corners.

    Source: PINNacle's NS2d-C (Hao et al. 2023), arXiv:2306.08827, with Re = 100.  Other lids of other papers are
    u = 1 (here `CavityUniformLid`) and 1 - cosh(50 (x - ½)) / cosh 25.
    Reference: Legendre polynomials beside the corners' singular functions, with the error that `reference_error`
    states.

    Attributes:
        Re: Reynolds number Re > 0, by the lid's largest speed and its length.
    """

    Re: float = positive(100.0)

    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

    @residual(on="boundary")
    def walls_u(self, x, y, u):
        return u - 4 * x * (1 - x) * y  # y is 1 on the lid and 0 on the floor; x (1 - x) is 0 on the sides

    @residual(on="boundary")
    def walls_v(self, v):
        return v

    @satisfies("walls_u", "walls_v")
    def ansatz(self, x, y, net):
        inside = 16 * x * (1 - x) * y * (1 - y)
        return 4 * x * (1 - x) * y + inside * net[0], inside * net[1], net[2]

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return dict(zip(self.fields, cavity(x, y, self.Re, "parabolic"), strict=True))

    def reference_error(self) -> dict[str, float]:
        return dict(zip(self.fields, cavity_error(self.Re, "parabolic"), strict=True))


@dataclass(frozen=True, kw_only=True)
class CavityUniformLid(SteadyPlaneFlow):
    """Steady incompressible Navier–Stokes equations in a cavity whose lid has one speed; dimensionless.

        u u_x + v u_y = -p_x + (u_xx + u_yy) / Re,  u v_x + v v_y = -p_y + (v_xx + v_yy) / Re,  u_x + v_y = 0
        u = 1 and v = 0 on y = 1,  u = v = 0 on the other walls      0 < x, y < 1

    The velocity jumps in the upper corners, so that no smooth ansatz holds u there; v = 0 is built in.  The
    pressure, determined up to a constant, grows as 1/r beside those corners and has no L² norm.  The reference
    holds it within 10⁻³ of them; what is reported of p tells about them, and u and v about the flow.

    Source: Ghia, Ghia & Shin (1982), doi:10.1016/0021-9991(82)90058-4, one of whose Reynolds numbers is 3200.
    Reference: as of `Cavity`.

    Attributes:
        Re: Reynolds number Re > 0, by the lid's speed and its length.
    """

    Re: float = positive(3200.0)

    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

    @residual(on="y+")
    def lid(self, u):
        return u - 1

    @residual(on="y-")
    def floor(self, u):
        return u

    @residual(on="x-")
    def left(self, u):
        return u

    @residual(on="x+")
    def right(self, u):
        return u

    @residual(on="boundary")
    def walls_v(self, v):
        return v

    @satisfies("walls_v")
    def ansatz(self, x, y, net):
        return net[0], 16 * x * (1 - x) * y * (1 - y) * net[1], net[2]

    def reference(self, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        return dict(zip(self.fields, cavity(x, y, self.Re, "uniform"), strict=True))

    def reference_error(self) -> dict[str, float]:
        return dict(zip(self.fields, cavity_error(self.Re, "uniform"), strict=True))
