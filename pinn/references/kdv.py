"""The Korteweg–de Vries equation from a cosine: a spectral solution, and its own error."""

from __future__ import annotations

import functools
import math

import numpy as np

from pinn.errors import InputError
from pinn.references.etdrk4 import PeriodicFunction, etdrk4, project, sample, wavenumbers

_END = 1.0
_PERIOD = 2.0
_REPORTS = 400  # times that are kept: the phase of a mode that matters turns by less than a radian between two


def kdv(x: np.ndarray, t: np.ndarray, lambda1: float, lambda2: float) -> np.ndarray:
    """Return u with u_t + λ₁ u u_x + λ₂ u_xxx = 0, u(x, 0) = cos(πx), periodic on [-1, 1]; dimensionless.

    Fourier modes and ETDRK4, to which dispersion is no burden.  Modes and steps suffice for
    solitons, which are about √(λ₂/λ₁) wide; how far that goes, `kdv_error` tells.  The first call
    for a pair (λ₁, λ₂) solves the equation, which takes about a second; later ones evaluate.

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
    return _solution(float(lambda1), float(lambda2), 1)(x, t)


@functools.lru_cache(maxsize=4)
def kdv_error(lambda1: float, lambda2: float) -> float:
    """Return the relative L2 distance of `kdv` from the same with half the modes and twice the steps.

    As the error of the coarser one, it is an upper bound of the error of the finer.
    """
    fine, coarse = (_solution(float(lambda1), float(lambda2), coarseness) for coarseness in (1, 2))
    return fine.distance(coarse)


@functools.lru_cache(maxsize=4)
def _solution(lambda1: float, lambda2: float, coarseness: int) -> PeriodicFunction:
    """Return u on a grid; `coarseness` divides the modes and multiplies the steps."""
    modes = max(64, 2 ** math.ceil(math.log2(5 * math.sqrt(abs(lambda1) / lambda2) + 1)))
    substeps = math.ceil(modes / 12.8) // coarseness  # 20 for λ₁ = 1, λ₂ = 0.022²
    modes //= coarseness
    times = np.linspace(0, _END, _REPORTS + 1)
    k = wavenumbers(modes, _PERIOD)
    start = project(lambda x: np.cos(np.pi * x), lower=-1.0, length=_PERIOD, modes=modes)
    found = etdrk4(
        start,
        times,
        linear=1j * lambda2 * k**3,
        nonlinear=np.square,
        outer=-0.5j * lambda1 * k,
        substeps=max(substeps, 1),
    )
    return PeriodicFunction(times, sample(found, 8 * modes), -1.0, _PERIOD)
