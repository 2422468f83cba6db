"""PINNacle's squares with four round holes: Laplace's equation, and the linear Poisson–Boltzmann equation."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from scipy.special import erf

from pinn.errors import InputError
from pinn.references.multipoles import Multipoles

Array = np.ndarray

HOLES = ((0.3, 0.3, 0.1), (-0.3, 0.3, 0.1), (0.3, -0.3, 0.1), (-0.3, -0.3, 0.1))
"""Disks (x, y, radius) of Poisson2d-C in the square |x|, |y| < ½."""

CHARGES = ((0.5, 0.5, 0.2), (0.4, -0.4, 0.4), (-0.2, -0.7, 0.1), (-0.6, 0.5, 0.3))
"""Disks (x, y, radius) of Poisson2d-CG in the square |x|, |y| < 1."""

_LAPLACE_ORDERS = (20, 14)
_SCREENED_ORDERS = (60, 42)
_STEP = 0.3  # of the trapezoidal rule in log time: its error is below 1e-13, by comparison with half of it
_FIRST, _LAST = -37.0, 3.9  # log times between which the integrand is not negligible


def laplace_holes(x: Array, y: Array) -> Array:
    """Return u with Δu = 0 in |x|, |y| < ½ less four disks, u = 1 on the square and 0 on the circles; dimensionless.

    Args:
        x: positions, any shape that broadcasts against `y`.
        y: positions.
    """
    return _shaped(_laplace(_LAPLACE_ORDERS[0]), x, y)


@functools.cache
def laplace_holes_error() -> float:
    """Return the relative L2 distance of `laplace_holes` from the same with fewer multipoles.

    As the error of the coarser one, it is an upper bound of the error of the finer.
    """
    return _distance(*(_laplace(order) for order in _LAPLACE_ORDERS), disks=HOLES, half=0.5)


def poisson_boltzmann(x: Array, y: Array, *, k: float, A: float, mu1: float, mu2: float) -> Array:
    """Return u of the linear Poisson–Boltzmann equation in |x|, |y| < 1 less four disks; dimensionless.

        -Δu + k² u = A (μ₁² + x² + μ₂² + y²) sin(μ₁πx) sin(μ₂πy)
        u = 0.2 on the square, u = 1 on the circles

    Where walls meet, u = 0.2 and the equation contradict each other (Δu = 0 from the one, k² u from
    the other), so that u has singularities there, as r² log r; the solution for the square without
    disks has them, exactly.  What is left is smooth, and multipoles give it.

    Args:
        x: positions, any shape that broadcasts against `y`.
        y: positions.
        k: inverse screening length, at least 2.
        A: size of the source.
        mu1: half waves of the source along half of x, a whole number.
        mu2: half waves along half of y, a whole number.

    Raises:
        InputError: if k is too small or mu1 or mu2 is not whole.
    """
    if round(mu1) != mu1 or round(mu2) != mu2:
        raise InputError(f"poisson_boltzmann: mu1={mu1}, mu2={mu2}; give whole numbers.")
    return _shaped(_screened(float(k), float(A), int(mu1), int(mu2), _SCREENED_ORDERS[0]), x, y)


@functools.lru_cache(maxsize=4)
def poisson_boltzmann_error(k: float, A: float, mu1: float, mu2: float) -> float:
    """Return the relative L2 distance of `poisson_boltzmann` from the same with fewer multipoles.

    As the error of the coarser one, it is an upper bound of the error of the finer.
    """
    fine, coarse = (
        _screened(float(k), float(A), int(mu1), int(mu2), order) for order in _SCREENED_ORDERS
    )
    return _distance(fine, coarse, disks=CHARGES, half=1.0)


@functools.lru_cache(maxsize=4)
def _laplace(order: int) -> Any:
    """Return u(x, y) of `laplace_holes` from multipoles up to an order."""
    rest = Multipoles(
        (-0.5, -0.5), (0.5, 0.5), HOLES, k=0, data=lambda x, y: -np.ones_like(x), order=order
    )
    return lambda x, y: 1 + rest(x, y)


@functools.lru_cache(maxsize=4)
def _screened(k: float, A: float, mu1: int, mu2: int, order: int) -> Any:
    """Return u(x, y) of `poisson_boltzmann` from multipoles up to an order."""

    def square(x: Array, y: Array) -> Array:
        return 0.2 * (1 - constant_source(x, y, k)) + A * _wave_source(x, y, k, mu1, mu2)

    rest = Multipoles(
        (-1.0, -1.0), (1.0, 1.0), CHARGES, k=k, data=lambda x, y: 1 - square(x, y), order=order
    )
    return lambda x, y: square(x, y) + rest(x, y)


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
    """Return the solution of the heat equation at x in [-1, 1] from one, zero at the ends; width is √(4t).

    Its odd continuation is a square wave at the start, with jumps at -1, 1, -3, 3 …; 1 - erf(6) is
    below rounding.
    """
    reach = 2 * math.ceil(max(0.0, 6 * width - 2) / 4)
    found = -np.ones(np.shape(x))
    for n in range(-reach, reach + 2):
        found = found + (-1) ** n * erf((x + 1 - 2 * n) / width)
    return found


def _wave_source(x: Array, y: Array, k: float, mu1: int, mu2: int) -> Array:
    """Return w with -Δw + k² w = (μ₁² + x² + μ₂² + y²) sin(μ₁πx) sin(μ₂πy) in |x|, |y| < 1, w = 0 on the walls.

    Besides the sines and products with x and y, hyperbolic sines cancel what those products leave
    on the walls.
    """
    a, b = np.pi * mu1, np.pi * mu2
    kappa = k * k + a * a + b * b
    sines = np.sin(a * x) * np.sin(b * y)
    square = mu1**2 + mu2**2 + x * x + y * y + (4 - 8 * (a * a + b * b) / kappa) / kappa
    along_x = (x * np.cos(a * x) - math.cos(a) * _growth(x, math.hypot(k, b))) * np.sin(b * y)
    along_y = (y * np.cos(b * y) - math.cos(b) * _growth(y, math.hypot(k, a))) * np.sin(a * x)
    return (square * sines + 4 / kappa * (a * along_x + b * along_y)) / kappa


def _growth(x: Array, rate: float) -> Array:
    """Return sinh(rate x)/sinh(rate), without overflow."""
    return (
        np.sign(x)
        * np.exp(rate * (np.abs(x) - 1))
        * np.expm1(-2 * rate * np.abs(x))
        / math.expm1(-2 * rate)
    )


def _shaped(function: Any, x: Array, y: Array) -> Array:
    """Return a function of x [n] and y [n] at arrays that broadcast."""
    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    return function(x.ravel(), y.ravel()).reshape(x.shape)


def _distance(fine: Any, coarse: Any, *, disks: Any, half: float) -> float:
    """Return the relative L2 distance of two functions in the square less disks, at random points."""
    x, y = np.random.default_rng(0).uniform(-half, half, (2, 4000))
    inside = np.all([np.hypot(x - cx, y - cy) > radius for cx, cy, radius in disks], axis=0)
    found, other = fine(x[inside], y[inside]), coarse(x[inside], y[inside])
    return float(np.linalg.norm(found - other) / np.linalg.norm(found))
