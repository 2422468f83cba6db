"""The driven cavity: steady flow in a unit square under a moving lid, by Legendre polynomials and Newton's method."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.polynomial import chebyshev, legendre
from scipy.linalg import eigh, lu_factor, lu_solve

from pinn.errors import InputError
from pinn.references.corner import corner_flow, corners

Array = np.ndarray
Lid = Literal["uniform", "parabolic"]

LIDS = ("uniform", "parabolic")
_TRACE = (
    40  # polynomials per wall: the corners' functions are analytic there, so this is rounding error
)
_STEPS = (100.0, 400.0, 1000.0, 2000.0)  # Reynolds numbers that lead to a larger one
_TOLERANCE = 1e-8  # of Newton's last correction, relative
_ROUGH = 1e-2  # the same on the way to a larger Reynolds number
_SMALLEST = 28  # polynomials per direction on that way
_NEAR = 2e-2  # a relative correction below which a Jacobian serves once more
_ITERATIONS = 60


def cavity(x: Array, y: Array, Re: float, lid: Lid) -> tuple[Array, Array, Array]:
    """Return u, v and p of the steady flow in 0 < x, y < 1; dimensionless, the pressure up to a constant.

    The lid y = 1 moves with u = 1 ("uniform") or u = 4x(1 - x) ("parabolic"); the other walls are
    at rest.

    Weak form of the vorticity equation for the stream function ψ, with u = ψ_y and v = -ψ_x:

        ∫ Δψ Δφ / Re + ∫ Δψ (u φ_x + v φ_y) = 0    for all φ with φ = φ_n = 0 on the walls.

    ψ is a singular function for each upper corner, a polynomial that brings in the walls' values,
    and products of polynomials that vanish with their slopes on the walls (Shen 1994,
    doi:10.1137/0915089).  The pressure is what comes nearest to the remaining momentum by its
    gradient.  Beside an upper corner p grows as log r under the parabolic lid and as 1/r under the
    uniform one, where it has no L² norm; within 10⁻³ of it p is held.

    The first call solves, which takes seconds; later ones evaluate.  `cavity_error` tells how far
    that goes.

    Args:
        x: positions, any shape that broadcasts against `y`.
        y: heights.
        Re: Reynolds number Re > 0 by the lid's largest speed and its length.
        lid: "uniform" or "parabolic".

    Raises:
        InputError: for another lid, a Reynolds number that is not positive, or if Newton's method
            diverges.
    """
    if lid not in LIDS:
        raise InputError(f"cavity: lid={lid!r}; choose one of {', '.join(LIDS)}.")
    if not Re > 0:
        raise InputError(f"cavity: Re={Re}; the Reynolds number must be positive.")
    return _flow(float(Re), lid, _sizes(Re)[1])(x, y)


@functools.lru_cache(maxsize=4)
def cavity_error(Re: float, lid: Lid) -> tuple[float, float, float]:
    """Return the relative L² distances of u, v and p from those with three quarters of the polynomials.

    As errors of the coarser solution, they are upper bounds of those of the finer.
    """
    x, y = np.random.default_rng(0).uniform(0.0, 1.0, (2, 20_000))
    coarse, fine = (np.stack(_flow(float(Re), lid, size)(x, y)) for size in _sizes(Re))
    for found in (coarse, fine):
        found[2] -= np.mean(found[2])
    u, v, p = np.linalg.norm(fine - coarse, axis=1) / np.linalg.norm(fine, axis=1)
    return float(u), float(v), float(p)


def _sizes(Re: float) -> tuple[int, int]:
    """Return how many polynomials per direction the coarser and the finer solution have."""
    return (_SMALLEST, 40) if Re <= 400 else (36, 48) if Re <= 1000 else (44, 56)


@dataclass(frozen=True)
class _Flow:
    """The stream function's and the pressure's Legendre coefficients beside the corners' functions, and Re."""

    stream: Array
    pressure: Array
    Re: float
    lid: Lid

    def __call__(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """Return u, v and p at positions that broadcast against each other."""
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        singular = corner_flow(x, y, self.lid)
        left, right = (c.pressure(x, y) / self.Re for c in corners(self.lid))
        at_x, at_y = (legendre.legvander(2 * np.ravel(c) - 1, len(self.stream) - 1) for c in (x, y))
        slope = _slopes(self.stream)

        def polynomial(coefficients: Array) -> Array:
            n, m = coefficients.shape
            return np.sum((at_x[:, :n] @ coefficients) * at_y[:, :m], axis=1).reshape(x.shape)

        u, v = singular.y + polynomial(slope.y), -singular.x - polynomial(slope.x)
        return u, v, left + right + polynomial(self.pressure)


class _Slopes(NamedTuple):
    x: Array
    y: Array


def _slopes(coefficients: Array) -> _Slopes:
    """Return the coefficients of both first derivatives on the unit square."""
    return _Slopes(
        2 * legendre.legder(coefficients, axis=0), 2 * legendre.legder(coefficients, axis=1)
    )


@functools.lru_cache(maxsize=8)
def _flow(Re: float, lid: Lid, size: int) -> _Flow:
    """Return the flow with size² functions; the search starts from the coarser flow, and that from slower ones."""
    system, smaller = _System(size, lid), _sizes(Re)[0]
    if size > smaller:
        free = _coarser(_flow(Re, lid, smaller).stream, system)
    else:
        rough, free = _System(_SMALLEST, lid), np.zeros((_SMALLEST, _SMALLEST))
        for slower in (r for r in _STEPS if r < Re):
            free = _newton(rough, slower, free, _ROUGH)
        free = _coarser(rough.stream(free), system)
    free = _newton(system, Re, free, _TOLERANCE)
    return _Flow(system.stream(free), system.pressure(free, Re), Re, lid)


def _coarser(stream: Array, system: _System) -> Array:
    """Return the coefficients [n, n] of the functions that vanish on the walls for a coarser stream function."""
    rest = -system.lift
    rest[: len(stream), : len(stream)] += stream
    inverse = np.linalg.pinv(system.basis)
    size = system.size + 4
    return inverse.T @ rest[:size, :size] @ inverse


def _newton(system: _System, Re: float, free: Array, tolerance: float) -> Array:
    factors, before = None, np.inf
    for _ in range(_ITERATIONS):
        if factors is None:
            factors = lu_factor(system.jacobian(free, Re), overwrite_a=True, check_finite=False)
        step = lu_solve(factors, system.residual(free, Re).ravel(), check_finite=False).reshape(
            free.shape
        )
        free = free - step
        size = np.linalg.norm(step) / np.linalg.norm(free)
        if size <= tolerance:
            return free
        if not np.linalg.norm(step) < 1e6:
            break
        # Near the solution residuals are far cheaper than another Jacobian, while corrections still
        # fall fast.
        if size > min(_NEAR, 0.2 * before):
            factors = None
        before = size
    raise InputError(
        f"cavity: Newton's method finds no steady flow at Re={Re:g}; take a smaller Reynolds number."
    )


class _System:
    """The weak form on products of `size` polynomials per direction, by Gauss's quadrature."""

    def __init__(self, size: int, lid: Lid) -> None:
        self.size, self.lid = size, lid
        self.basis = _clamped(size)
        self.lift = _lift(lid, max(size + 4, _TRACE + 4))
        nodes, weights = legendre.leggauss(3 * size // 2 + 6)
        self.weights = np.multiply.outer(weights, weights) / 4
        self.polynomials = _derivatives(legendre.legvander(nodes, len(self.lift) - 1), nodes)
        self.at = tuple(p[:, : size + 4] @ self.basis.T for p in self.polynomials[:3])
        x, y = np.meshgrid((nodes + 1) / 2, (nodes + 1) / 2, indexing="ij")
        self.corner = corner_flow(x, y, lid)
        b0, _, b2 = self.at
        self.line = w = weights[:, None] / 2
        mass, mixed, bending = b0.T @ (w * b0), b2.T @ (w * b0), b2.T @ (w * b2)
        self.viscous = np.kron(bending, mass) + np.kron(mixed, mixed.T) + np.kron(mixed.T, mixed)
        self.viscous += np.kron(mass, bending)

    def stream(self, free: Array) -> Array:
        """Return ψ's Legendre coefficients without the corners' functions."""
        found = self.lift.copy()
        found[: self.size + 4, : self.size + 4] += self.basis.T @ free @ self.basis
        return found

    def _weighted(self, free: Array) -> tuple[Array, Array, Array]:
        """Return Δψ without the corners' functions, u and v at the nodes, times the weights."""
        p0, p1, p2, _ = self.polynomials
        s = self.stream(free)
        bent = p2 @ s @ p0.T + p0 @ s @ p2.T
        u, v = p0 @ s @ p1.T + self.corner.y, -(p1 @ s @ p0.T + self.corner.x)
        return self.weights * bent, self.weights * u, self.weights * v

    def residual(self, free: Array, Re: float) -> Array:
        """Return the weak form on every product of two functions, [n, n]."""
        b0, b1, b2 = self.at
        bent, u, v = self._weighted(free)
        # The corners' functions are biharmonic and drop out of ∫ Δψ Δφ.
        viscous = (b2.T @ bent @ b0 + b0.T @ bent @ b2) / Re
        whole = bent / self.weights + self.corner.xx + self.corner.yy
        return viscous + b1.T @ (whole * u) @ b0 + b0.T @ (whole * v) @ b1

    def jacobian(self, free: Array, Re: float) -> Array:
        """Return the residual's derivatives by the coefficients, [n², n²]."""
        n, (b0, b1, b2) = self.size, self.at
        bent, u, v = self._weighted(free)
        curl = bent + self.weights * (self.corner.xx + self.corner.yy)

        def pairs(test: Array, trial: Array) -> Array:
            return (test[:, :, None] * trial[:, None, :]).reshape(len(test), -1)

        # Rows: test and trial function in x; columns: the same in y.
        found = pairs(b1, b2).T @ (u @ pairs(b0, b0)) + pairs(b1, b0).T @ (u @ pairs(b0, b2))
        found += pairs(b0, b2).T @ (v @ pairs(b1, b0)) + pairs(b0, b0).T @ (v @ pairs(b1, b2))
        found += pairs(b1, b0).T @ (curl @ pairs(b0, b1)) - pairs(b0, b1).T @ (curl @ pairs(b1, b0))
        found = found.reshape(n, n, n, n).swapaxes(1, 2).reshape(n * n, n * n)
        found += self.viscous / Re
        return found

    def pressure(self, free: Array, Re: float) -> Array:
        """Return the pressure's Legendre coefficients without the corners' functions, [n, n].

        It minimizes ∫ |∇p - F|², F = ΔU/Re - (U·∇) U; the corners' part of ΔU/Re is the gradient of
        theirs.
        """
        p0, p1, p2, p3 = self.polynomials
        s, corner = self.stream(free), self.corner
        x, y = p1 @ s @ p0.T + corner.x, p0 @ s @ p1.T + corner.y
        xx, xy, yy = p2 @ s @ p0.T + corner.xx, p1 @ s @ p1.T + corner.xy, p0 @ s @ p2.T + corner.yy
        force_x = (p2 @ s @ p1.T + p0 @ s @ p3.T) / Re - (y * xy - x * yy)
        force_y = -(p3 @ s @ p0.T + p1 @ s @ p2.T) / Re - (x * xy - y * xx)
        q0, q1 = p0[:, : self.size], p1[:, : self.size]
        right = q1.T @ (self.weights * force_x) @ q0 + q0.T @ (self.weights * force_y) @ q1
        values, vectors = eigh(q1.T @ (self.line * q1), q0.T @ (self.line * q0))
        total = values[:, None] + values
        total[0, 0] = np.inf  # the constant
        return vectors @ ((vectors.T @ right @ vectors) / total) @ vectors.T


def _clamped(size: int) -> Array:
    """Return the Legendre coefficients [n, n + 4] of polynomials that vanish with their slopes at both ends."""
    k = np.arange(size)
    found = np.zeros((size, size + 4))
    scale = 1 / np.sqrt(2 * (2 * k + 3) ** 2 * (2 * k + 5))
    found[k, k] = scale
    found[k, k + 2] = -scale * 2 * (2 * k + 5) / (2 * k + 7)
    found[k, k + 4] = scale * (2 * k + 3) / (2 * k + 7)
    return found


def _derivatives(values: Array, nodes: Array) -> tuple[Array, ...]:
    """Return Legendre's polynomials at nodes [q, n] and their first three derivatives on the unit interval."""
    identity, found = np.eye(values.shape[1]), [values]
    for order in (1, 2, 3):
        found.append(2**order * legendre.legval(nodes, legendre.legder(identity, order)).T)
    return tuple(found)


def _lift(lid: Lid, size: int) -> Array:
    """Return the Legendre coefficients [size, size] of a polynomial that gives ψ its values and slopes on the walls.

    Cubic Hermite blending of the four walls' data (Gordon & Hall 1973, doi:10.1007/BF01436298).
    """
    # Values and slopes at 0 and 1 of the cubic polynomials in ξ from -1 to 1; the slopes by x = (ξ
    # + 1)/2.
    powers = np.array([[0.5, -0.75, 0, 0.25], [0.125, -0.125, -0.125, 0.125], [0.5, 0.75, 0, -0.25],
                       [-0.125, -0.125, 0.125, 0.125]])  # fmt: skip
    hermite = np.stack([np.pad(legendre.poly2leg(c), (0, size - 4)) for c in powers])
    nodes = chebyshev.chebpts1(_TRACE)
    along, zero = (nodes + 1) / 2, np.zeros(_TRACE)

    def trace(values: Array) -> Array:
        return np.pad(legendre.legfit(nodes, values, _TRACE - 1), (0, size - _TRACE))

    speed = 4 * along * (1 - along) if lid == "parabolic" else np.ones(_TRACE)
    in_y, in_x = [], []
    for place in (zero, zero + 1):
        found = corner_flow(along, place, lid)
        in_y += [trace(-found.value), trace(place * speed - found.y)]
        found = corner_flow(place, along, lid)
        in_x += [trace(-found.value), trace(-found.x)]
    in_x, in_y = np.stack(in_x), np.stack(in_y)
    ends = np.array([-1.0, 1.0])
    at_ends = np.stack(
        [legendre.legval(ends, in_y.T), 2 * legendre.legval(ends, legendre.legder(in_y.T))]
    )
    corner = at_ends.transpose(2, 0, 1).reshape(
        4, 4
    )  # value and slope at 0 and at 1, of each trace
    return hermite.T @ in_x + in_y.T @ hermite - hermite.T @ corner @ hermite
