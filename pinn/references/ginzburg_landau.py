"""The complex Ginzburg–Landau equation from a vortex: a spectral solution and its error."""

# pyright: strict
from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pinn.errors import InputError
from pinn.references.etdrk4 import etdrk4
from pinn.references.plane import PeriodicRectangle, PlaneFunction
from pinn.references.points import Array, ComplexArray
from pinn.references.resolutions import two_resolutions

_LOWER = -1.0
_PERIOD = 2.0
_REPORTS = 10  # times per 1/k at which the solution is stored
_SUBSTEPS = 2  # steps between two of these times


def ginzburg_landau(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    t: npt.ArrayLike,
    epsilon: float,
    k: float,
    beta: float,
    end: float,
) -> Array:
    """Return A, complex and periodic on [-1, 1]²; dimensionless.

        A_t = ε ΔA + k A - k (1 + iβ) A |A|²
        A(x, y, 0) = 10 (y + ix) exp(-25 (x² + y²))

    The periodic extension of the start jumps by 10⁻¹⁰ at ±1, which is less than the error of the
    discretization.  Modes and steps are chosen for a vortex √(ε/k) wide; `ginzburg_landau_error`
    estimates the error.  The first call for a set of coefficients solves the equation, which takes
    a few seconds; later calls only evaluate.

    Args:
        x: positions, any shape that broadcasts against `y` and `t`.
        y: positions.
        t: times from 0 to `end`.
        epsilon: diffusivity ε > 0.
        k: growth rate k > 0.
        beta: coefficient β of the amplitude-dependent shift of the frequency.
        end: time up to which the equation is solved.

    Raises:
        InputError: if ε, k or the end is not positive, or a time lies outside.
    """
    if not min(epsilon, k, end) > 0:
        raise InputError(
            f"ginzburg_landau: epsilon={epsilon}, k={k}, end={end}; all must be positive."
        )
    return _solution.fine(epsilon, k, beta, end)(x, y, t)[0]


def ginzburg_landau_error(epsilon: float, k: float, beta: float, end: float) -> dict[str, float]:
    """Return the relative L2 errors of u, v and |A|, estimated by `TwoResolutions.error`."""
    u, v, abs_A = _solution.error(epsilon, k, beta, end)
    return {"u": float(u), "v": float(v), "abs_A": float(abs_A)}


def _at_random_points(solution: PlaneFunction) -> Array:
    """Return u, v and |A| [3, n]."""
    A: ComplexArray = solution(*solution.random_points())[0]
    return np.stack([A.real, A.imag, np.abs(A)])


@two_resolutions(fine=1.0, coarse=4 / 3, sample=_at_random_points)
def _solution(
    coarseness: float, epsilon: float, k: float, beta: float, end: float
) -> PlaneFunction:
    """Return A; `coarseness` divides the modes and multiplies the steps."""
    # A vortex is √(ε/k) wide, and the time scale of its growth is 1/k.  `ginzburg_landau_error`
    # shows that the factors suffice.
    modes = int(max(47.0, 1.58 * math.sqrt(k / epsilon)) / coarseness)
    plane = PeriodicRectangle((_LOWER, _LOWER), (_PERIOD, _PERIOD), (modes, modes), real=False)
    times = np.linspace(0, end, max(8, math.ceil(_REPORTS * k * end / coarseness)) + 1)
    k_x, k_y = plane.wavenumbers

    def bell(x: Array) -> Array:
        return np.exp(-25 * x**2)

    def slope(x: Array) -> Array:
        return 10 * x * bell(x)

    def reaction(A: ComplexArray) -> Array:
        return -k * (1 + 1j * beta) * A * (A.real**2 + A.imag**2)

    start = plane.product(bell, slope) + 1j * plane.product(slope, bell)
    coefficients = etdrk4(
        start[None],
        times,
        linear=k - epsilon * (k_x**2 + k_y**2),
        nonlinear=plane.pseudospectral(reaction),
        substeps=_SUBSTEPS,
    )
    return PlaneFunction(plane, times, coefficients)
