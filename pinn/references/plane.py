"""Systems of semilinear equations, periodic in a rectangle: Fourier modes in x and y, ETDRK4 in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinn.errors import InputError
from pinn.references.etdrk4 import Array, Function, integrate, lagrange, project

_NODES = 8  # times in a local polynomial
_CHUNK = 512  # points evaluated at once: arrays of some 30 MB
_RANDOM = 5000  # points at which two solutions are compared


@dataclass(frozen=True)
class PeriodicRectangle:
    """The Fourier modes |n_x|, |n_y| ≤ `modes` of functions that are periodic in a rectangle.

    Coefficients have the shape [..., K_x, K_y].  Rows are in the order n_x = 0, 1, …, modes,
    -modes, …, -1.  Columns are so too, where fields are complex; where they are real, n_y = 0, 1,
    …, modes tells the rest.

    Attributes:
        lower: where the rectangle begins, (x, y).
        lengths: the periods in x and y.
        modes: waves per period, at most, in x and y.
        real: whether the fields are real.

    Raises:
        InputError: for a period or a number of modes that is not positive.
    """

    lower: tuple[float, float]
    lengths: tuple[float, float]
    modes: tuple[int, int]
    real: bool = True

    def __post_init__(self) -> None:
        if not (min(self.lengths) > 0 and min(self.modes) >= 1):
            raise InputError(
                f"PeriodicRectangle: lengths={self.lengths}, modes={self.modes}; all must be positive."
            )

    @property
    def wavenumbers(self) -> tuple[Array, Array]:
        """k_x [K_x, 1] and k_y [1, K_y]."""
        x, y = (
            2 * np.pi / length * _both(n)
            for length, n in zip(self.lengths, self.modes, strict=True)
        )
        return x[:, None], (y[: self.modes[1] + 1] if self.real else y)[None, :]

    def counts(self, degree: int) -> tuple[int, int]:
        """Return the sizes of a grid on which products of `degree` factors have no aliases among the modes."""
        x, y = (_round_number((degree + 1) * n + 1) for n in self.modes)
        return x, y

    def grid(self, counts: Sequence[int]) -> tuple[Array, Array]:
        """Return the grid's x [M_x, 1] and y [1, M_y]."""
        x, y = (
            a + b * np.arange(n) / n
            for a, b, n in zip(self.lower, self.lengths, counts, strict=True)
        )
        return x[:, None], y[None, :]

    def sample(self, coefficients: Array, counts: Sequence[int]) -> Array:
        """Return the values [..., M_x, M_y] on the grid."""
        rows = np.fft.ifft(_spread(coefficients, -2, counts[0]), axis=-2, norm="forward")
        if self.real:
            return np.fft.irfft(rows, counts[1], axis=-1, norm="forward")
        return np.fft.ifft(_spread(rows, -1, counts[1]), axis=-1, norm="forward")

    def coefficients(self, values: Array) -> Array:
        """Return the coefficients of the modes from values [..., M_x, M_y] on a grid."""
        if self.real:
            columns = np.fft.rfft(values, axis=-1, norm="forward")[..., : self.modes[1] + 1]
        else:
            columns = _kept(np.fft.fft(values, axis=-1, norm="forward"), -1, self.modes[1])
        return _kept(np.fft.fft(columns, axis=-2, norm="forward"), -2, self.modes[0])

    def product(self, in_x: Function, in_y: Function) -> Array:
        """Return the coefficients [K_x, K_y] of f(x) g(y), both real, free of aliases."""
        places = zip((in_x, in_y), self.lower, self.lengths, self.modes, strict=True)
        half_x, half_y = (project(f, lower=a, length=b, modes=n) for f, a, b, n in places)
        x, y = (np.concatenate([half, half[:0:-1].conj()]) for half in (half_x, half_y))
        return np.outer(x, half_y if self.real else y)

    def waves(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return e^{i k_x (x - a)} [K_x, n] and e^{i k_y (y - b)} [K_y, n], with factors 2 for what is not stored."""
        k_x, k_y = self.wavenumbers
        in_x, in_y = (
            np.exp(1j * k_x * (x - self.lower[0])),
            np.exp(1j * k_y.T * (y - self.lower[1])),
        )
        if self.real:
            in_y[1:] *= 2
        return in_x, in_y


def etdrk4_plane(
    start: Array,
    times: Array,
    *,
    plane: PeriodicRectangle,
    linear: Array,
    nonlinear: Function,
    outer: Array | float = 1.0,
    degree: int = 2,
    substeps: int = 1,
) -> Array:
    """Return the Fourier coefficients [m, f, K_x, K_y] at `times` [m] of f fields with u_t = L u + G n(u).

    As `etdrk4` does it in one dimension; L does not couple the fields, n may.

    Args:
        start: coefficients [f, K_x, K_y] at times[0].
        times: increasing times; between two of them lie `substeps` equal steps.
        plane: the rectangle and its modes.
        linear: symbol of L, [f, K_x, K_y]; such as -ν (k_x² + k_y²) for ν Δu.
        nonlinear: n, from values [f, M_x, M_y] to values [g, M_x, M_y].
        outer: symbol of the linear operator G, which broadcasts against [g, K_x, K_y] to [f, K_x,
            K_y]: g = 1 where one product drives all fields.
        degree: products of that many factors are formed without aliases.  Where the modes resolve
            the solution, 2 will do for cubes, too: what they alias is of the size of the cut-off
            coefficients' squares.
        substeps: steps between two of the times.

    Raises:
        InputError: if the times do not increase or the solution overflows.
    """
    counts = plane.counts(degree)

    def change(u: Array) -> Array:
        return outer * plane.coefficients(nonlinear(plane.sample(u, counts)))

    return integrate(start, times, linear=linear, change=change, substeps=substeps)


@dataclass(frozen=True)
class PlaneFunction:
    """Fields of x, y and t, periodic in the plane: their Fourier series, with local polynomials in time.

    Attributes:
        plane: the rectangle and its modes.
        times: increasing times [m], at least eight.
        coefficients: of the fields at the times, [m, f, K_x, K_y].
    """

    plane: PeriodicRectangle
    times: Array
    coefficients: Array

    def __call__(self, x: Array, y: Array, t: Array) -> Array:
        """Return the fields [f, …] at positions and times, which broadcast against each other.

        Raises:
            InputError: if a time lies before the first or behind the last.
        """
        x, y, t = np.broadcast_arrays(*(np.asarray(c, float) for c in (x, y, t)))
        first, last = self.times[[0, -1]]
        if t.size and not (t.min() >= first and t.max() <= last):
            raise InputError(
                f"reference: t from {t.min()} to {t.max()}; it reaches from {first:g} to {last:g}."
            )
        found = np.empty(
            (self.coefficients.shape[1], t.size), float if self.plane.real else complex
        )
        row = np.clip(
            np.searchsorted(self.times, t.ravel()) - _NODES // 2, 0, len(self.times) - _NODES
        )
        order = np.lexsort((t.ravel(), row))
        # Points between the same two times share the eight rows that their values come from.
        for group in np.split(order, np.flatnonzero(np.diff(row[order])) + 1):
            for part in np.split(group, range(_CHUNK, len(group), _CHUNK)):
                if part.size:
                    found[:, part] = self._at(
                        int(row[part[0]]), *(c.ravel()[part] for c in (x, y, t))
                    )
        return found.reshape(len(found), *t.shape)

    def _at(self, row: int, x: Array, y: Array, t: Array) -> Array:
        rows = slice(row, row + _NODES)
        in_time = lagrange(np.broadcast_to(self.times[rows], (len(t), _NODES)), t)
        series = self.coefficients[rows]
        if np.ptp(t) == 0:  # one series for all
            series, in_time = np.tensordot(in_time[:1], series, 1), np.ones((len(t), 1))
        in_x, in_y = self.plane.waves(x, y)
        nodes, fields, k_x, k_y = series.shape
        along_y = (series.reshape(-1, k_y) @ in_y).reshape(nodes, fields, k_x, -1)
        along_y *= in_x
        found = np.einsum("jfp,pj->fp", np.sum(along_y, axis=2), in_time)
        return found.real if self.plane.real else found

    def random_points(self) -> Array:
        """Return x, y and t of random points, [3, n], at which two solutions may be compared."""
        lower = np.array([*self.plane.lower, self.times[0]])
        sizes = np.array([*self.plane.lengths, self.times[-1] - self.times[0]])
        return lower[:, None] + sizes[:, None] * np.random.default_rng(0).random((3, _RANDOM))


def _both(modes: int) -> Array:
    """Return 0, 1, …, modes, -modes, …, -1."""
    return np.concatenate([np.arange(modes + 1), np.arange(-modes, 0)])


def _round_number(least: int) -> int:
    """Return the smallest number without other factors than 2, 3 and 5 that is not below `least`.

    Transforms of such sizes are quick.
    """
    found = least
    while True:
        rest = found
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return found
        found += 1


def _spread(coefficients: Array, axis: int, count: int) -> Array:
    """Return coefficients with zeros for the modes between those of an axis, `count` in all."""
    moved = np.moveaxis(coefficients, axis, -1)
    half = moved.shape[-1] // 2
    wide = np.zeros((*moved.shape[:-1], count), complex)
    wide[..., : half + 1] = moved[..., : half + 1]
    wide[..., count - half :] = moved[..., half + 1 :]
    return np.moveaxis(wide, -1, axis)


def _kept(coefficients: Array, axis: int, modes: int) -> Array:
    """Return the coefficients of |n| ≤ modes along an axis."""
    return np.take(coefficients, _both(modes), axis=axis)
