"""The Korteweg–de Vries equation from a cosine: a spectral solution and its error."""

# pyright: strict
from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pinn.errors import InputError
from pinn.references.etdrk4 import etdrk4, project, pseudospectral, sample, wavenumbers
from pinn.references.interpolation import PeriodicFunction
from pinn.references.points import Array
from pinn.references.resolutions import two_resolutions

_END = 1.0
_LOWER = -1.0
_PERIOD = 2.0
# Times at which the solution is stored: between two of them, the phase of a mode that matters turns
# by less than a radian.
_REPORTS = 400


def kdv(x: npt.ArrayLike, t: npt.ArrayLike, lambda1: float, lambda2: float) -> Array:
    """Return u with u_t + λ₁ u u_x + λ₂ u_xxx = 0, periodic on [-1, 1]; dimensionless.

        u(x, 0) = cos(πx)

    The solution has Fourier modes in space and ETDRK4 in time, which integrates the stiff
    dispersion exactly.  Modes and steps are chosen for solitons, which are about √(λ₂/λ₁) wide;
    `kdv_error` estimates the error.  The first call for a pair (λ₁, λ₂) solves the equation, which
    takes about a second; later calls only evaluate.

    Args:
        x: positions, any shape that broadcasts against `t`.
        t: times from 0 to 1.
        lambda1: strength λ₁ of the convection.
        lambda2: strength λ₂ > 0 of the dispersion.

    Raises:
        InputError: if λ₂ is not positive, or a time lies outside.
    """
    if not lambda2 > 0:
        raise InputError(f"kdv: lambda2={lambda2}; the dispersion must be positive.")
    return _solution.fine(float(lambda1), float(lambda2))(x, t)


def kdv_error(lambda1: float, lambda2: float) -> float:
    """Return the relative L2 error of `kdv`, estimated by `TwoResolutions.error`."""
    return float(_solution.error(float(lambda1), float(lambda2)))


@two_resolutions(fine=1, coarse=2, sample=PeriodicFunction.at_random_points)
def _solution(coarseness: int, lambda1: float, lambda2: float) -> PeriodicFunction:
    """Return u on a grid; `coarseness` divides the modes and multiplies the steps."""
    modes = max(64, 2 ** math.ceil(math.log2(5 * math.sqrt(abs(lambda1) / lambda2) + 1)))
    substeps = math.ceil(modes / 12.8) // coarseness  # 20 for λ₁ = 1, λ₂ = 0.022²
    modes //= coarseness
    times = np.linspace(0, _END, _REPORTS + 1)
    k = wavenumbers(modes, _PERIOD)
    start = project(lambda x: np.cos(np.pi * x), lower=_LOWER, length=_PERIOD, modes=modes)
    coefficients = etdrk4(
        start,
        times,
        linear=1j * lambda2 * k**3,
        nonlinear=pseudospectral(np.square, outer=-0.5j * lambda1 * k),
        substeps=max(substeps, 1),
    )
    return PeriodicFunction(times, sample(coefficients, 8 * modes), _LOWER, _PERIOD)
