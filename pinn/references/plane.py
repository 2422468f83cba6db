"""Semilinear equations that are periodic in a rectangle: Fourier modes in x and y."""

# pyright: strict, reportMissingTypeStubs=false
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from pinn.errors import InputError
from pinn.references.etdrk4 import Function, project
from pinn.references.interpolation import TIMES, group_by_times, lagrange
from pinn.references.points import Array, broadcast, check_times

_CHUNK = 512  # points evaluated at once: arrays of some 30 MB
_RANDOM = 5000  # points at which two solutions are compared


@dataclass(frozen=True)
class PeriodicRectangle:
    """The Fourier modes |n_x|, |n_y| ≤ `modes` of functions that are periodic in a rectangle.

    Coefficients have the shape [..., K_x, K_y].  Rows are in the order n_x = 0, 1, …, modes,
    -modes, …, -1.  If the fields are complex, columns have the same order; if they are real, the
    columns n_y = 0, 1, …, modes determine the rest.

    Attributes:
        lower: the lower corner of the rectangle, (x, y).
        lengths: the periods in x and y.
        modes: the largest numbers of waves per period in x and y.
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
                f"PeriodicRectangle: lengths={self.lengths}, modes={self.modes}; "
                "all must be positive."
            )

    @property
    def wavenumbers(self) -> tuple[Array, Array]:
        """k_x [K_x, 1] and k_y [1, K_y]."""
        k_x = 2 * np.pi / self.lengths[0] * _mode_numbers(self.modes[0])
        k_y = 2 * np.pi / self.lengths[1] * _mode_numbers(self.modes[1])
        if self.real:
            k_y = k_y[: self.modes[1] + 1]
        return k_x[:, None], k_y[None, :]

    def counts(self, degree: int) -> tuple[int, int]:
        """Return the size of a grid on which products of `degree` factors have no aliases."""
        modes_x, modes_y = self.modes
        return _grid_count(modes_x, degree), _grid_count(modes_y, degree)

    def grid(self, counts: Sequence[int]) -> tuple[Array, Array]:
        """Return the grid's x [M_x, 1] and y [1, M_y]."""
        x = self.lower[0] + self.lengths[0] * np.arange(counts[0]) / counts[0]
        y = self.lower[1] + self.lengths[1] * np.arange(counts[1]) / counts[1]
        return x[:, None], y[None, :]

    def sample(self, coefficients: Array, counts: Sequence[int]) -> Array:
        """Return the values [..., M_x, M_y] on the grid."""
        rows = np.fft.ifft(_pad(coefficients, -2, counts[0]), axis=-2, norm="forward")
        if self.real:
            return np.fft.irfft(rows, counts[1], axis=-1, norm="forward")
        return np.fft.ifft(_pad(rows, -1, counts[1]), axis=-1, norm="forward")

    def coefficients(self, values: Array) -> Array:
        """Return the coefficients of the modes from values [..., M_x, M_y] on a grid."""
        if self.real:
            columns = np.fft.rfft(values, axis=-1, norm="forward")[..., : self.modes[1] + 1]
        else:
            columns = _truncate(np.fft.fft(values, axis=-1, norm="forward"), -1, self.modes[1])
        return _truncate(np.fft.fft(columns, axis=-2, norm="forward"), -2, self.modes[0])

    def product(self, in_x: Function, in_y: Function) -> Array:
        """Return the coefficients [K_x, K_y] of f(x) g(y), both real, free of aliases."""
        half_x = self._project(in_x, axis=0)
        half_y = self._project(in_y, axis=1)
        return np.outer(_add_conjugates(half_x), half_y if self.real else _add_conjugates(half_y))

    def waves(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return the modes at points: e^{i k_x (x - a)} [K_x, n] and e^{i k_y (y - b)} [K_y, n].

        Where fields are real, the waves in y have a factor of 2 for the conjugates that are not
        stored.
        """
        k_x, k_y = self.wavenumbers
        in_x = np.exp(1j * k_x * (x - self.lower[0]))
        in_y = np.exp(1j * k_y.T * (y - self.lower[1]))
        if self.real:
            in_y[1:] *= 2
        return in_x, in_y

    def pseudospectral(
        self, function: Function, *, outer: npt.ArrayLike = 1.0, degree: int = 2
    ) -> Function:
        """Return the nonlinear terms N(u) = G n(u) as a function from coefficients to coefficients.

        Args:
            function: n, from values [f, M_x, M_y] of f fields to values [g, M_x, M_y].
            outer: Fourier symbol of the linear operator G, which broadcasts against [g, K_x, K_y]
                to [f, K_x, K_y]; g = 1 where one product drives all fields.
            degree: products of this many factors are free of aliases.  Where the modes resolve the
                solution, 2 suffices for cubes too: the size of their aliases is that of the squares
                of the truncated coefficients.
        """
        multiplier = np.asarray(outer)
        counts = self.counts(degree)

        def nonlinear(u: Array) -> Array:
            return multiplier * self.coefficients(function(self.sample(u, counts)))

        return nonlinear

    def _project(self, function: Function, *, axis: int) -> Array:
        return project(
            function,
            lower=self.lower[axis],
            length=self.lengths[axis],
            modes=self.modes[axis],
        )


@dataclass(frozen=True)
class PlaneFunction:
    """Fields of x, y and t: Fourier series in the plane, local polynomials in time.

    Attributes:
        plane: the rectangle and its modes.
        times: increasing times [m], at least eight.
        coefficients: of the fields at the times, [m, f, K_x, K_y].
    """

    plane: PeriodicRectangle
    times: Array
    coefficients: Array

    def __call__(self, x: npt.ArrayLike, y: npt.ArrayLike, t: npt.ArrayLike) -> Array:
        """Return the fields [f, …] at positions and times, which broadcast against each other.

        Raises:
            InputError: if a time lies before the first or after the last.
        """
        x, y, t = broadcast(x, y, t)
        check_times("reference", t, self.times[0], self.times[-1])
        flat_x = x.ravel()
        flat_y = y.ravel()
        flat_t = t.ravel()
        fields = self.coefficients.shape[1]
        values = np.empty((fields, t.size), float if self.plane.real else complex)
        for rows, points in group_by_times(self.times, flat_t, _CHUNK):
            values[:, points] = self._interpolate(
                rows, flat_x[points], flat_y[points], flat_t[points]
            )
        return values.reshape(fields, *t.shape)

    def random_points(self) -> Array:
        """Return x, y and t of random points, [3, n], at which two solutions may be compared."""
        lower = np.array([*self.plane.lower, self.times[0]])
        lengths = np.array([*self.plane.lengths, self.times[-1] - self.times[0]])
        uniform = np.random.default_rng(0).random((3, _RANDOM))
        return lower[:, None] + lengths[:, None] * uniform

    def _interpolate(self, rows: slice, x: Array, y: Array, t: Array) -> Array:
        """Return the fields [f, n] at points [n] that are interpolated between the same rows."""
        basis_t = lagrange(np.broadcast_to(self.times[rows], (len(t), TIMES)), t)
        series = self.coefficients[rows]
        if np.ptp(t) == 0:
            # All points have the same time, so that one series serves them all.
            series = np.tensordot(basis_t[:1], series, 1)
            basis_t = np.ones((len(t), 1))
        in_x, in_y = self.plane.waves(x, y)
        nodes, fields, k_x, k_y = series.shape
        # Sum over the modes in y by a matrix product, then over those in x, then over the times.
        in_plane = (series.reshape(-1, k_y) @ in_y).reshape(nodes, fields, k_x, -1)
        in_plane *= in_x
        values = np.einsum("jfp,pj->fp", np.sum(in_plane, axis=2), basis_t)
        return values.real if self.plane.real else values


def _mode_numbers(modes: int) -> Array:
    """Return 0, 1, …, modes, -modes, …, -1."""
    return np.concatenate([np.arange(modes + 1), np.arange(-modes, 0)])


def _grid_count(modes: int, degree: int) -> int:
    """Return the size of a grid without aliases, rounded up to one whose transform is fast."""
    # SciPy's own annotation of the result is wrong.
    count: Any = fft.next_fast_len((degree + 1) * modes + 1, real=True)  # pyright: ignore
    return count


def _add_conjugates(half: Array) -> Array:
    """Return the coefficients of all modes of a real function from those of n = 0, 1, …, modes."""
    return np.concatenate([half, half[:0:-1].conj()])


def _pad(coefficients: Array, axis: int, count: int) -> Array:
    """Return coefficients with zeros for higher modes along an axis, `count` in all."""
    moved = np.moveaxis(coefficients, axis, -1)
    half = moved.shape[-1] // 2
    padded = np.zeros((*moved.shape[:-1], count), complex)
    padded[..., : half + 1] = moved[..., : half + 1]
    padded[..., count - half :] = moved[..., half + 1 :]
    return np.moveaxis(padded, -1, axis)


def _truncate(coefficients: Array, axis: int, modes: int) -> Array:
    """Return the coefficients of |n| ≤ modes along an axis."""
    return np.take(coefficients, _mode_numbers(modes), axis=axis)
