"""Semilinear equations with periodic boundaries in one dimension: Fourier modes in space, ETDRK4 in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pinn.errors import InputError

Array = np.ndarray
Function = Callable[[Array], Array]

_CONTOUR = np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)  # as many points as the source takes
_OVERSAMPLING = (
    2**20
)  # a kink's coefficients fall as k⁻², and so do the aliases that a projection takes in
_NODES_X, _NODES_T = 10, 8  # of the local polynomials: ninth degree in x, seventh in t
_CHUNK = 2**14  # points evaluated at once: arrays of 10 MB


def wavenumbers(modes: int, length: float) -> Array:
    """Return k = 2πn/length for n = 0 … modes, [modes + 1]."""
    return 2 * np.pi / length * np.arange(modes + 1)


def project(function: Function, *, lower: float, length: float, modes: int) -> Array:
    """Return the Fourier coefficients [modes + 1] of a real function with a period, free of aliases.

    The n-th is the mean of u(x) e^{-ik(x - lower)}; those of negative n are the conjugates.
    """
    x = lower + length * np.arange(_OVERSAMPLING) / _OVERSAMPLING
    return np.fft.rfft(function(x), norm="forward")[: modes + 1]


def sample(coefficients: Array, count: int) -> Array:
    """Return the values [..., count] on the grid lower + length · i/count."""
    return np.fft.irfft(coefficients, count, norm="forward")


def etdrk4(
    start: Array,
    times: Array,
    *,
    linear: Array,
    nonlinear: Function,
    outer: Array | float = 1.0,
    degree: int = 2,
    substeps: int = 1,
) -> Array:
    """Return the Fourier coefficients [m, K] at `times` [m] of the real solution of u_t = L u + G n(u).

    Exponential time differencing with a Runge–Kutta scheme of fourth order: the linear part is
    exact, however stiff it is; its φ-functions, which cancel near zero, are means over a circle in
    the complex plane.

    Source: Cox & Matthews (2002), doi:10.1006/jcph.2002.6995; Kassam & Trefethen (2005),
    doi:10.1137/S1064827502410633.

    Args:
        start: coefficients [K] at times[0], as `project` gives them.
        times: increasing times; between two of them lie `substeps` equal steps.
        linear: symbol of L at the wavenumbers, [K]; such as -νk² for ν u_xx.
        nonlinear: n, from values to values.
        outer: symbol of the linear operator G, [K]; such as -ik/2 for -(u²)_x/2.
        degree: degree of n as a polynomial; products are formed on a grid that is fine enough for
            it.
        substeps: steps between two of the times.

    Raises:
        InputError: if the times do not increase or the solution overflows.
    """
    modes = len(start) - 1
    count = 1 << ((degree + 1) * modes - 1).bit_length()

    def change(u: Array) -> Array:
        return outer * np.fft.rfft(nonlinear(sample(u, count)), norm="forward")[: modes + 1]

    return integrate(start, times, linear=linear, change=change, substeps=substeps)


def integrate(
    start: Array, times: Array, *, linear: Array, change: Function, substeps: int = 1
) -> Array:
    """Return the coefficients [m, …] at `times` [m] of the solution of u_t = L u + N(u), by ETDRK4.

    Args:
        start: coefficients […] at times[0], of any shape.
        times: as in `etdrk4`.
        linear: L, diagonal; of the shape of `start`, or one that broadcasts against it.
        change: N, from coefficients to coefficients.
        substeps: as in `etdrk4`.

    Raises:
        InputError: if the times do not increase or the solution overflows.
    """
    lengths = np.diff(times)
    if not np.all(lengths > 0):
        raise InputError("etdrk4: the times do not increase; sort them and leave out doubles.")
    found = np.empty((len(times), *np.shape(start)), complex)
    found[0] = u = np.asarray(start, complex)
    last, weights = 0.0, ()
    for i, length in enumerate(lengths):
        if not np.isclose(length, last, rtol=1e-12, atol=0):
            last, weights = length, _weights(linear, length / substeps)
        for _ in range(substeps):
            u = _step(u, change, *weights)
        found[i + 1] = u
    if not np.all(np.isfinite(found)):
        raise InputError(
            f"etdrk4: the solution overflows with steps of {lengths.max() / substeps:.3g}; take smaller."
        )
    return found


def _weights(linear: Array, step: float) -> tuple[Array, ...]:
    """Return e^{hL}, e^{hL/2} and the scheme's weights Q, f₁, f₂, f₃, of the shape of L each."""
    scaled = step * np.asarray(linear)
    real = np.isrealobj(
        linear
    )  # then the lower half of the circle gives the conjugates of the upper
    nodes = _CONTOUR[: len(_CONTOUR) // 2] if real else _CONTOUR
    means = np.zeros((4, *scaled.shape), complex)
    for node in nodes:
        z = scaled + node
        e, cube = np.exp(z), z * z * z
        means[0] += (np.exp(z / 2) - 1) / z
        means[1] += (-4 - z + e * (4 - 3 * z + z * z)) / cube
        means[2] += (2 + z + e * (z - 2)) / cube
        means[3] += (-4 - 3 * z - z * z + e * (4 - z)) / cube
    half = np.exp(scaled / 2)
    return half * half, half, *(step / len(nodes) * (np.real(means) if real else means))


def _step(
    u: Array, change: Function, whole: Array, half: Array, q: Array, f1: Array, f2: Array, f3: Array
) -> Array:
    """Return the coefficients one step later."""
    carried, first = half * u, change(u)
    a = carried + q * first
    second = change(a)
    third = change(carried + q * second)
    last = change(half * a + q * (2 * third - first))
    return whole * u + f1 * first + 2 * f2 * (second + third) + f3 * last


@dataclass(frozen=True)
class PeriodicFunction:
    """A function of x, periodic, and t, from its values on a grid, by local polynomials.

    Attributes:
        times: increasing times [m], at least eight.
        values: values [m, n] at x = lower + length · i/n.  The grid is to be a few times finer than
            the modes that matter: the interpolation error falls with the tenth power of its
            spacing.
        lower: where the grid starts.
        length: the period.
    """

    times: Array
    values: Array
    lower: float
    length: float

    def __call__(self, x: Array, t: Array) -> Array:
        """Return the values at positions and times, which broadcast against each other.

        Raises:
            InputError: if a time lies before the first or behind the last.
        """
        x, t = np.broadcast_arrays(np.asarray(x, float), np.asarray(t, float))
        first, last = self.times[[0, -1]]
        if t.size and not (t.min() >= first and t.max() <= last):
            raise InputError(
                f"reference: t from {t.min()} to {t.max()}; it reaches from {first:g} to {last:g}."
            )
        found = np.empty(x.size)
        for begin in range(0, x.size, _CHUNK):
            part = slice(begin, begin + _CHUNK)
            found[part] = self._at(x.ravel()[part], t.ravel()[part])
        return found.reshape(x.shape)

    def distance(self, other: PeriodicFunction) -> float:
        """Return the relative L2 distance of another function from this one, at random points."""
        corners = (self.lower, self.times[0]), (self.lower + self.length, self.times[-1])
        x, t = np.random.default_rng(0).uniform(*corners, (20_000, 2)).T
        here = self(x, t)
        return float(np.linalg.norm(here - other(x, t)) / np.linalg.norm(here))

    def _at(self, x: Array, t: Array) -> Array:
        count = self.values.shape[1]
        place = (x - self.lower) * (count / self.length)
        columns = np.floor(place).astype(int)[:, None] + np.arange(_NODES_X) - (_NODES_X // 2 - 1)
        rows = np.searchsorted(self.times, t)[:, None] - _NODES_T // 2
        rows = np.clip(rows, 0, len(self.times) - _NODES_T) + np.arange(_NODES_T)
        in_x, in_t = lagrange(columns, place), lagrange(self.times[rows], t)
        near = self.values[rows[:, :, None], columns[:, None, :] % count]
        return np.einsum("ptx,pt,px->p", near, in_t, in_x)


def lagrange(nodes: Array, at: Array) -> Array:
    """Return the weights [n, q] of the values at nodes [n, q] in the polynomial through them, at points [n]."""
    apart = nodes[:, :, None] - nodes[:, None, :]
    there = np.broadcast_to((at[:, None] - nodes)[:, None, :], apart.shape)
    itself = np.eye(nodes.shape[1], dtype=bool)
    return np.prod(np.where(itself, 1.0, there) / np.where(itself, 1.0, apart), axis=2)
