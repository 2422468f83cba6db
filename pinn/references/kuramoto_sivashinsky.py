"""The Kuramoto–Sivashinsky equation on its way into chaos: a spectral solution, and its own error."""

from __future__ import annotations

import functools
import math

import numpy as np

from pinn.errors import InputError
from pinn.references.etdrk4 import PeriodicFunction, etdrk4, project, sample, wavenumbers

_END = 1.0
_PERIOD = 2 * math.pi


def kuramoto_sivashinsky(
    x: np.ndarray, t: np.ndarray, alpha: float, beta: float, gamma: float
) -> np.ndarray:
    """Return u with u_t + α u u_x + β u_xx + γ u_xxxx = 0 from cos x (1 + sin x), 2π-periodic; dimensionless.

    The solution is chaotic: an error of the start, or of a step, grows up to 10⁵-fold by t = 1
    where α = 100/16, β = 100/16², γ = 100/16⁴.  So the steps are far shorter than the solution's
    own times ask, and whether they are short enough `kuramoto_sivashinsky_error` tells.  The first
    call for a triple solves the equation, which takes a few seconds; later ones evaluate.

    Args:
        x: positions, any shape that broadcasts against `t`.
        t: times from 0 to 1.
        alpha: strength α of the convection.
        beta: strength β > 0 of the growth.
        gamma: strength γ > 0 of the damping.

    Raises:
        InputError: if β or γ is not positive, or a time lies outside.
    """
    if not (beta > 0 and gamma > 0):
        raise InputError(
            f"kuramoto_sivashinsky: beta={beta}, gamma={gamma}; both must be positive."
        )
    return _solution(float(alpha), float(beta), float(gamma), 1)(x, t)


@functools.lru_cache(maxsize=4)
def kuramoto_sivashinsky_error(alpha: float, beta: float, gamma: float) -> float:
    """Return the relative L2 distance of the solution from the same with half the modes and twice the steps.

    As the error of the coarser one, it is an upper bound of the error of the finer.
    """
    fine, coarse = (
        _solution(float(alpha), float(beta), float(gamma), coarseness) for coarseness in (1, 2)
    )
    return fine.distance(coarse)


@functools.lru_cache(maxsize=4)
def _solution(alpha: float, beta: float, gamma: float, coarseness: int) -> PeriodicFunction:
    """Return u on a grid; `coarseness` divides the modes and multiplies the steps."""
    # Below a length of √(γ/β) all is damped, and the fastest wave grows at the rate β²/4γ.
    modes = max(64, 2 ** math.ceil(math.log2(16 * math.sqrt(beta / gamma)))) // coarseness
    times = np.linspace(0, _END, max(8, math.ceil(32 * beta**2 / (4 * gamma))) + 1)
    k = wavenumbers(modes, _PERIOD)
    start = project(lambda x: np.cos(x) * (1 + np.sin(x)), lower=0.0, length=_PERIOD, modes=modes)
    found = etdrk4(
        start,
        times,
        linear=beta * k**2 - gamma * k**4,
        nonlinear=np.square,
        outer=-0.5j * alpha * k,
        substeps=20 // coarseness,
    )
    return PeriodicFunction(times, sample(found, 4 * modes), 0.0, _PERIOD)
