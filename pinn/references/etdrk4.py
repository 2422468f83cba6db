"""Semilinear equations with periodic boundaries: Fourier modes in space, ETDRK4 in time."""

# pyright: strict
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pinn.errors import InputError
from pinn.references.points import Array

Function = Callable[[Array], Array]

_CONTOUR = np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)  # as many points as in the source
# The Fourier coefficients of a function with a kink fall as n⁻², and so do the aliases in its
# projection.
_OVERSAMPLING = 2**20


def wavenumbers(modes: int, length: float) -> Array:
    """Return k = 2πn/length for n = 0 … modes, [modes + 1]."""
    return 2 * np.pi / length * np.arange(modes + 1)


def project(function: Function, *, lower: float, length: float, modes: int) -> Array:
    """Return the Fourier coefficients [modes + 1] of a real periodic function, free of aliases.

    The n-th is the mean of u(x) e^{-ik(x - lower)}; those of negative n are the conjugates.
    """
    x = lower + length * np.arange(_OVERSAMPLING) / _OVERSAMPLING
    return np.fft.rfft(function(x), norm="forward")[: modes + 1]


def sample(coefficients: Array, count: int) -> Array:
    """Return the values [..., count] on the grid lower + length · i/count."""
    return np.fft.irfft(coefficients, count, norm="forward")


def pseudospectral(function: Function, *, outer: npt.ArrayLike = 1.0, degree: int = 2) -> Function:
    """Return the nonlinear term N(u) = G n(u) as a function from coefficients [K] to coefficients.

    Args:
        function: n, from values to values.
        outer: Fourier symbol of the linear operator G, [K]; such as -ik/2 for -(u²)_x/2.
        degree: degree of n as a polynomial.  Products are formed on a grid that is fine enough to
            be free of aliases up to this degree.
    """
    multiplier = np.asarray(outer)

    def nonlinear(u: Array) -> Array:
        modes = len(u) - 1
        count = 1 << ((degree + 1) * modes - 1).bit_length()
        values = function(sample(u, count))
        return multiplier * np.fft.rfft(values, norm="forward")[: modes + 1]

    return nonlinear


def etdrk4(
    start: Array, times: Array, *, linear: Array, nonlinear: Function, substeps: int = 1
) -> Array:
    """Return the Fourier coefficients [m, …] at `times` [m] of the solution of u_t = L u + N(u).

    Exponential time differencing with a Runge–Kutta scheme of fourth order.  The linear part is
    integrated exactly, however stiff it is.

    Source: Cox & Matthews (2002), doi:10.1006/jcph.2002.6995; Kassam & Trefethen (2005),
    doi:10.1137/S1064827502410633.

    Args:
        start: coefficients […] at times[0], of any shape.
        times: increasing times; between two of them lie `substeps` equal steps.
        linear: Fourier symbol of L, such as -νk² for ν u_xx; of a shape that broadcasts against
            `start`.
        nonlinear: N, from coefficients to coefficients; see `pseudospectral`.
        substeps: steps between two of the times.

    Raises:
        InputError: if the times do not increase or the solution overflows.
    """
    intervals = np.diff(times)
    if not np.all(intervals > 0):
        raise InputError("etdrk4: the times do not increase; sort them and remove duplicates.")
    u = np.asarray(start, complex)
    solution = np.empty((len(times), *u.shape), complex)
    solution[0] = u
    coefficients = None
    previous = 0.0
    for i, interval in enumerate(intervals):
        # The scheme's coefficients depend on the length of the steps alone.
        if coefficients is None or not np.isclose(interval, previous, rtol=1e-12, atol=0):
            coefficients = _scheme_coefficients(linear, interval / substeps)
            previous = interval
        for _ in range(substeps):
            u = _step(u, nonlinear, coefficients)
        solution[i + 1] = u
    if not np.all(np.isfinite(solution)):
        longest = intervals.max() / substeps
        raise InputError(
            f"etdrk4: the solution overflows with steps of {longest:.3g}; take smaller steps."
        )
    return solution


class _Coefficients(NamedTuple):
    """The scheme's coefficients, in the notation of Kassam & Trefethen, of the shape of L each."""

    E: Array  # e^{hL}
    E2: Array  # e^{hL/2}
    Q: Array
    f1: Array
    f2: Array
    f3: Array


def _scheme_coefficients(linear: Array, step: float) -> _Coefficients:
    """Return the coefficients for steps of one length.

    The formulas for Q, f₁, f₂ and f₃ suffer from cancellation where hL is near zero.  Their means
    over a circle around hL in the complex plane do not, and are equal to them by Cauchy's formula.
    """
    scaled = step * np.asarray(linear)
    # For a real L, the lower half of the circle contributes the conjugates of the upper half.
    real = np.isrealobj(linear)
    nodes = _CONTOUR[: len(_CONTOUR) // 2] if real else _CONTOUR
    sums = np.zeros((4, *scaled.shape), complex)
    for node in nodes:
        z = scaled + node
        exp_z = np.exp(z)
        cube = z * z * z
        sums[0] += (np.exp(z / 2) - 1) / z
        sums[1] += (-4 - z + exp_z * (4 - 3 * z + z * z)) / cube
        sums[2] += (2 + z + exp_z * (z - 2)) / cube
        sums[3] += (-4 - 3 * z - z * z + exp_z * (4 - z)) / cube
    means = step / len(nodes) * (np.real(sums) if real else sums)
    half = np.exp(scaled / 2)
    return _Coefficients(half * half, half, *means)


def _step(u: Array, nonlinear: Function, scheme: _Coefficients) -> Array:
    """Return the coefficients one step later, by the stages a, b and c of Cox & Matthews."""
    E, E2, Q, f1, f2, f3 = scheme
    # Stages a and b approximate u in the middle of the step.
    linear_half = E2 * u
    N_u = nonlinear(u)
    a = linear_half + Q * N_u
    N_a = nonlinear(a)
    b = linear_half + Q * N_a
    N_b = nonlinear(b)
    # Stage c approximates u at the end of the step; it starts from a.
    c = E2 * a + Q * (2 * N_b - N_u)
    N_c = nonlinear(c)
    # The quadrature of the nonlinear term over the step.
    return E * u + f1 * N_u + 2 * f2 * (N_a + N_b) + f3 * N_c
