"""The Lorenz system by Taylor series in time, to rounding: its coefficients follow from each other exactly."""

from __future__ import annotations

import functools

import numpy as np

from pinn.errors import InputError

_DEGREE = 24
_STEP = (
    0.01  # within which a series of this degree is exact to rounding for speeds of some hundreds
)
_LONGEST = 20.0  # errors grow e-fold in a time of one, so that later digits are none


def lorenz(
    t: np.ndarray,
    *,
    sigma: float,
    rho: float,
    beta: float,
    start: tuple[float, float, float],
    coarseness: int = 1,
) -> np.ndarray:
    """Return x, y and z of the Lorenz system at times t ≥ 0, [3, *t.shape]; dimensionless.

        x' = σ (y - x),  y' = x (ρ - z) - y,  z' = x y - β z

    `coarseness` multiplies the steps; the difference between two is an error of the coarser.

    Source: Lorenz (1963), doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2.

    Raises:
        InputError: for a time that is negative or too late for any digit to be right.
    """
    t = np.asarray(t, float)
    if t.size and not (t.min() >= 0 and t.max() <= _LONGEST):
        raise InputError(
            f"lorenz: t from {t.min():g} to {t.max():g}; give times from 0 to {_LONGEST:g}."
        )
    step = _STEP * coarseness
    count = int(np.max(t, initial=0.0) / step) + 1
    series = _series(count, step, float(sigma), float(rho), float(beta), tuple(map(float, start)))
    at = np.minimum((t / step).astype(int), count - 1)
    within = t - at * step
    found = np.zeros((3, *t.shape))
    for k in reversed(range(_DEGREE + 1)):
        found = found * within + series[:, k, at]
    return found


@functools.lru_cache(maxsize=8)
def _series(
    count: int, step: float, sigma: float, rho: float, beta: float, start: tuple[float, ...]
) -> np.ndarray:
    """Return the coefficients [3, degree + 1, count] of the series about every step's start."""
    found = np.zeros((3, _DEGREE + 1, count))
    state = np.asarray(start)
    for i in range(count):
        x, y, z = found[0, :, i], found[1, :, i], found[2, :, i]
        x[0], y[0], z[0] = state
        for k in range(_DEGREE):
            x[k + 1] = sigma * (y[k] - x[k]) / (k + 1)
            y[k + 1] = (rho * x[k] - x[: k + 1] @ z[k::-1] - y[k]) / (k + 1)
            z[k + 1] = (x[: k + 1] @ y[k::-1] - beta * z[k]) / (k + 1)
        state = np.asarray(np.polynomial.polynomial.polyval(step, found[:, :, i].T))
    return found
