"""The Cole–Hopf solution of Burgers' equation that starts from a sine wave."""

# pyright: strict
from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pinn.errors import InputError
from pinn.references.points import Array, broadcast

_CHUNK = 2**19  # points × nodes held at once: a few arrays of 4 MB, whatever the number of points
# exp(-z²) is below the rounding of float64 at this z, and so is its Fourier transform at 2 · 6.2.
_TAIL = 6.2


def cole_hopf(x: npt.ArrayLike, t: npt.ArrayLike, nu: float, lambda1: float = 1.0) -> Array:
    """Return u with u_t + λ₁ u u_x = ν u_xx, u(x, 0) = -sin(πx), u(±1, t) = 0; dimensionless.

        u = -∫ e^{-z²} f(y) sin(πy) dz / ∫ e^{-z²} f(y) dz,   y = x - z √(4νt)
        f(y) = exp(-λ₁ cos(πy) / (2πν))

    (w = λ₁u solves Burgers' equation with λ₁ = 1 and starts from -λ₁ sin(πx), hence λ₁ in f and no
    factor in front.)  At t = 0 the formula is the initial state itself.  The integrals are computed
    by the trapezoidal rule, which converges exponentially for such integrands.  The usual
    Gauss–Hermite rule does worse: its weights underflow at small ν, and its nodes are too far apart
    at large ν.

    Source: Cole (1951), doi:10.1090/qam/42889; Hopf (1950), doi:10.1002/cpa.3160030302; the
    trapezoidal rule: Trefethen & Weideman (2014), doi:10.1137/130932132.

    Args:
        x: positions, any shape that broadcasts against `t`.
        t: times ≥ 0.
        nu: viscosity ν > 0.
        lambda1: strength λ₁ of the convection.

    Raises:
        InputError: if ν is not positive or a time is negative.
    """
    x, t = broadcast(x, t)
    if not nu > 0:
        raise InputError(f"cole_hopf: nu={nu}; the viscosity must be positive.")
    if t.size and t.min() < 0:
        raise InputError(f"cole_hopf: t={t.min()}; the solution starts at t = 0.")
    z = _nodes(float(t.max()) if t.size else 0.0, nu, lambda1)
    u = np.empty(x.size)
    rows = max(_CHUNK // len(z), 1)
    for start in range(0, x.size, rows):
        chunk = slice(start, start + rows)
        spread = np.sqrt(4 * nu * t.ravel()[chunk, None])
        angle = np.pi * (x.ravel()[chunk, None] - z * spread)
        exponent = -(z**2) - lambda1 / (2 * np.pi * nu) * np.cos(angle)
        # Only ratios matter.  Without the largest exponent, the sums can neither overflow nor
        # vanish.
        density = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        u[chunk] = -np.sum(density * np.sin(angle), axis=1) / np.sum(density, axis=1)
    return u.reshape(x.shape)


def _nodes(latest: float, nu: float, lambda1: float) -> Array:
    """Return equidistant nodes z [n], wide and dense enough for float64 up to the time `latest`."""
    # The derivative of the exponent vanishes only at z = ½ λ₁ √(t/ν) sin(πy), so all peaks lie
    # within this distance from zero.
    reach = abs(lambda1) / 2 * math.sqrt(latest / nu) + _TAIL
    # f has the Fourier coefficients I_k(β), which are negligible for k > `harmonics`.  As a
    # function of z, the k-th has the frequency kπ√(4νt).  The step must separate its alias at 2π/h
    # from the transform of exp(-z²).
    beta = abs(lambda1) / (2 * math.pi * nu)
    harmonics = math.sqrt(80 * beta) + 8
    step = 2 * math.pi / (harmonics * math.pi * math.sqrt(4 * nu * latest) + 2 * _TAIL)
    count = math.ceil(reach / step)
    return np.arange(-count, count + 1) * step
