"""The Allen–Cahn equation from x² cos(πx), made periodic: a spectral solution, and its own error."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from scipy.special import erf

from pinn.errors import InputError
from pinn.references.etdrk4 import PeriodicFunction, etdrk4, project, sample, wavenumbers

_END = 1.0
_PERIOD = 2.0
_SUBSTEPS = 5


def allen_cahn(x: np.ndarray, t: np.ndarray, D: float, k: float) -> np.ndarray:
    """Return u with u_t = D u_xx + k (u - u³), u(x, 0) = x² cos(πx), periodic on [-1, 1]; dimensionless.

    Made periodic, x² cos(πx) has a kink at ±1, so that its Fourier coefficients fall as n⁻² only
    and sampling it spoils even the lowest.  So the coefficients are those of the function itself,
    and only what is left of u without `smoothed_kink` comes from the Fourier series; its
    coefficients fall as n⁻⁴ from the start.

    The modes and steps suffice for the interfaces' width √(D/k); how far that goes,
    `allen_cahn_error` tells. The first call for a pair (D, k) solves the equation, which takes
    about a second; later ones evaluate.

    Args:
        x: positions, any shape that broadcasts against `t`.
        t: times from 0 to 1.
        D: diffusion coefficient D > 0.
        k: rate of reaction k > 0.

    Raises:
        InputError: if D or k is not positive, or a time lies outside.
    """
    if not (D > 0 and k > 0):
        raise InputError(f"allen_cahn: D={D}, k={k}; both must be positive.")
    x, t = np.broadcast_arrays(np.asarray(x, float), np.asarray(t, float))
    if t.size and not (t.min() >= 0 and t.max() <= _END):
        raise InputError(
            f"allen_cahn: t from {t.min()} to {t.max()}; the solution reaches from 0 to {_END:g}."
        )
    return _evaluate(_rest(float(D), float(k), 1), x, t, D, k)


@functools.lru_cache(maxsize=4)
def allen_cahn_error(D: float, k: float) -> float:
    """Return the relative L2 distance of `allen_cahn` from the same with half the modes and twice the steps.

    As the error of the coarser one, it is an upper bound of the error of the finer.
    """
    x, t = np.random.default_rng(0).uniform((-1.0, 0.0), (1.0, _END), (20_000, 2)).T
    fine, coarse = (
        _evaluate(_rest(float(D), float(k), coarseness), x, t, D, k) for coarseness in (1, 2)
    )
    return float(np.linalg.norm(fine - coarse) / np.linalg.norm(fine))


def smoothed_kink(
    x: Any,
    t: Any,
    D: Any,
    k: Any,
    *,
    images: int,
    erf: Any = erf,
    exp: Any = np.exp,
    sqrt: Any = np.sqrt,
) -> Any:
    """Return p with p_t = D p_xx - 2k p, p(x, 0) = -x², periodic on [-1, 1]; dimensionless.

        p = e^{-2kt} (-x² - 2Dt + 4 Σ g(a ± x)),  a = 1, 3, 5, …
        g(d) = √(Dt/π) e^{-s²} - ½ d (1 - erf s),  s = d / √(4Dt)

    This is the Allen–Cahn equation linearized about -1, the state at the kink.  g is the solution
    of the heat equation that starts from max(-d, 0): every image bends the parabola by 4.

    Args:
        x: positions in [-1, 1]: NumPy arrays, tensors or jets, with the functions that go with
            them.
        t: times ≥ 0.
        D: diffusion coefficient.
        k: rate of reaction.
        images: number of terms a; see `kink_images`.
        erf: the error function.
        exp: the exponential function.
        sqrt: the square root.
    """
    width = sqrt(4 * D * (t + 1e-30))  # without this, division by zero at t = 0
    total = -x * x - 2 * D * t
    for a in range(1, 2 * images, 2):
        for d in (a - x, a + x):
            s = d / width
            total = total + 2 * math.pi**-0.5 * width * exp(-s * s) - 2 * d * (1 - erf(s))
    return exp(-2 * k * t) * total


def kink_images(D: float) -> int:
    """Return how many terms `smoothed_kink` needs up to t = 1; 1 - erf(6) is below the rounding."""
    return 1 + int(6 * math.sqrt(4 * D * _END) / 2)


def _evaluate(
    rest: PeriodicFunction, x: np.ndarray, t: np.ndarray, D: float, k: float
) -> np.ndarray:
    inside = (x + 1) % 2 - 1
    return smoothed_kink(inside, t, D, k, images=kink_images(D)) + rest(inside, t)


@functools.lru_cache(maxsize=4)
def _rest(D: float, k: float, coarseness: int) -> PeriodicFunction:
    """Return u - p on a grid; `coarseness` divides the modes and multiplies the steps."""
    # An interface is √(D/k) wide, and the reaction takes a time of 1/k; `allen_cahn_error` judges
    # the factors.
    modes = max(256, 2 ** math.ceil(math.log2(9 * math.sqrt(k / D)))) // coarseness
    times = np.linspace(0, _END, max(8, math.ceil(40 * k / coarseness)) + 1)
    square = wavenumbers(modes, _PERIOD) ** 2
    start = project(lambda x: x * x * np.cos(np.pi * x), lower=-1.0, length=_PERIOD, modes=modes)
    kink = project(lambda x: -x * x, lower=-1.0, length=_PERIOD, modes=modes)
    found = etdrk4(
        start,
        times,
        linear=-D * square,
        nonlinear=lambda u: k * (u - u * u * u),
        degree=3,
        substeps=_SUBSTEPS,
    )
    found -= kink * np.exp(-times[:, None] * (D * square + 2 * k))
    return PeriodicFunction(times, sample(found, 4 * modes), -1.0, _PERIOD)
