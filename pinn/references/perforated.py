"""PINNacle's squares with four round holes: Laplace's and the linear Poisson–Boltzmann equation."""

# pyright: strict, reportMissingTypeStubs=false
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import erf

from pinn.errors import InputError
from pinn.references.multipoles import Multipoles
from pinn.references.points import Array, PlaneMap, broadcast
from pinn.references.resolutions import two_resolutions

HOLES = ((0.3, 0.3, 0.1), (-0.3, 0.3, 0.1), (0.3, -0.3, 0.1), (-0.3, -0.3, 0.1))
"""Disks (x, y, radius) of Poisson2d-C in the square |x|, |y| < ½."""

CHARGES = ((0.5, 0.5, 0.2), (0.4, -0.4, 0.4), (-0.2, -0.7, 0.1), (-0.6, 0.5, 0.3))
"""Disks (x, y, radius) of Poisson2d-CG in the square |x|, |y| < 1."""

_RANDOM = 4000  # points in the square at which two solutions are compared
# Step of the trapezoidal rule in log time; compared with half the step, its error is below 1e-13.
_STEP = 0.3
_FIRST = -37.0  # the integrand is negligible before this log time
_LAST = 3.9  # and after this one


def laplace_holes(x: npt.ArrayLike, y: npt.ArrayLike) -> Array:
    """Return u with Δu = 0 in |x|, |y| < ½ outside of four disks.

    u = 1 on the square, u = 0 on the circles.

    Args:
        x: positions, any shape that broadcasts against `y`; dimensionless.
        y: positions.
    """
    return _at_any_shape(_laplace.fine(), x, y)


def laplace_holes_error() -> float:
    """Return the relative L2 error of `laplace_holes`, estimated by `TwoResolutions.error`."""
    return float(_laplace.error())


def poisson_boltzmann(
    x: npt.ArrayLike, y: npt.ArrayLike, *, k: float, A: float, mu1: float, mu2: float
) -> Array:
    """Return u of the linear Poisson–Boltzmann equation in |x|, |y| < 1 outside of four disks.

        -Δu + k² u = A (μ₁² + x² + μ₂² + y²) sin(μ₁πx) sin(μ₂πy)
        u = 0.2 on the square, u = 1 on the circles

    Where two walls meet, the boundary value u = 0.2 contradicts the equation: the boundary implies
    Δu = 0, the equation Δu = k² u.  So u has singularities r² log r there.  The solution for the
    square without disks has exactly the same singularities.  The remainder is smooth, and
    multipoles represent it.

    Args:
        x: positions, any shape that broadcasts against `y`; dimensionless.
        y: positions.
        k: inverse screening length, at least 2.
        A: amplitude of the source.
        mu1: half waves of the source along half of x, a whole number.
        mu2: half waves along half of y, a whole number.

    Raises:
        InputError: if k is too small or mu1 or mu2 is not whole.
    """
    if round(mu1) != mu1 or round(mu2) != mu2:
        raise InputError(f"poisson_boltzmann: mu1={mu1}, mu2={mu2}; give whole numbers.")
    return _at_any_shape(_screened.fine(float(k), float(A), int(mu1), int(mu2)), x, y)


def poisson_boltzmann_error(k: float, A: float, mu1: float, mu2: float) -> float:
    """Return the relative L2 error of `poisson_boltzmann`, estimated by `TwoResolutions.error`."""
    return float(_screened.error(float(k), float(A), int(mu1), int(mu2)))


def _points_outside(disks: Sequence[Sequence[float]], *, half: float) -> tuple[Array, Array]:
    """Return x and y of random points in the square |x|, |y| < half outside of the disks."""
    x, y = np.random.default_rng(0).uniform(-half, half, (2, _RANDOM))
    outside = np.ones(_RANDOM, bool)
    for center_x, center_y, radius in disks:
        outside &= np.hypot(x - center_x, y - center_y) > radius
    return x[outside], y[outside]


def _sample_laplace(u: PlaneMap) -> Array:
    return u(*_points_outside(HOLES, half=0.5))


@two_resolutions(fine=20, coarse=14, sample=_sample_laplace)
def _laplace(order: int) -> PlaneMap:
    """Return u(x, y) of `laplace_holes` from multipoles up to an order."""

    def on_circles(x: Array, y: Array) -> Array:
        return -np.ones_like(x)

    remainder = Multipoles((-0.5, -0.5), (0.5, 0.5), HOLES, k=0, data=on_circles, order=order)
    return lambda x, y: 1 + remainder(x, y)


def _sample_screened(u: PlaneMap) -> Array:
    return u(*_points_outside(CHARGES, half=1.0))


@two_resolutions(fine=60, coarse=42, sample=_sample_screened)
def _screened(order: int, k: float, A: float, mu1: int, mu2: int) -> PlaneMap:
    """Return u(x, y) of `poisson_boltzmann` from multipoles up to an order."""

    def without_disks(x: Array, y: Array) -> Array:
        return 0.2 * (1 - constant_source(x, y, k)) + A * _wave_source(x, y, k, mu1, mu2)

    def on_circles(x: Array, y: Array) -> Array:
        return 1 - without_disks(x, y)

    remainder = Multipoles((-1.0, -1.0), (1.0, 1.0), CHARGES, k=k, data=on_circles, order=order)
    return lambda x, y: without_disks(x, y) + remainder(x, y)


def constant_source(x: Array, y: Array, k: float) -> Array:
    """Return p with -Δp + k² p = k² in |x|, |y| < 1, p = 0 on the walls; dimensionless.

        p = ∫ e^{-τ} Θ(x, τ/k²) Θ(y, τ/k²) dτ from 0 to ∞

    where Θ is the solution of the heat equation on [-1, 1] that starts from one and is zero at the
    ends.
    """
    total = np.zeros(np.broadcast(x, y).shape)
    for log_time in np.arange(_FIRST, _LAST, _STEP):
        time = math.exp(log_time)
        width = 2 * math.sqrt(time) / k
        total += _STEP * time * math.exp(-time) * _cooling(x, width) * _cooling(y, width)
    return total


def _cooling(x: Array, width: float) -> Array:
    """Return the solution of the heat equation from one, zero at the ends of [-1, 1].

    The width is √(4t).  The odd continuation of the solution starts as a square wave with jumps at
    -1, 1, -3, 3, ….  Jumps more than 6 widths away are left out, as 1 - erf(6) is below rounding.
    """
    reach = 2 * math.ceil(max(0.0, 6 * width - 2) / 4)
    total = -np.ones(np.shape(x))
    for n in range(-reach, reach + 2):
        total = total + (-1) ** n * erf((x + 1 - 2 * n) / width)
    return total


def _wave_source(x: Array, y: Array, k: float, mu1: int, mu2: int) -> Array:
    """Return w with -Δw + k² w = (μ₁² + x² + μ₂² + y²) sin(μ₁πx) sin(μ₂πy) in |x|, |y| < 1.

    w = 0 on the walls.  It is a sum of the sines and of their products with x and y.  Hyperbolic
    sines cancel the values of those products on the walls.
    """
    a = np.pi * mu1
    b = np.pi * mu2
    kappa = k * k + a * a + b * b
    sines = np.sin(a * x) * np.sin(b * y)
    square = mu1**2 + mu2**2 + x * x + y * y + (4 - 8 * (a * a + b * b) / kappa) / kappa
    along_x = (x * np.cos(a * x) - math.cos(a) * _growth(x, math.hypot(k, b))) * np.sin(b * y)
    along_y = (y * np.cos(b * y) - math.cos(b) * _growth(y, math.hypot(k, a))) * np.sin(a * x)
    return (square * sines + 4 / kappa * (a * along_x + b * along_y)) / kappa


def _growth(x: Array, rate: float) -> Array:
    """Return sinh(rate x)/sinh(rate), without overflow."""
    size = np.abs(x)
    from_end = np.exp(rate * (size - 1))
    return np.sign(x) * from_end * np.expm1(-2 * rate * size) / math.expm1(-2 * rate)


def _at_any_shape(function: PlaneMap, x: npt.ArrayLike, y: npt.ArrayLike) -> Array:
    """Return the values of a function of x [n] and y [n] at arrays that broadcast."""
    x, y = broadcast(x, y)
    return function(x.ravel(), y.ravel()).reshape(x.shape)
