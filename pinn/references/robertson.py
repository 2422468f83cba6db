"""Robertson's kinetics by an implicit Runge–Kutta method."""

# pyright: strict, reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.integrate import solve_ivp

from pinn.errors import InputError
from pinn.references.points import Array

_SMALLEST = 1e-20  # concentrations that count: y₂ ends below 10⁻¹²


def robertson(
    t: npt.ArrayLike,
    *,
    k1: float,
    k2: float,
    k3: float,
    tolerance: float = 1e-12,
) -> Array:
    """Return y₁, y₂ and y₃ of Robertson's kinetics at times t ≥ 0, [3, *t.shape]; dimensionless.

        y₁' = −k₁ y₁ + k₃ y₂ y₃,  y₂' = k₁ y₁ − k₃ y₂ y₃ − k₂ y₂²,  y₃' = k₂ y₂²

    from (1, 0, 0), by SciPy's Radau IIA of order 5 (Hairer & Wanner 1996,
    doi:10.1007/978-3-642-05221-7) with its continuous extension.

    Args:
        t: the times.
        k1: rate of the slow reaction, per unit of time.
        k2: rate of the fast reaction of y₂ with itself.
        k3: rate of the reaction of y₂ with y₃.
        tolerance: relative tolerance of a step.

    Raises:
        InputError: for a negative time.
    """
    t = np.asarray(t, float)
    if t.size and not (t.min() >= 0 and np.isfinite(t.max())):
        raise InputError(f"robertson: t from {t.min():g} to {t.max():g}; give times from 0 on.")
    solution = _solution(float(t.max(initial=1.0)), k1, k2, k3, tolerance)
    found: Array = solution(t.ravel())
    return found.reshape(3, *t.shape)


@functools.lru_cache(maxsize=8)
def _solution(end: float, k1: float, k2: float, k3: float, tolerance: float) -> Any:
    """Return the continuous extension up to a time."""

    def speeds(_: float, y: Array) -> list[float]:
        slow, back, fast = k1 * y[0], k3 * y[1] * y[2], k2 * y[1] ** 2
        return [back - slow, slow - back - fast, fast]

    def jacobian(_: float, y: Array) -> Array:
        slow = np.array([k1, 0.0, 0.0])
        back = np.array([0.0, k3 * y[2], k3 * y[1]])
        fast = np.array([0.0, 2 * k2 * y[1], 0.0])
        return np.array([back - slow, slow - back - fast, fast])

    found = solve_ivp(
        speeds,
        (0.0, end),
        [1.0, 0.0, 0.0],
        method="Radau",
        jac=jacobian,
        rtol=tolerance,
        atol=_SMALLEST,
        dense_output=True,
    )
    return found.sol
