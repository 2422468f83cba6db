"""Δv = k² v in a rectangle less disks, zero on the rectangle's walls: multipoles at the disks' centers, and images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.special import k0, k1, kn

from pinn.errors import InputError

Array = np.ndarray

_CHUNK = 4096  # points at a time, so that memory is bounded
_NEGLIGIBLE = 1e-17  # relative size of a multipole that is left out
_DECAY = math.log(1e16)


class Multipoles:
    """The solution v of Δv = k² v in a rectangle less disks, with v = 0 on the walls and v = g on the circles.

        v = Σ over disks j and images of Re Σ_n c_jn R_n(ρ_j)/R_n(r_j) e^{-inφ_j},  n = 0 … order

    with R_n = K_n(kρ), or log ρ and ρ^-n for k = 0, and (ρ_j, φ_j) polar coordinates about center
    j.  Images at the centers' reflections in the walls, with alternating signs, make v vanish on
    the walls: as closely as rounding allows for k > 0, where they fade; for k = 0 harmonic
    polynomials make up for those left out.  The coefficients are the least-squares solution on the
    circles (and walls), so that they converge geometrically with the order.  By the maximum
    principle the error is nowhere larger than on the boundary.

    Args:
        lower: the rectangle's lower corner (x, y).
        upper: its upper corner.
        disks: (x, y, radius) of every disk, [disks, 3]; apart from each other and from the walls.
        k: 1/k is the length over which v fades (screening length); k = 0 for Laplace's equation.
        data: g from x [n] and y [n] to values [n].
        order: of the multipoles.

    Raises:
        InputError: if k is negative, or so small that the images of other than Laplace's equation
            do not fade.
    """

    def __init__(
        self,
        lower: Sequence[float],
        upper: Sequence[float],
        disks: Sequence[Sequence[float]],
        *,
        k: float,
        data: Callable[[Array, Array], Array],
        order: int,
    ) -> None:
        self.lower, self.upper = np.asarray(lower, float), np.asarray(upper, float)
        self.disks, self.k, self.order = np.asarray(disks, float), float(k), order
        side = float(np.min(self.upper - self.lower))
        if not (k == 0 or k * side >= 4):
            raise InputError(
                f"Multipoles: k={k} in a rectangle of side {side:g}; give 0, or at least {4 / side:g}."
            )
        self.reflections = 2 if k == 0 else max(2, math.ceil(_DECAY / (k * side)))
        x, y = (c.ravel() for c in self._circles(4 * order + 8))
        values = data(x, y)
        if k == 0:
            walls = self._walls(8 * order)
            x, y = np.append(x, walls[0]), np.append(y, walls[1])
            values = np.append(values, np.zeros(len(walls[0])))
        self.coefficients = np.linalg.lstsq(self._basis(x, y), values, rcond=1e-15)[0]

    def __call__(self, x: Array, y: Array) -> Array:
        """Return v at points [n]."""
        pieces = [slice(i, i + _CHUNK) for i in range(0, len(x), _CHUNK)]
        return np.concatenate(
            [np.zeros(0), *(self._basis(x[p], y[p]) @ self.coefficients for p in pieces)]
        )

    def _circles(self, count: int) -> tuple[Array, Array]:
        """Return x and y [disks, count] of points on the circles."""
        angle = 2 * np.pi * np.arange(count) / count
        x, y, radius = self.disks.T[:, :, None]
        return x + radius * np.cos(angle), y + radius * np.sin(angle)

    def _walls(self, count: int) -> tuple[Array, Array]:
        """Return x and y [4 count] of Chebyshev's points on the walls."""
        share = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
        (a, c), (b, d) = self.lower, self.upper
        along_x, along_y, one = a + (b - a) * share, c + (d - c) * share, np.ones(count)
        return np.concatenate([along_x, along_x, a * one, b * one]), np.concatenate(
            [c * one, d * one, along_y, along_y]
        )

    def _basis(self, x: Array, y: Array) -> Array:
        """Return the values [n, functions] of all functions at points [n]."""
        columns = []
        for cx, cy, radius in self.disks:
            total = np.zeros((self.order + 1, len(x)), complex)
            for u, sign_u, far_u in self._images(x, cx, 0):
                for w, sign_w, far_w in self._images(y, cy, 1):
                    # The image's multipoles are those of the center, seen from the reflected point.
                    order = self._needed(radius, math.hypot(far_u, far_w))
                    z = (u - cx) + 1j * (w - cy)
                    for n, value in enumerate(self._multipoles(z, radius, order)):
                        total[n] += sign_u * sign_w * value
            columns += [np.real(total), np.imag(total[1:])]
        if self.k == 0:
            middle, radius = (
                (self.lower + self.upper) / 2,
                np.linalg.norm(self.upper - self.lower) / 2,
            )
            z = ((x - middle[0]) + 1j * (y - middle[1])) / radius
            powers = z[None] ** np.arange(2 * self.order + 1)[:, None]
            columns += [np.real(powers), np.imag(powers[1:])]
        return np.concatenate(columns).T

    def _images(
        self, values: Array, center: float, axis: int
    ) -> Iterator[tuple[Array, int, float]]:
        """Give the points' reflections along an axis, their signs, and how far the center's image is from the box."""
        low, high = float(self.lower[axis]), float(self.upper[axis])
        length = high - low
        for m in range(-self.reflections, self.reflections + 1):
            # m reflections, first in the upper wall for m > 0: odd ones mirror, even ones shift.
            shift = m * length
            turned = (low + high + shift - values) if m % 2 else (values + shift)
            image = (low + high + shift - center) if m % 2 else (center - shift)
            yield turned, -1 if m % 2 else 1, max(low - image, image - high, 0.0)

    def _needed(self, radius: float, distance: float) -> int:
        """Return the highest order that counts at a distance from the box: (r/ρ)^n bounds R_n(ρ)/R_n(r)."""
        if distance <= radius:
            return self.order
        return min(self.order, math.ceil(math.log(_NEGLIGIBLE) / math.log(radius / distance)))

    def _multipoles(self, z: Array, radius: float, order: int) -> Iterator[Array]:
        """Give R_n(ρ)/R_n(r) e^{-inφ} [points] for n = 0 … order, at z = ρ e^{iφ}; log ρ for k = n = 0."""
        rho = np.abs(z)
        turn = z.conj() / rho
        if self.k == 0:
            yield np.log(rho).astype(complex)
            power = np.ones_like(z)
            for _ in range(order):
                power = power * (radius / rho) * turn
                yield power
            return
        argument, below, this = self.k * rho, k0(self.k * rho), k1(self.k * rho)
        yield (below / k0(self.k * radius)).astype(complex)
        power = np.ones_like(z)
        for n in range(1, order + 1):
            power = power * turn
            yield this / kn(n, self.k * radius) * power
            below, this = this, below + 2 * n / argument * this
