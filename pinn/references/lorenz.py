"""The Lorenz system by Taylor series in time, accurate to rounding."""

# pyright: strict
from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from pinn.errors import InputError
from pinn.references.points import Array

_DEGREE = 24
# Within this time a series of this degree is exact to rounding for derivatives of some hundreds.
_STEP = 0.01
_LONGEST = 20.0  # errors grow by a factor of e per unit of time: no digit is correct after this


def lorenz(
    t: npt.ArrayLike,
    *,
    sigma: float,
    rho: float,
    beta: float,
    start: tuple[float, float, float],
    coarseness: int = 1,
) -> Array:
    """Return x, y and z of the Lorenz system at times t ≥ 0, [3, *t.shape]; dimensionless.

        x' = σ (y - x),  y' = x (ρ - z) - y,  z' = x y - β z

    `coarseness` multiplies the step.  The difference between two solutions is the error of the
    coarser one.

    Source: Lorenz (1963), doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2.

    Raises:
        InputError: for a time that is negative, or so late that no digit would be correct.
    """
    t = np.asarray(t, float)
    if t.size and not (t.min() >= 0 and t.max() <= _LONGEST):
        raise InputError(
            f"lorenz: t from {t.min():g} to {t.max():g}; give times from 0 to {_LONGEST:g}."
        )
    step = _STEP * coarseness
    count = int(np.max(t, initial=0.0) / step) + 1
    x, y, z = start
    series = _series(count, step, sigma, rho, beta, (float(x), float(y), float(z)))
    # Evaluate the series of the step in which each time lies, by Horner's scheme.
    index = np.minimum((t / step).astype(int), count - 1)
    within = t - index * step
    state = np.zeros((3, *t.shape))
    for k in reversed(range(_DEGREE + 1)):
        state = state * within + series[:, k, index]
    return state


@functools.lru_cache(maxsize=8)
def _series(
    count: int,
    step: float,
    sigma: float,
    rho: float,
    beta: float,
    start: tuple[float, float, float],
) -> Array:
    """Return the Taylor coefficients [3, degree + 1, count] about the start of each step."""
    series = np.zeros((3, _DEGREE + 1, count))
    state = np.asarray(start)
    for i in range(count):
        x, y, z = series[:, :, i]
        x[0], y[0], z[0] = state
        # The equations give each coefficient from the lower ones; products are convolutions.
        for k in range(_DEGREE):
            x_z = x[: k + 1] @ z[k::-1]
            x_y = x[: k + 1] @ y[k::-1]
            x[k + 1] = sigma * (y[k] - x[k]) / (k + 1)
            y[k + 1] = (rho * x[k] - x_z - y[k]) / (k + 1)
            z[k + 1] = (x_y - beta * z[k]) / (k + 1)
        # The next step starts where this one ends.
        state = np.asarray(np.polynomial.polynomial.polyval(step, series[:, :, i].T))
    return series
