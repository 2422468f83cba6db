"""The Cole–Hopf solution of Burgers' equation that starts from a sine wave."""

from __future__ import annotations

import math

import numpy as np

from pinn.errors import InputError

_CHUNK = 2**19  # points × nodes held at once: a few arrays of 4 MB, whatever the number of points
_TAIL = 6.2  # exp(-z²) is below the rounding of float64 there, and so is its Fourier transform at 2 · 6.2


def cole_hopf(x: np.ndarray, t: np.ndarray, nu: float, lambda1: float = 1.0) -> np.ndarray:
    """Return u with u_t + λ₁ u u_x = ν u_xx, u(x, 0) = -sin(πx), u(±1, t) = 0; dimensionless.

        u = -∫ e^{-z²} f(y) sin(πy) dz / ∫ e^{-z²} f(y) dz,   y = x - z √(4νt)
        f(y) = exp(-λ₁ cos(πy) / (2πν))

    (w = λ₁u solves Burgers' equation with λ₁ = 1 and starts from -λ₁ sin(πx), hence λ₁ in f and no
    factor in front.)  At t = 0 the formula is the initial state itself.  The integrals are
    trapezoidal sums, which converge exponentially for such integrands.  They replace the usual
    Gauss–Hermite rule, whose weights underflow at small ν and whose nodes are too far apart at
    large ν.

    Source: Cole (1951), doi:10.1090/qam/42889; Hopf (1950), doi:10.1002/cpa.3160030302; the
    trapezoidal
    rule: Trefethen & Weideman (2014), doi:10.1137/130932132.

    Args:
        x: positions, any shape that broadcasts against `t`.
        t: times ≥ 0.
        nu: viscosity ν > 0.
        lambda1: strength λ₁ of the convection.

    Raises:
        InputError: if ν is not positive or a time is negative.
    """
    x, t = np.broadcast_arrays(np.asarray(x, float), np.asarray(t, float))
    if not nu > 0:
        raise InputError(f"cole_hopf: nu={nu}; the viscosity must be positive.")
    if t.size and t.min() < 0:
        raise InputError(f"cole_hopf: t={t.min()}; the solution starts at t = 0.")
    z = _nodes(float(t.max()) if t.size else 0.0, nu, lambda1)
    u = np.empty(x.size)
    rows = max(_CHUNK // len(z), 1)
    for start in range(0, x.size, rows):
        part = slice(start, start + rows)
        spread = np.sqrt(4 * nu * t.ravel()[part, None])
        angle = np.pi * (x.ravel()[part, None] - z * spread)
        exponent = -(z**2) - lambda1 / (2 * np.pi * nu) * np.cos(angle)
        # Only ratios count: without the largest exponent the sums can neither overflow nor vanish.
        mass = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        u[part] = -np.sum(mass * np.sin(angle), axis=1) / np.sum(mass, axis=1)
    return u.reshape(x.shape)


def _nodes(latest: float, nu: float, lambda1: float) -> np.ndarray:
    """Return equidistant nodes z [n], wide and dense enough for float64 up to the time `latest`."""
    # The derivative of the exponent vanishes at z = ½ λ₁ √(t/ν) sin(πy) only, so the peaks lie
    # within this.
    reach = abs(lambda1) / 2 * math.sqrt(latest / nu) + _TAIL
    # f has the Fourier coefficients I_k(β), which are negligible for k > `harmonics`; in z the k-th
    # has the frequency kπ√(4νt), and the step must keep its alias 2π/h away from the transform of
    # exp(-z²).
    beta = abs(lambda1) / (2 * math.pi * nu)
    harmonics = math.sqrt(80 * beta) + 8
    step = 2 * math.pi / (harmonics * math.pi * math.sqrt(4 * nu * latest) + 2 * _TAIL)
    count = math.ceil(reach / step)
    return np.arange(-count, count + 1) * step
