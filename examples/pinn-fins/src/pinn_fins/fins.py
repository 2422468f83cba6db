"""Straight and annular cooling fins of constant thickness with an insulated tip."""

import numpy as np
from scipy.special import i0, i1, k0, k1

from pinn import Interval, Problem, positive, residual


class Fin(Problem):
    """Straight fin θ″ = m² θ, θ(0) = 1, θ′(1) = 0; excess temperature and length scaled to one.

    Attributes:
        m: the fin parameter L √(h P / (k A)).
    """

    fields = ("theta",)
    space = Interval(x=(0.0, 1.0))
    m: float = positive(2.0)

    @residual(on="interior")
    def balance(self, theta, theta_xx):
        """Conduction along the fin gives what its surface loses."""
        return theta_xx - self.m**2 * theta

    @residual(on="x-")
    def base(self, theta):
        """The base has the temperature of the wall."""
        return theta - 1

    @residual(on="x+")
    def tip(self, theta_n):
        """The tip is insulated."""
        return theta_n

    def reference(self, x):
        """Return cosh m(1 − x) / cosh m."""
        return {"theta": np.cosh(self.m * (1 - x)) / np.cosh(self.m)}


class AnnularFin(Problem):
    """Annular fin θ″ + θ′/r = m² θ between r = 1 and r = 2, θ(1) = 1, θ′(2) = 0.

    Attributes:
        m: the fin parameter, with the inner radius as the length.
    """

    fields = ("theta",)
    space = Interval(r=(1.0, 2.0))
    m: float = positive(1.5)

    @residual(on="interior")
    def balance(self, r, theta, theta_r, theta_rr):
        """Conduction across the fin gives what its surface loses."""
        return theta_rr + theta_r / r - self.m**2 * theta

    @residual(on="r-")
    def base(self, theta):
        """The base has the temperature of the tube."""
        return theta - 1

    @residual(on="r+")
    def tip(self, theta_n):
        """The tip is insulated."""
        return theta_n

    def reference(self, r):
        """Return the solution in modified Bessel functions."""
        m = self.m
        outer = 2 * m
        shape = i0(m * r) * k1(outer) + k0(m * r) * i1(outer)
        return {"theta": shape / (i0(m) * k1(outer) + k0(m) * i1(outer))}
