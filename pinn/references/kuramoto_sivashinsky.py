"""The Kuramoto–Sivashinsky equation at the onset of chaos: a spectral solution and its error."""

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
_PERIOD = 2 * math.pi


def kuramoto_sivashinsky(
    x: npt.ArrayLike, t: npt.ArrayLike, alpha: float, beta: float, gamma: float
) -> Array:
    """Return u with u_t + α u u_x + β u_xx + γ u_xxxx = 0, 2π-periodic; dimensionless.

        u(x, 0) = cos x (1 + sin x)

    The solution is chaotic: for α = 100/16, β = 100/16² and γ = 100/16⁴, a perturbation grows by a
    factor of up to 10⁵ until t = 1.  So the steps are far shorter than the time scales of the
    solution require; `kuramoto_sivashinsky_error` estimates the error.  The first call for a triple
    (α, β, γ) solves the equation, which takes a few seconds; later calls only evaluate.

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
    return _solution.fine(float(alpha), float(beta), float(gamma))(x, t)


def kuramoto_sivashinsky_error(alpha: float, beta: float, gamma: float) -> float:
    """Return the relative L2 error of the solution, estimated by `TwoResolutions.error`."""
    return float(_solution.error(float(alpha), float(beta), float(gamma)))


@two_resolutions(fine=1, coarse=2, sample=PeriodicFunction.at_random_points)
def _solution(coarseness: int, alpha: float, beta: float, gamma: float) -> PeriodicFunction:
    """Return u on a grid; `coarseness` divides the modes and multiplies the steps."""
    # Waves shorter than √(γ/β) are damped, and the fastest wave grows at the rate β²/4γ.
    modes = max(64, 2 ** math.ceil(math.log2(16 * math.sqrt(beta / gamma)))) // coarseness
    times = np.linspace(0, _END, max(8, math.ceil(32 * beta**2 / (4 * gamma))) + 1)
    k = wavenumbers(modes, _PERIOD)
    start = project(lambda x: np.cos(x) * (1 + np.sin(x)), lower=0.0, length=_PERIOD, modes=modes)
    coefficients = etdrk4(
        start,
        times,
        linear=beta * k**2 - gamma * k**4,
        nonlinear=pseudospectral(np.square, outer=-0.5j * alpha * k),
        substeps=20 // coarseness,
    )
    return PeriodicFunction(times, sample(coefficients, 4 * modes), 0.0, _PERIOD)
