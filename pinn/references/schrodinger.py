"""The nonlinear Schrödinger equation from 2 sech x: a split-step solution and its error."""

# pyright: strict
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pinn.references.etdrk4 import project
from pinn.references.interpolation import TIMES, group_by_times, lagrange
from pinn.references.points import Array, ComplexArray, broadcast, check_times, random_points
from pinn.references.resolutions import two_resolutions

_END = math.pi / 2
_LOWER = -5.0
_PERIOD = 10.0
_MODES = 1024
_STEPS = 4000
_REPORTS = 400  # times at which the solution is stored
_JUMP = 1 / (2 - 2 ** (1 / 3))  # Yoshida's first and third substep; the second is 1 - 2 · _JUMP < 0
_CHUNK = 1024  # points evaluated at once: arrays of 17 MB
_RANDOM = 5000  # points at which two solutions are compared


def schrodinger(x: npt.ArrayLike, t: npt.ArrayLike) -> Array:
    """Return h, complex, with i h_t + ½ h_xx + |h|² h = 0, periodic on [-5, 5]; dimensionless.

        h(x, 0) = 2 sech x

    The periodic extension of 2 sech x has a kink at ±5, where its slope jumps by 0.054.  Unlike
    diffusion, dispersion does not smooth it: the Fourier coefficients fall as n⁻² at all times, and
    the error of every truncated series is its tail.  Exponential time differencing misses the
    resonance of such high modes with the potential |h|².  Splitting does not: it solves dispersion
    and rotation by the potential exactly, one after the other, and Yoshida's triple jump makes it
    fourth-order accurate.

    `schrodinger_error` estimates the error.  The first call solves the equation, which takes a few
    seconds.

    Source: Yoshida (1990), doi:10.1016/0375-9601(90)90092-3.

    Args:
        x: positions, any shape that broadcasts against `t`.
        t: times from 0 to π/2.

    Raises:
        InputError: if a time lies outside.
    """
    x, t = broadcast(x, t)
    check_times("schrodinger", t, 0.0, _END)
    return _solution.fine()(x.ravel(), t.ravel()).reshape(x.shape)


def schrodinger_error() -> dict[str, float]:
    """Return the relative L2 errors of u, v and |h|, estimated by `TwoResolutions.error`."""
    u, v, abs_h = _solution.error()
    return {"u": float(u), "v": float(v), "abs_h": float(abs_h)}


@dataclass(frozen=True)
class _CosineSeries:
    """h = Σ a_n(t) e^{-i ω_n t} cos(k_n (x + 5)), where ω_n = k_n²/2.

    The amplitudes a_n change slowly, however high the frequency ω_n is, and can be interpolated.

    Attributes:
        times: equidistant times [m].
        amplitudes: a_n at the times, [m, K].
    """

    times: Array
    amplitudes: Array

    def __call__(self, x: Array, t: Array) -> Array:
        """Return h [n] at positions and times [n]."""
        n = np.arange(int(self.amplitudes.shape[1]))
        k = 2 * np.pi / _PERIOD * n
        h = np.empty(len(x), complex)
        for rows, points in group_by_times(self.times, t, _CHUNK):
            nodes = np.broadcast_to(self.times[rows], (len(points), TIMES))
            modes = lagrange(nodes, t[points]) @ self.amplitudes[rows]
            modes *= np.exp(-0.5j * t[points, None] * k**2)
            waves = np.cos(k * (x[points, None] - _LOWER))
            h[points] = np.sum(modes * waves, axis=1)
        return h

    def at_random_points(self) -> Array:
        """Return u, v and |h| [3, n]."""
        h: ComplexArray = self(*random_points((_LOWER, 0.0), (_LOWER + _PERIOD, _END), _RANDOM))
        return np.stack([h.real, h.imag, np.abs(h)])


@two_resolutions(fine=1, coarse=2, sample=_CosineSeries.at_random_points)
def _solution(coarseness: int) -> _CosineSeries:
    """Return the solution; `coarseness` divides the modes and multiplies the steps."""
    modes = _MODES // coarseness
    substeps = _STEPS // _REPORTS // coarseness
    times = np.linspace(0, _END, _REPORTS + 1)

    # The grid has room for twice the retained modes, so that the product |h|² h has fewer aliases.
    n = np.abs(np.fft.fftfreq(4 * modes, 1 / (4 * modes)))
    retained = n <= modes
    frequency = 0.5 * (2 * np.pi / _PERIOD * n) ** 2

    # One step is D(τ₁/2) R(τ₁) D((τ₁+τ₂)/2) R(τ₂) D((τ₂+τ₃)/2) R(τ₃) D(τ₃/2), where D is the
    # dispersion and R the rotation of the phase by |h|², each solved exactly.
    rotations = np.array([_JUMP, 1 - 2 * _JUMP, _JUMP]) * times[1] / substeps
    dispersions = 0.5 * (np.append(rotations, 0) + np.append(0, rotations))
    propagators = [retained * np.exp(-1j * frequency * time) for time in dispersions]

    start = project(lambda x: 2 / np.cosh(x), lower=_LOWER, length=_PERIOD, modes=modes)
    h = retained * start[np.minimum(n, modes).astype(int)]
    coefficients = np.empty((len(times), modes + 1), complex)
    coefficients[0] = start
    for i in range(1, len(times)):
        for _ in range(substeps):
            h = propagators[0] * h
            for rotation, propagator in zip(rotations, propagators[1:], strict=True):
                values = np.fft.ifft(h, norm="forward")
                values *= np.exp(1j * rotation * (values.real**2 + values.imag**2))
                h = propagator * np.fft.fft(values, norm="forward")
        coefficients[i] = h[: modes + 1]

    # h is even, so the waves of n and -n add up to a cosine.
    coefficients[:, 1:] *= 2
    amplitudes = coefficients * np.exp(1j * frequency[: modes + 1] * times[:, None])
    return _CosineSeries(times, amplitudes)
