"""Interpolation of numerical solutions between their times and grid points by local polynomials."""

# pyright: strict
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pinn.references.points import Array, broadcast, check_times, random_points

TIMES = 8  # times per local polynomial, which is of degree seven in t
_COLUMNS = 10  # grid points per local polynomial, which is of degree nine in x
_CHUNK = 2**14  # points evaluated at once: arrays of 10 MB
_RANDOM = 20_000  # points at which two solutions are compared


@dataclass(frozen=True)
class PeriodicFunction:
    """A function of t and x, periodic in x, interpolated between its values on a grid.

    Attributes:
        times: increasing times [m], at least eight.
        values: values [m, n] at x = lower + length · i/n.  The grid should be a few times finer
            than the shortest wave that matters: the interpolation error falls with the tenth power
            of the spacing.
        lower: where the grid starts.
        length: the period.
    """

    times: Array
    values: Array
    lower: float
    length: float

    def __call__(self, x: npt.ArrayLike, t: npt.ArrayLike) -> Array:
        """Return the values at positions and times, which broadcast against each other.

        Raises:
            InputError: if a time lies before the first or after the last.
        """
        x, t = broadcast(x, t)
        check_times("reference", t, self.times[0], self.times[-1])
        values = np.empty(x.size)
        for begin in range(0, x.size, _CHUNK):
            chunk = slice(begin, begin + _CHUNK)
            values[chunk] = self._interpolate(x.ravel()[chunk], t.ravel()[chunk])
        return values.reshape(x.shape)

    def at_random_points(self) -> Array:
        """Return the values [n] at the random points at which two resolutions are compared."""
        lower = (self.lower, self.times[0])
        upper = (self.lower + self.length, self.times[-1])
        return self(*random_points(lower, upper, _RANDOM))

    def _interpolate(self, x: Array, t: Array) -> Array:
        # The columns of the ten nearest grid points, which may lie beyond the ends of the period.
        count = self.values.shape[1]
        position = (x - self.lower) * (count / self.length)
        first_column = np.floor(position).astype(int) - (_COLUMNS // 2 - 1)
        columns = first_column[:, None] + np.arange(_COLUMNS)
        # The rows of the eight nearest times.
        rows = first_rows(self.times, t)[:, None] + np.arange(TIMES)
        # A polynomial in x times a polynomial in t.
        basis_x = lagrange(columns, position)
        basis_t = lagrange(self.times[rows], t)
        nearest = self.values[rows[:, :, None], columns[:, None, :] % count]
        return np.einsum("ptx,pt,px->p", nearest, basis_t, basis_x)


def lagrange(nodes: Array, at: Array) -> Array:
    """Return the Lagrange polynomials [n, q] of the nodes [n, q], each row at its own point [n]."""
    between_nodes = nodes[:, :, None] - nodes[:, None, :]
    from_point = np.broadcast_to((at[:, None] - nodes)[:, None, :], between_nodes.shape)
    own_node = np.eye(nodes.shape[1], dtype=bool)
    numerators = np.where(own_node, 1.0, from_point)
    denominators = np.where(own_node, 1.0, between_nodes)
    return np.prod(numerators / denominators, axis=2)


def first_rows(times: Array, t: Array) -> Array:
    """Return the row [n] in `times` at which the eight times nearest to each t [n] start."""
    rows = np.searchsorted(times, t) - TIMES // 2
    return np.clip(rows, 0, len(times) - TIMES)


def group_by_times(times: Array, t: Array, largest: int) -> Iterator[tuple[slice, Array]]:
    """Yield rows of `times` and the indices of at most `largest` points of t [n] that use them.

    Points between the same two times share the eight rows from which they are interpolated.
    """
    first = first_rows(times, t)
    order = np.lexsort((t, first))
    starts_of_groups = np.flatnonzero(np.diff(first[order])) + 1
    for group in np.split(order, starts_of_groups):
        for begin in range(0, len(group), largest):
            points = group[begin : begin + largest]
            row = int(first[points[0]])
            yield slice(row, row + TIMES), points
