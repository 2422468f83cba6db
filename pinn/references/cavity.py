"""The driven cavity: steady flow under a moving lid, by Legendre polynomials and Newton."""

# pyright: strict, reportMissingTypeStubs=false
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg
from numpy.polynomial import chebyshev, legendre

from pinn.errors import InputError
from pinn.references.corner import LIDS, Lid, corner_flow, corners
from pinn.references.points import Array, broadcast
from pinn.references.resolutions import two_resolutions

# Polynomials per wall.  The corner functions are analytic there, so that the error is rounding.
_TRACE = 40
_CONTINUATION = (100.0, 400.0, 1000.0, 2000.0)  # Reynolds numbers on the way to a larger one
_CONTINUATION_SIZE = 28  # polynomials per direction on that way
_CONTINUATION_TOLERANCE = 1e-2  # relative size of Newton's last correction on that way
_TOLERANCE = 1e-8  # relative size of Newton's last correction
_REUSE = 2e-2  # below this relative correction the Jacobian is used once more
_ITERATIONS = 60
_RANDOM = 20_000  # points at which two solutions are compared
_linalg: Any = scipy.linalg  # has no annotations


def cavity(x: npt.ArrayLike, y: npt.ArrayLike, Re: float, lid: Lid) -> tuple[Array, Array, Array]:
    """Return u, v and p of the steady flow in 0 < x, y < 1; dimensionless, p up to a constant.

    The lid y = 1 moves with u = 1 ("uniform") or u = 4x(1 - x) ("parabolic"); the other walls are
    at rest.

    Weak form of the vorticity equation for the stream function ψ, with u = ψ_y and v = -ψ_x:

        ∫ Δψ Δφ / Re + ∫ Δψ (u φ_x + v φ_y) = 0    for all φ with φ = φ_n = 0 on the walls.

    ψ is the sum of a singular function per upper corner, a polynomial with the required values and
    slopes on the walls, and products of polynomials that vanish with their slopes on the walls
    (Shen 1994, doi:10.1137/0915089).  The pressure is the least-squares solution of the momentum
    equations, given ψ.  Near an upper corner p grows as log r under the parabolic lid and as 1/r
    under the uniform lid, where it has no L² norm; within 10⁻³ of the corner p is bounded.

    The first call solves, which takes seconds; later calls only evaluate.  `cavity_error` estimates
    the error.

    Args:
        x: positions, any shape that broadcasts against `y`.
        y: heights.
        Re: Reynolds number Re > 0, based on the lid's largest speed and its length.
        lid: "uniform" or "parabolic".

    Raises:
        InputError: for another lid, a Reynolds number that is not positive, or if Newton's method
            diverges.
    """
    if lid not in LIDS:
        raise InputError(f"cavity: lid={lid!r}; choose one of {', '.join(LIDS)}.")
    if not Re > 0:
        raise InputError(f"cavity: Re={Re}; the Reynolds number must be positive.")
    return _flow.fine(float(Re), lid)(x, y)


def cavity_error(Re: float, lid: Lid) -> tuple[float, float, float]:
    """Return the relative L2 errors of u, v and p, estimated by `TwoResolutions.error`."""
    u, v, p = _flow.error(float(Re), lid)
    return float(u), float(v), float(p)


@dataclass(frozen=True)
class _Flow:
    """A flow as the sum of the corner functions and polynomials.

    Attributes:
        stream: Legendre coefficients of the stream function without the corner functions.
        pressure: Legendre coefficients of the pressure without those of the corners.
        Re: Reynolds number.
        lid: "uniform" or "parabolic".
    """

    stream: Array
    pressure: Array
    Re: float
    lid: Lid

    def __call__(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Array, Array, Array]:
        """Return u, v and p at positions that broadcast against each other."""
        x, y = broadcast(x, y)
        degree = len(self.stream) - 1
        legendre_x = legendre.legvander(2 * np.ravel(x) - 1, degree)
        legendre_y = legendre.legvander(2 * np.ravel(y) - 1, degree)

        def polynomial(coefficients: Array) -> Array:
            n, m = coefficients.shape
            in_x = legendre_x[:, :n] @ coefficients
            return np.sum(in_x * legendre_y[:, :m], axis=1).reshape(x.shape)

        singular = corner_flow(x, y, self.lid)
        psi_x = 2 * legendre.legder(self.stream, axis=0)
        psi_y = 2 * legendre.legder(self.stream, axis=1)
        u = singular.y + polynomial(psi_y)
        v = -singular.x - polynomial(psi_x)
        left, right = corners(self.lid)
        p = left.pressure(x, y) / self.Re + right.pressure(x, y) / self.Re
        return u, v, p + polynomial(self.pressure)

    def at_random_points(self) -> Array:
        """Return u, v and p, with mean zero, [3, n]."""
        x, y = np.random.default_rng(0).uniform(0.0, 1.0, (2, _RANDOM))
        u, v, p = self(x, y)
        return np.stack([u, v, p - np.mean(p)])


def _sizes(Re: float) -> tuple[int, int]:
    """Return how many polynomials per direction the fine and the coarse solution have."""
    if Re <= 400:
        return 40, 28
    if Re <= 1000:
        return 48, 36
    return 56, 44


@two_resolutions(fine=0, coarse=1, sample=_Flow.at_random_points)
def _flow(level: int, Re: float, lid: Lid) -> _Flow:
    """Return the flow; level 0 has some 4/3 as many polynomials per direction as level 1."""
    system = _System(_sizes(Re)[level], lid)
    if level == 0:
        # The fine solution starts from the coarse one.
        start = _project(_flow.coarse(Re, lid).stream, system)
    else:
        # The coarse solution starts from flows at lower Reynolds numbers, with fewer polynomials
        # and a larger tolerance.
        small = _System(_CONTINUATION_SIZE, lid)
        start = np.zeros((_CONTINUATION_SIZE, _CONTINUATION_SIZE))
        for lower in _CONTINUATION:
            if lower < Re:
                start = _newton(small, lower, start, _CONTINUATION_TOLERANCE)
        start = _project(small.stream(start), system)
    solution = _newton(system, Re, start, _TOLERANCE)
    return _Flow(system.stream(solution), system.pressure(solution, Re), Re, lid)


def _project(stream: Array, system: _System) -> Array:
    """Return the coefficients [n, n] of a stream function in the basis of a system."""
    remainder = -system.lift
    remainder[: len(stream), : len(stream)] += stream
    inverse = np.linalg.pinv(system.basis)
    size = system.size + 4
    return inverse.T @ remainder[:size, :size] @ inverse


def _newton(system: _System, Re: float, start: Array, tolerance: float) -> Array:
    """Return the coefficients [n, n] for which the weak form vanishes."""
    solution = start
    factors: Any = None
    previous = np.inf
    for _ in range(_ITERATIONS):
        if factors is None:
            jacobian = system.jacobian(solution, Re)
            factors = _linalg.lu_factor(jacobian, overwrite_a=True, check_finite=False)
        residual = system.residual(solution, Re).ravel()
        step: Array = _linalg.lu_solve(factors, residual, check_finite=False)
        step = step.reshape(solution.shape)
        solution = solution - step
        correction = np.linalg.norm(step) / np.linalg.norm(solution)
        if correction <= tolerance:
            return solution
        if not np.linalg.norm(step) < 1e6:
            break
        # Residuals are far cheaper than a Jacobian.  So near the solution the Jacobian is used
        # again as long as the corrections decrease fast.
        if correction > min(_REUSE, 0.2 * previous):
            factors = None
        previous = correction
    raise InputError(
        f"cavity: Newton's method finds no steady flow at Re={Re:g}; "
        "take a smaller Reynolds number."
    )


class _Polynomials(NamedTuple):
    """Functions of one coordinate at the quadrature nodes, [q, n], and their derivatives."""

    value: Array
    first: Array
    second: Array
    third: Array


class _Flux(NamedTuple):
    """Δψ without the corner functions, u and v at the nodes, times the quadrature weights."""

    laplacian: Array
    u: Array
    v: Array


class _System:
    """The weak form on products of `size` polynomials per direction, by Gauss–Legendre rules."""

    def __init__(self, size: int, lid: Lid) -> None:
        self.size = size
        self.basis = _basis(size)
        self.lift = _lift(lid, max(size + 4, _TRACE + 4))

        # Quadrature: nodes per direction, exact for the cubic terms of the weak form.
        nodes, weights = legendre.leggauss(3 * size // 2 + 6)
        self.line_weights = weights[:, None] / 2
        self.weights = np.multiply.outer(weights, weights) / 4

        # Legendre polynomials, basis functions and corner functions at the nodes.
        self.legendre = _legendre(nodes, len(self.lift))
        self.at_nodes = _Polynomials(*(p[:, : size + 4] @ self.basis.T for p in self.legendre))
        x, y = np.meshgrid((nodes + 1) / 2, (nodes + 1) / 2, indexing="ij")
        self.corner = corner_flow(x, y, lid)

        # The matrix of ∫ Δψ Δφ, from integrals in one direction.
        value, _, second, _ = self.at_nodes
        mass = value.T @ (self.line_weights * value)
        mixed = second.T @ (self.line_weights * value)
        bending = second.T @ (self.line_weights * second)
        self.viscous = np.kron(bending, mass) + np.kron(mixed, mixed.T) + np.kron(mixed.T, mixed)
        self.viscous += np.kron(mass, bending)

    def stream(self, coefficients: Array) -> Array:
        """Return ψ's Legendre coefficients without the corner functions."""
        stream = self.lift.copy()
        stream[: self.size + 4, : self.size + 4] += self.basis.T @ coefficients @ self.basis
        return stream

    def _flux(self, coefficients: Array) -> _Flux:
        value, first, second, _ = self.legendre
        stream = self.stream(coefficients)
        laplacian = second @ stream @ value.T + value @ stream @ second.T
        u = value @ stream @ first.T + self.corner.y
        v = -(first @ stream @ value.T + self.corner.x)
        return _Flux(self.weights * laplacian, self.weights * u, self.weights * v)

    def residual(self, coefficients: Array, Re: float) -> Array:
        """Return the weak form for each product of two basis functions, [n, n]."""
        value, first, second, _ = self.at_nodes
        flux = self._flux(coefficients)
        # The corner functions are biharmonic and drop out of ∫ Δψ Δφ.
        viscous = (second.T @ flux.laplacian @ value + value.T @ flux.laplacian @ second) / Re
        # They do count in the convection of Δψ.
        laplacian = flux.laplacian / self.weights + self.corner.xx + self.corner.yy
        convection_x = first.T @ (laplacian * flux.u) @ value
        convection_y = value.T @ (laplacian * flux.v) @ first
        return viscous + convection_x + convection_y

    def jacobian(self, coefficients: Array, Re: float) -> Array:
        """Return the derivatives of the residual by the coefficients, [n², n²]."""
        n = self.size
        value, first, second, _ = self.at_nodes
        flux = self._flux(coefficients)
        laplacian = flux.laplacian + self.weights * (self.corner.xx + self.corner.yy)

        def products(test: Array, trial: Array) -> Array:
            """Return the products [q, n²] of each test function with each trial function."""
            return (test[:, :, None] * trial[:, None, :]).reshape(len(test), -1)

        # Rows are pairs of a test and a trial function in x, columns are pairs in y.
        # The change of Δψ, convected by (u, v):
        jacobian = products(first, second).T @ (flux.u @ products(value, value))
        jacobian += products(first, value).T @ (flux.u @ products(value, second))
        jacobian += products(value, second).T @ (flux.v @ products(first, value))
        jacobian += products(value, value).T @ (flux.v @ products(first, second))
        # Δψ, convected by the change of (u, v):
        jacobian += products(first, value).T @ (laplacian @ products(value, first))
        jacobian -= products(value, first).T @ (laplacian @ products(first, value))
        # Rows become pairs of test functions, columns pairs of trial functions.
        jacobian = jacobian.reshape(n, n, n, n).swapaxes(1, 2).reshape(n * n, n * n)
        jacobian += self.viscous / Re
        return jacobian

    def pressure(self, coefficients: Array, Re: float) -> Array:
        """Return the pressure's Legendre coefficients without those of the corners, [n, n].

        It minimizes ∫ |∇p - F|² for F = ΔU/Re - (U·∇) U, without the part of ΔU/Re that the corner
        functions contribute: this is the gradient of the corners' pressure.
        """
        value, first, second, third = self.legendre
        stream = self.stream(coefficients)
        corner = self.corner

        # The derivatives of ψ.
        x = first @ stream @ value.T + corner.x
        y = value @ stream @ first.T + corner.y
        xx = second @ stream @ value.T + corner.xx
        xy = first @ stream @ first.T + corner.xy
        yy = value @ stream @ second.T + corner.yy

        # The force F.
        viscous_x = (second @ stream @ first.T + value @ stream @ third.T) / Re
        viscous_y = -(third @ stream @ value.T + first @ stream @ second.T) / Re
        force_x = viscous_x - (y * xy - x * yy)
        force_y = viscous_y - (x * xy - y * xx)

        # The normal equations are ∫ ∇p·∇q = ∫ F·∇q for all q.  In the basis of the eigenvectors of
        # the one-dimensional problem they are diagonal.
        q = value[:, : self.size]
        q_slope = first[:, : self.size]
        right = q_slope.T @ (self.weights * force_x) @ q
        right = right + q.T @ (self.weights * force_y) @ q_slope
        stiffness = q_slope.T @ (self.line_weights * q_slope)
        mass = q.T @ (self.line_weights * q)
        eigenvalues, vectors = _linalg.eigh(stiffness, mass)
        total = eigenvalues[:, None] + eigenvalues
        total[0, 0] = np.inf  # leaves out the constant, which is not determined
        return vectors @ ((vectors.T @ right @ vectors) / total) @ vectors.T


def _basis(size: int) -> Array:
    """Return polynomials with zero values and slopes at both ends as Legendre series [n, n + 4]."""
    k = np.arange(size)
    scale = 1 / np.sqrt(2 * (2 * k + 3) ** 2 * (2 * k + 5))
    basis = np.zeros((size, size + 4))
    basis[k, k] = scale
    basis[k, k + 2] = -scale * 2 * (2 * k + 5) / (2 * k + 7)
    basis[k, k + 4] = scale * (2 * k + 3) / (2 * k + 7)
    return basis


def _legendre(nodes: Array, count: int) -> _Polynomials:
    """Return `count` Legendre polynomials at the nodes, with derivatives on the unit interval."""
    identity = np.eye(count)

    def derivative(order: int) -> Array:
        return 2**order * legendre.legval(nodes, legendre.legder(identity, order)).T

    values = legendre.legvander(nodes, count - 1)
    return _Polynomials(values, derivative(1), derivative(2), derivative(3))


def _lift(lid: Lid, size: int) -> Array:
    """Return a polynomial with the values and slopes that ψ needs on the walls, [size, size].

    The result holds Legendre coefficients.  It is the cubic Hermite blending of the data on the
    four walls (Gordon & Hall 1973, doi:10.1007/BF01436298).
    """
    in_x, in_y = _wall_data(lid, size)
    hermite = _hermite(size)
    # The blends of the data on opposite walls share the values and slopes at the corners, which are
    # subtracted once: value and slope at 0 and at 1, of each function of y.
    ends = np.array([-1.0, 1.0])
    values = legendre.legval(ends, in_y.T)
    slopes = 2 * legendre.legval(ends, legendre.legder(in_y.T))
    corner = np.stack([values, slopes]).transpose(2, 0, 1).reshape(4, 4)
    return hermite.T @ in_x + in_y.T @ hermite - hermite.T @ corner @ hermite


def _hermite(size: int) -> Array:
    """Return the cubic Hermite polynomials on the unit interval as Legendre series [4, size].

    They have value 1 at 0, slope 1 at 0, value 1 at 1 and slope 1 at 1, in this order.
    """
    # Monomial coefficients in ξ = 2x - 1.
    monomials = np.array(
        [
            [0.5, -0.75, 0, 0.25],
            [0.125, -0.125, -0.125, 0.125],
            [0.5, 0.75, 0, -0.25],
            [-0.125, -0.125, 0.125, 0.125],
        ]
    )
    hermite = np.zeros((4, size))
    for row, coefficients in zip(hermite, monomials, strict=True):
        row[:4] = legendre.poly2leg(coefficients)
    return hermite


def _wall_data(lid: Lid, size: int) -> tuple[Array, Array]:
    """Return the data on the walls x = 0, 1 and on y = 0, 1 as Legendre series [4, size] each.

    The data are values and slopes of ψ without the corner functions, in the order of `_hermite`.
    """
    nodes = chebyshev.chebpts1(_TRACE)
    along = (nodes + 1) / 2

    def fit(values: Array) -> Array:
        return np.pad(legendre.legfit(nodes, values, _TRACE - 1), (0, size - _TRACE))

    lid_speed = 4 * along * (1 - along) if lid == "parabolic" else np.ones(_TRACE)
    in_x: list[Array] = []
    in_y: list[Array] = []
    for end in (0.0, 1.0):
        at_end = np.full(_TRACE, end)
        # ψ = 0 on all walls; ψ_y is the speed of the lid at y = 1, and all other slopes are zero.
        on_wall_of_y = corner_flow(along, at_end, lid)
        in_y.append(fit(-on_wall_of_y.value))
        in_y.append(fit(end * lid_speed - on_wall_of_y.y))
        on_wall_of_x = corner_flow(at_end, along, lid)
        in_x.append(fit(-on_wall_of_x.value))
        in_x.append(fit(-on_wall_of_x.x))
    return np.stack(in_x), np.stack(in_y)
