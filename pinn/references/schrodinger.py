"""The nonlinear Schrödinger equation from 2 sech x, made periodic: a split-step solution, and its own error."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from pinn.errors import InputError
from pinn.references.etdrk4 import lagrange, project

Array = np.ndarray

_END = math.pi / 2
_LOWER, _PERIOD = -5.0, 10.0
_MODES, _STEPS, _REPORTS = 1024, 4000, 400
_JUMP = 1 / (2 - 2 ** (1 / 3))
_NODES = 8  # times in a local polynomial
_CHUNK = 1024  # points evaluated at once: arrays of 17 MB


def schrodinger(x: Array, t: Array) -> Array:
    """Return h, complex, with i h_t + ½ h_xx + |h|² h = 0, h(x, 0) = 2 sech x, periodic on [-5, 5]; dimensionless.

    Made periodic, 2 sech x has a kink at ±5, where its slope jumps by 0.054.  Dispersion does not
    smooth it as diffusion would: the Fourier coefficients fall as n⁻² at all times, and every
    series that is cut off errs by its tail.  Exponential time differencing misses the resonance of
    such high modes with the potential |h|²; splitting meets both parts exactly, one after the
    other, here by the triple jump of fourth order.

    `schrodinger_error` tells how far this goes.  The first call solves the equation, which takes a
    few seconds.

    Source: Yoshida (1990), doi:10.1016/0375-9601(90)90092-3.

    Args:
        x: positions, any shape that broadcasts against `t`.
        t: times from 0 to π/2.

    Raises:
        InputError: if a time lies outside.
    """
    x, t = np.broadcast_arrays(np.asarray(x, float), np.asarray(t, float))
    if t.size and not (t.min() >= 0 and t.max() <= _END):
        raise InputError(
            f"schrodinger: t from {t.min()} to {t.max()}; the solution reaches from 0 to π/2."
        )
    return _solution(1)(x.ravel(), t.ravel()).reshape(x.shape)


@functools.lru_cache(maxsize=1)
def schrodinger_error() -> dict[str, float]:
    """Return the relative L2 distance of u, v and |h| from the same with half the modes and twice the steps.

    As the error of the coarser one, it is an upper bound of the error of the finer.
    """
    x, t = np.random.default_rng(0).uniform((_LOWER, 0.0), (_LOWER + _PERIOD, _END), (5000, 2)).T
    fine, coarse = (_solution(coarseness)(x, t) for coarseness in (1, 2))
    parts = {"u": np.real, "v": np.imag, "abs_h": np.abs}
    return {
        name: float(np.linalg.norm(part(fine) - part(coarse)) / np.linalg.norm(part(fine)))
        for name, part in parts.items()
    }


@dataclass(frozen=True)
class _CosineSeries:
    """h = Σ a_n(t) e^{-i ω_n t} cos(k_n (x + 5)): amplitudes that change slowly, whatever the frequency ω_n = k_n²/2.

    Attributes:
        times: equidistant times [m].
        amplitudes: a_n at the times, [m, K].
    """

    times: Array
    amplitudes: Array

    def __call__(self, x: Array, t: Array) -> Array:
        """Return h [n] at positions and times [n]."""
        k = 2 * np.pi / _PERIOD * np.arange(self.amplitudes.shape[1])
        first = np.clip(np.searchsorted(self.times, t) - _NODES // 2, 0, len(self.times) - _NODES)
        order = np.argsort(first, kind="stable")
        found = np.empty(len(x), complex)
        # Points between the same two times share the eight rows from which their amplitudes come.
        for group in np.split(order, np.flatnonzero(np.diff(first[order])) + 1):
            for part in np.split(group, range(_CHUNK, len(group), _CHUNK)):
                rows = slice(first[part[0]], first[part[0]] + _NODES)
                nodes = np.broadcast_to(self.times[rows], (len(part), _NODES))
                waves = lagrange(nodes, t[part]) @ self.amplitudes[rows]
                waves *= np.exp(-0.5j * t[part, None] * k**2)
                found[part] = np.sum(waves * np.cos(k * (x[part, None] - _LOWER)), axis=1)
        return found


@functools.lru_cache(maxsize=2)
def _solution(coarseness: int) -> _CosineSeries:
    """Return the solution; `coarseness` divides the modes and multiplies the steps."""
    modes, substeps = _MODES // coarseness, _STEPS // _REPORTS // coarseness
    times = np.linspace(0, _END, _REPORTS + 1)
    n = np.abs(
        np.fft.fftfreq(4 * modes, 1 / (4 * modes))
    )  # twice as many as are kept, for the products
    kept, frequency = n <= modes, 0.5 * (2 * np.pi / _PERIOD * n) ** 2
    turns = np.array([_JUMP, 1 - 2 * _JUMP, _JUMP]) * times[1] / substeps  # of the phase, by |h|²
    drifts = 0.5 * (
        np.append(turns, 0) + np.append(0, turns)
    )  # by dispersion: before, between and behind them
    propagators = [kept * np.exp(-1j * frequency * drift) for drift in drifts]
    start = project(lambda x: 2 / np.cosh(x), lower=_LOWER, length=_PERIOD, modes=modes)
    h = kept * start[np.minimum(n, modes).astype(int)]
    found = np.empty((len(times), modes + 1), complex)
    found[0] = start
    for i in range(1, len(times)):
        for _ in range(substeps):
            h = propagators[0] * h
            for turn, propagator in zip(turns, propagators[1:], strict=True):
                values = np.fft.ifft(h, norm="forward")
                values *= np.exp(1j * turn * (values.real**2 + values.imag**2))
                h = propagator * np.fft.fft(values, norm="forward")
        found[i] = h[: modes + 1]
    found[:, 1:] *= 2  # h is even, so the waves of n and -n make a cosine
    return _CosineSeries(times, found * np.exp(1j * frequency[: modes + 1] * times[:, None]))
