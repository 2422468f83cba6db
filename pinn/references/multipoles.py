"""Δv = k² v in a rectangle without disks: multipoles at the disks' centers, and their images."""

# pyright: strict, reportMissingTypeStubs=false
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from pinn.errors import InputError
from pinn.references.points import Array, PlaneMap

_CHUNK = 4096  # points at a time, so that memory is bounded
_NEGLIGIBLE = 1e-17  # relative size of a multipole that is left out
_DECAY = math.log(1e16)

# SciPy has no annotations.
_k0: Any = special.k0
_k1: Any = special.k1
_kn: Any = special.kn


class _Image(NamedTuple):
    """An image of a disk, by reflections in two parallel walls, along one axis.

    Attributes:
        points: the coordinates of the points after the same reflections, [n].
        sign: -1 after an odd number of reflections, else 1.
        distance: from the image of the center to the rectangle.
    """

    points: Array
    sign: int
    distance: float


class Multipoles:
    """The solution of Δv = k² v in a rectangle without disks.

    v = 0 on the walls and v = g on the circles:

        v = Σ over disks j and images of Re Σ_n c_jn R_n(ρ_j)/R_n(r_j) e^{-inφ_j},  n = 0 … order

    with R_n = K_n(kρ), or log ρ and ρ^-n for k = 0, and polar coordinates (ρ_j, φ_j) about the
    center of disk j.  Images at the reflections of the centers in the walls, with alternating
    signs, make v vanish on the walls.  For k > 0 they fade, and v vanishes up to rounding; for
    k = 0, harmonic polynomials compensate for the images that are left out.

    The coefficients c are the least-squares solution on the circles (and walls), so that they
    converge geometrically with the order.  By the maximum principle the error is largest on the
    boundary.

    Args:
        lower: the rectangle's lower corner (x, y).
        upper: its upper corner.
        disks: (x, y, radius) per disk, [disks, 3]; disjoint from each other and from the walls.
        k: 1/k is the length over which v fades (screening length); k = 0 for Laplace's equation.
        data: g from x [n] and y [n] to values [n].
        order: the highest order of the multipoles.

    Raises:
        InputError: if k is negative, or positive but so small that the images do not fade.
    """

    def __init__(
        self,
        lower: Sequence[float],
        upper: Sequence[float],
        disks: Sequence[Sequence[float]],
        *,
        k: float,
        data: PlaneMap,
        order: int,
    ) -> None:
        self.lower = np.asarray(lower, float)
        self.upper = np.asarray(upper, float)
        self.disks = np.asarray(disks, float)
        self.k = float(k)
        self.order = order
        side = float(np.min(self.upper - self.lower))
        if not (k == 0 or k * side >= 4):
            raise InputError(
                f"Multipoles: k={k} in a rectangle of side {side:g}; "
                f"give 0, or at least {4 / side:g}."
            )
        self.reflections = 2 if k == 0 else max(2, math.ceil(_DECAY / (k * side)))

        # Collocation: prescribed values at more points than there are coefficients.
        x, y = self._circles(4 * order + 8)
        values = data(x, y)
        if k == 0:
            walls_x, walls_y = self._walls(8 * order)
            x = np.append(x, walls_x)
            y = np.append(y, walls_y)
            values = np.append(values, np.zeros(len(walls_x)))
        self.coefficients = np.linalg.lstsq(self._basis(x, y), values, rcond=1e-15)[0]

    def __call__(self, x: Array, y: Array) -> Array:
        """Return v at points [n]."""
        v = np.zeros(len(x))
        for begin in range(0, len(x), _CHUNK):
            chunk = slice(begin, begin + _CHUNK)
            v[chunk] = self._basis(x[chunk], y[chunk]) @ self.coefficients
        return v

    def _circles(self, count: int) -> tuple[Array, Array]:
        """Return x and y [disks · count] of equidistant points on the circles."""
        angle = 2 * np.pi * np.arange(count) / count
        x, y, radius = self.disks.T[:, :, None]
        on_circles_x = x + radius * np.cos(angle)
        on_circles_y = y + radius * np.sin(angle)
        return on_circles_x.ravel(), on_circles_y.ravel()

    def _walls(self, count: int) -> tuple[Array, Array]:
        """Return x and y [4 · count] of Chebyshev points on the walls."""
        share = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
        left, bottom = self.lower
        right, top = self.upper
        along_x = left + (right - left) * share
        along_y = bottom + (top - bottom) * share
        ones = np.ones(count)
        x = np.concatenate([along_x, along_x, left * ones, right * ones])
        y = np.concatenate([bottom * ones, top * ones, along_y, along_y])
        return x, y

    def _basis(self, x: Array, y: Array) -> Array:
        """Return the values [n, functions] of all functions at points [n]."""
        functions: list[Array] = []
        for center_x, center_y, radius in self.disks:
            # The disk's multipoles and their images, which share the coefficients.
            total = np.zeros((self.order + 1, len(x)), complex)
            for in_x in self._images(x, center_x, axis=0):
                for in_y in self._images(y, center_y, axis=1):
                    # A multipole at an image is the multipole at the center, at the reflected
                    # points.
                    distance = math.hypot(in_x.distance, in_y.distance)
                    order = self._order_needed(radius, distance)
                    z = (in_x.points - center_x) + 1j * (in_y.points - center_y)
                    for n, value in enumerate(self._multipoles(z, radius, order)):
                        total[n] += in_x.sign * in_y.sign * value
            functions += [np.real(total), np.imag(total[1:])]
        if self.k == 0:
            powers = self._harmonic_polynomials(x, y)
            functions += [np.real(powers), np.imag(powers[1:])]
        return np.concatenate(functions).T

    def _harmonic_polynomials(self, x: Array, y: Array) -> Array:
        """Return z^n [2 · order + 1, points], where |z| = 1 on the circumscribed circle."""
        middle = (self.lower + self.upper) / 2
        radius = np.linalg.norm(self.upper - self.lower) / 2
        z = ((x - middle[0]) + 1j * (y - middle[1])) / radius
        return z[None] ** np.arange(2 * self.order + 1)[:, None]

    def _images(self, coordinates: Array, center: float, *, axis: int) -> Iterator[_Image]:
        """Yield the images along an axis, the original among them."""
        low = float(self.lower[axis])
        high = float(self.upper[axis])
        length = high - low
        for m in range(-self.reflections, self.reflections + 1):
            # |m| reflections in turn, the first in the upper wall for m > 0.  An odd number of
            # reflections is a reflection, and an even number is a shift.
            shift = m * length
            if m % 2:
                points = low + high + shift - coordinates
                image = low + high + shift - center
                sign = -1
            else:
                points = coordinates + shift
                image = center - shift
                sign = 1
            yield _Image(points, sign, max(low - image, image - high, 0.0))

    def _order_needed(self, radius: float, distance: float) -> int:
        """Return the highest order that counts at a distance, by R_n(ρ)/R_n(r) ≤ (r/ρ)^n."""
        if distance <= radius:
            return self.order
        return min(self.order, math.ceil(math.log(_NEGLIGIBLE) / math.log(radius / distance)))

    def _multipoles(self, z: Array, radius: float, order: int) -> Iterator[Array]:
        """Yield R_n(ρ)/R_n(r) e^{-inφ} [points] for n = 0 … order at z = ρ e^{iφ}.

        For k = n = 0, where R_n(r) may vanish, yield log ρ.
        """
        rho = np.abs(z)
        rotation = z.conj() / rho  # e^{-iφ}
        power = np.ones_like(z)
        if self.k == 0:
            yield np.log(rho).astype(complex)
            for _ in range(order):
                power = power * (radius / rho) * rotation
                yield power
            return
        # The recurrence K_{n+1}(s) = K_{n-1}(s) + 2n/s K_n(s), which is stable upwards.
        s = self.k * rho
        previous = _k0(s)
        current = _k1(s)
        yield (previous / _k0(self.k * radius)).astype(complex)
        for n in range(1, order + 1):
            power = power * rotation
            yield current / _kn(n, self.k * radius) * power
            following = previous + 2 * n / s * current
            previous = current
            current = following
