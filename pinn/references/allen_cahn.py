"""The Allen–Cahn equation from x² cos(πx): a spectral solution and its error."""

# pyright: strict, reportMissingTypeStubs=false
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erf

from pinn.arrays import Quantity
from pinn.errors import InputError
from pinn.references.etdrk4 import etdrk4, project, pseudospectral, sample, wavenumbers
from pinn.references.interpolation import PeriodicFunction
from pinn.references.points import Array, Elementwise, broadcast, check_times, random_points
from pinn.references.resolutions import two_resolutions

_END = 1.0
_LOWER = -1.0
_PERIOD = 2.0
_SUBSTEPS = 5
_RANDOM = 20_000  # points at which two solutions are compared


def allen_cahn(x: npt.ArrayLike, t: npt.ArrayLike, D: float, k: float) -> Array:
    """Return u with u_t = D u_xx + k (u - u³), periodic on [-1, 1]; dimensionless.

        u(x, 0) = x² cos(πx)

    The periodic extension of x² cos(πx) has a kink at ±1.  Its Fourier coefficients fall only as
    n⁻², and coefficients from samples have aliases even in the lowest modes.  So the coefficients
    are computed by `project`, and the Fourier series represents only the remainder
    u - `smoothed_kink`, whose coefficients fall as n⁻⁴ from the start.

    Modes and steps are chosen for interfaces √(D/k) wide; `allen_cahn_error` estimates the error.
    The first call for a pair (D, k) solves the equation, which takes about a second; later calls
    only evaluate.

    Args:
        x: positions, any shape that broadcasts against `t`.
        t: times from 0 to 1.
        D: diffusion coefficient D > 0.
        k: reaction rate k > 0.

    Raises:
        InputError: if D or k is not positive, or a time lies outside.
    """
    if not (D > 0 and k > 0):
        raise InputError(f"allen_cahn: D={D}, k={k}; both must be positive.")
    x, t = broadcast(x, t)
    check_times("allen_cahn", t, 0.0, _END)
    return _solution.fine(float(D), float(k))(x, t)


def allen_cahn_error(D: float, k: float) -> float:
    """Return the relative L2 error of `allen_cahn`, estimated by `TwoResolutions.error`."""
    return float(_solution.error(float(D), float(k)))


def smoothed_kink(
    x: Quantity,
    t: Quantity,
    D: Quantity,
    k: Quantity,
    *,
    images: int,
    erf: Elementwise = erf,
    exp: Elementwise = np.exp,
    sqrt: Elementwise = np.sqrt,
) -> Any:
    """Return p with p_t = D p_xx - 2k p, p(x, 0) = -x², periodic on [-1, 1]; dimensionless.

        p = e^{-2kt} (-x² - 2Dt + 4 Σ g(a ± x)),  a = 1, 3, 5, …
        g(d) = √(Dt/π) e^{-s²} - ½ d (1 - erf s),  s = d / √(4Dt)

    This is the Allen–Cahn equation linearized about -1, the value of u at the kink.  g is the
    solution of the heat equation that starts from max(-d, 0): the slope of the periodic parabola
    jumps by 4 at the kink, and each image adds one such jump.

    Args:
        x: positions in [-1, 1]: NumPy arrays, tensors or jets, with the functions of their own
            library below.
        t: times ≥ 0.
        D: diffusion coefficient.
        k: reaction rate.
        images: number of terms a; see `kink_images`.
        erf: the error function.
        exp: the exponential function.
        sqrt: the square root.
    """
    width = sqrt(4 * D * (t + 1e-30))  # 1e-30 avoids a division by zero at t = 0
    total = -x * x - 2 * D * t
    for a in range(1, 2 * images, 2):
        for d in (a - x, a + x):
            s = d / width
            total = total + 2 * math.pi**-0.5 * width * exp(-s * s) - 2 * d * (1 - erf(s))
    return exp(-2 * k * t) * total


def kink_images(D: float) -> int:
    """Return how many terms `smoothed_kink` needs up to t = 1, as 1 - erf(6) is below rounding."""
    return 1 + int(6 * math.sqrt(4 * D * _END) / 2)


@dataclass(frozen=True)
class _Solution:
    """u as the sum of `smoothed_kink` and a smooth remainder."""

    D: float
    k: float
    remainder: PeriodicFunction

    def __call__(self, x: Array, t: Array) -> Array:
        in_period = (x + 1) % 2 - 1
        kink = smoothed_kink(in_period, t, self.D, self.k, images=kink_images(self.D))
        return kink + self.remainder(in_period, t)

    def at_random_points(self) -> Array:
        return self(*random_points((_LOWER, 0.0), (_LOWER + _PERIOD, _END), _RANDOM))


@two_resolutions(fine=1, coarse=2, sample=_Solution.at_random_points)
def _solution(coarseness: int, D: float, k: float) -> _Solution:
    """Return u; `coarseness` divides the modes and multiplies the steps."""
    # An interface is √(D/k) wide, and the time scale of the reaction is 1/k.  `allen_cahn_error`
    # shows that the factors suffice.
    modes = max(256, 2 ** math.ceil(math.log2(9 * math.sqrt(k / D)))) // coarseness
    times = np.linspace(0, _END, max(8, math.ceil(40 * k / coarseness)) + 1)
    square = wavenumbers(modes, _PERIOD) ** 2
    # Solve for u itself.
    start = project(lambda x: x * x * np.cos(np.pi * x), lower=_LOWER, length=_PERIOD, modes=modes)
    coefficients = etdrk4(
        start,
        times,
        linear=-D * square,
        nonlinear=pseudospectral(lambda u: k * (u - u * u * u), degree=3),
        substeps=_SUBSTEPS,
    )
    # Subtract the series of the smoothed kink, whose modes decay exponentially in time.
    kink = project(lambda x: -x * x, lower=_LOWER, length=_PERIOD, modes=modes)
    coefficients -= kink * np.exp(-times[:, None] * (D * square + 2 * k))
    remainder = PeriodicFunction(times, sample(coefficients, 4 * modes), _LOWER, _PERIOD)
    return _Solution(D, k, remainder)
