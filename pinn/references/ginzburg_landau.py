"""The complex Ginzburg–Landau equation from a vortex, made periodic: a spectral solution, and its own error."""

from __future__ import annotations

import functools
import math

import numpy as np

from pinn.errors import InputError
from pinn.references.plane import PeriodicRectangle, PlaneFunction, etdrk4_plane

Array = np.ndarray

_LOWER, _PERIOD = -1.0, 2.0
_REPORTS, _SUBSTEPS = 10, 2  # in a time of 1/k, and steps between two of them
_COARSER = 4 / 3


def ginzburg_landau(
    x: Array, y: Array, t: Array, epsilon: float, k: float, beta: float, end: float
) -> Array:
    """Return A, complex, with A_t = ε ΔA + k A - k (1 + iβ) A |A|², periodic on [-1, 1]²; dimensionless.

        A(x, y, 0) = 10 (y + ix) exp(-25 (x² + y²))

    Made periodic, the start jumps by 10⁻¹⁰ at ±1, which is below what modes and steps leave.  They
    suffice for a vortex √(ε/k) wide; how far that goes, `ginzburg_landau_error` tells.  The first
    call for a set of coefficients solves the equation, which takes a few seconds; later ones
    evaluate.

    Args:
        x: positions, any shape that broadcasts against `y` and `t`.
        y: positions.
        t: times from 0 to `end`.
        epsilon: diffusivity ε > 0.
        k: rate of growth k > 0.
        beta: shift β of the frequency by the amplitude.
        end: time up to which the equation is solved.

    Raises:
        InputError: if ε, k or the end is not positive, or a time lies outside.
    """
    if not min(epsilon, k, end) > 0:
        raise InputError(
            f"ginzburg_landau: epsilon={epsilon}, k={k}, end={end}; all must be positive."
        )
    return _solution(epsilon, k, beta, end, coarseness=1.0)(x, y, t)[0]


@functools.lru_cache(maxsize=4)
def ginzburg_landau_error(epsilon: float, k: float, beta: float, end: float) -> dict[str, float]:
    """Return the relative L2 distance of u, v and |A| from those with 3/4 of the modes and 4/3 of the steps' length.

    As the error of the coarser one, it is an upper bound of the error of the finer.
    """
    both = [
        _solution(epsilon, k, beta, end, coarseness=coarseness) for coarseness in (1.0, _COARSER)
    ]
    at = both[0].random_points()
    fine, coarse = (solution(*at)[0] for solution in both)
    parts = {"u": np.real, "v": np.imag, "abs_A": np.abs}
    return {
        name: float(np.linalg.norm(part(fine) - part(coarse)) / np.linalg.norm(part(fine)))
        for name, part in parts.items()
    }


@functools.lru_cache(maxsize=4)
def _solution(
    epsilon: float, k: float, beta: float, end: float, *, coarseness: float
) -> PlaneFunction:
    """Return A; `coarseness` divides the modes and multiplies the steps."""
    # A vortex is √(ε/k) wide, and its growth takes a time of 1/k; `ginzburg_landau_error` judges
    # the factors.
    modes = int(max(47.0, 1.58 * math.sqrt(k / epsilon)) / coarseness)
    plane = PeriodicRectangle((_LOWER, _LOWER), (_PERIOD, _PERIOD), (modes, modes), real=False)
    times = np.linspace(0, end, max(8, math.ceil(_REPORTS * k * end / coarseness)) + 1)
    k_x, k_y = plane.wavenumbers

    def bell(x: Array) -> Array:
        return np.exp(-25 * x**2)

    def slope(x: Array) -> Array:
        return 10 * x * bell(x)

    start = plane.product(bell, slope) + 1j * plane.product(slope, bell)
    found = etdrk4_plane(
        start[None],
        times,
        plane=plane,
        linear=k - epsilon * (k_x**2 + k_y**2),
        nonlinear=lambda A: -k * (1 + 1j * beta) * A * (np.real(A) ** 2 + np.imag(A) ** 2),
        substeps=_SUBSTEPS,
    )
    return PlaneFunction(plane, times, found)
