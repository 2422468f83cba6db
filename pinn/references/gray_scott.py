"""The Gray–Scott equations from two bells, made periodic: a spectral solution, and its own error."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from scipy.special import erf

from pinn.errors import InputError
from pinn.references.plane import PeriodicRectangle, PlaneFunction, etdrk4_plane

Array = np.ndarray

BELLS = ((-0.05, -0.02), (0.05, 0.02))  # where those of 1 - u and v have their centers
_SHARPNESS = 10.0
_LOWER, _PERIOD = -1.0, 2.0
_FAST = 20.0  # how long v is of the order of one, in units of 1/c; from then on it is about a third
_FIRST, _LATER, _SUBSTEPS = (
    0.4,
    3.2,
    4,
)  # times between two reports, then and later, in the same units; steps between them
_COARSER = 4 / 3
_ROUNDING = 36.0  # e⁻³⁶ is below it


def gray_scott(
    x: Array,
    y: Array,
    t: Array,
    epsilon1: float,
    epsilon2: float,
    b1: float,
    b2: float,
    c1: float,
    c2: float,
    end: float,
) -> tuple[Array, Array]:
    """Return u and v of the Gray–Scott equations, periodic on [-1, 1]²; dimensionless.

        u_t = ε₁ Δu + b₁ (1 - u) - c₁ u v²,  v_t = ε₂ Δv - b₂ v + c₂ u v²
        u = 1 - exp(-10 ((x + 0.05)² + (y + 0.02)²)),  v = exp(-10 ((x - 0.05)² + (y - 0.02)²)) at t
        = 0

    Made periodic, the bells jump by 10⁻⁴ at ±1, where their Fourier series do not converge.  So the
    coefficients are those of the bells themselves, and only what is left of the solution without
    `fading_bell`, what diffusion and the losses b₁, b₂ alone make of them, comes from the series;
    it starts from zero.

    The modes and steps suffice for fronts √(ε₂/b₂) wide; how far that goes, `gray_scott_error`
    tells.  The first call for a set of coefficients solves the equations, which takes some seconds
    up to t = 0.5; later ones evaluate.

    Args:
        x: positions, any shape that broadcasts against `y` and `t`.
        y: positions.
        t: times from 0 to `end`.
        epsilon1: diffusivity ε₁ > 0 of u.
        epsilon2: diffusivity ε₂ > 0 of v.
        b1: rate b₁ > 0 at which u is fed.
        b2: rate b₂ > 0 at which v is lost.
        c1: rate c₁ > 0 of the reaction in u.
        c2: rate c₂ > 0 of the reaction in v.
        end: time up to which the equations are solved.

    Raises:
        InputError: if a coefficient is not positive, or a time lies outside.
    """
    case = (epsilon1, epsilon2, b1, b2, c1, c2, end)
    if not min(case) > 0:
        raise InputError(f"gray_scott: coefficients and end {case}; all must be positive.")
    x, y, t = np.broadcast_arrays(*(np.asarray(c, float) for c in (x, y, t)))
    return _evaluate(_rest(*case, coarseness=1.0), x, y, t, case)


@functools.lru_cache(maxsize=4)
def gray_scott_error(
    epsilon1: float, epsilon2: float, b1: float, b2: float, c1: float, c2: float, end: float
) -> tuple[float, float]:
    """Return the relative L2 distances of u and v from those with 3/4 of the modes and 4/3 of the steps' length.

    As the errors of the coarser ones, they are upper bounds of the errors of the finer.
    """
    case = (epsilon1, epsilon2, b1, b2, c1, c2, end)
    rests = [_rest(*case, coarseness=coarseness) for coarseness in (1.0, _COARSER)]
    x, y, t = rests[0].random_points()
    fine, coarse = (np.stack(_evaluate(rest, x, y, t, case)) for rest in rests)
    u, v = np.linalg.norm(fine - coarse, axis=1) / np.linalg.norm(fine, axis=1)
    return float(u), float(v)


def fading_bell(
    x: Any,
    t: Any,
    center: float,
    epsilon: Any,
    *,
    images: int,
    erf: Any = erf,
    exp: Any = np.exp,
    sqrt: Any = np.sqrt,
) -> Any:
    """Return p with p_t = ε p_xx, p(x, 0) = exp(-10 (x - c)²) on [-1, 1], periodic; dimensionless.

        p = Σ e^{-a (X - c)²/g} (erf(s (1 - m)) + erf(s (1 + m))) / 2√g,  X = x, x ± 2, x ± 4, …
        a = 10,  g = 1 + 4aεt,  m = (X + 4aεt c) / g,  s = √(g / 4εt)

    This is the heat kernel over the bell between -1 and 1, and over its images.  The product of
    those of x and y is the one in the plane.

    Args:
        x: positions in [-1, 1]: NumPy arrays, tensors or jets, with the functions that go with
            them.
        t: times ≥ 0.
        center: center c of the bell.
        epsilon: diffusivity ε.
        images: number of images on each side; see `bell_images`.
        erf: the error function.
        exp: the exponential function.
        sqrt: the square root.
    """
    spread = 4 * epsilon * (t + 1e-30)  # without this, division by zero at t = 0
    growth = 1 + _SHARPNESS * spread
    steepness = sqrt(growth / spread)
    total = 0.0
    for shift in range(-images, images + 1):
        place = x + _PERIOD * shift
        middle = (place + _SHARPNESS * center * spread) / growth
        height = exp(-_SHARPNESS * (place - center) * (place - center) / growth)
        total = total + height * (erf(steepness * (1 - middle)) + erf(steepness * (1 + middle)))
    return total / (2 * sqrt(growth))


def bell_images(epsilon: float, b: float, end: float) -> int:
    """Return how many images `fading_bell` needs, where e^{-bt} goes with it: what the next ones add is rounding.

    The next but n stands at least 2n away and adds e^{-bt - n²/εt}, which is largest at t =
    n/√(bε).
    """
    return max(
        1,
        math.ceil(
            min(_ROUNDING / 2 * math.sqrt(epsilon / b), math.sqrt(_ROUNDING * epsilon * end))
        ),
    )


def _evaluate(
    rest: PlaneFunction, x: Array, y: Array, t: Array, case: tuple[float, ...]
) -> tuple[Array, Array]:
    """Return u and v from what is left of them without the bells."""
    epsilon1, epsilon2, b1, b2, *_, end = case
    found_u, found_v = rest(x, y, t)
    inside = [(c - _LOWER) % _PERIOD + _LOWER for c in (x, y)]

    def bell(centers: tuple[float, float], epsilon: float, b: float) -> Array:
        images = bell_images(epsilon, b, end)
        in_x, in_y = (
            fading_bell(c, t, m, epsilon, images=images)
            for c, m in zip(inside, centers, strict=True)
        )
        return np.exp(-b * t) * in_x * in_y

    return 1 - bell(BELLS[0], epsilon1, b1) - found_u, bell(BELLS[1], epsilon2, b2) + found_v


@functools.lru_cache(maxsize=4)
def _rest(
    epsilon1: float,
    epsilon2: float,
    b1: float,
    b2: float,
    c1: float,
    c2: float,
    end: float,
    *,
    coarseness: float,
) -> PlaneFunction:
    """Return 1 - u and v without the bells; `coarseness` divides the modes and multiplies the steps."""
    # A front is √(ε₂/b₂) wide, and the reaction takes a time of 1/c; `gray_scott_error` judges the
    # factors.
    modes = int(max(31.0, 2 * math.sqrt(b2 / epsilon2)) / coarseness)
    plane = PeriodicRectangle((_LOWER, _LOWER), (_PERIOD, _PERIOD), (modes, modes))
    times = _times(end * max(c1, c2), coarseness) / max(c1, c2)
    k_x, k_y = plane.wavenumbers
    square = k_x**2 + k_y**2

    def bell(center: float) -> Any:
        return lambda x: np.exp(-_SHARPNESS * (x - center) ** 2)

    start = np.stack([plane.product(*map(bell, center)) for center in BELLS])
    linear = np.stack([-epsilon1 * square - b1, -epsilon2 * square - b2])
    found = etdrk4_plane(
        start,
        times,
        plane=plane,
        linear=linear,
        nonlinear=lambda w: ((1 - w[0]) * w[1] ** 2)[None],
        outer=np.array([c1, c2])[:, None, None],
        substeps=_SUBSTEPS,
    )
    found -= start * np.exp(linear * times[:, None, None, None])
    return PlaneFunction(plane, times, found)


def _times(end: float, coarseness: float) -> Array:
    """Return the times of the reports up to `end`, in units of 1/c: dense while v is of the order of one."""
    fast = min(_FAST, end)
    first = np.linspace(0, fast, max(8, math.ceil(fast / (_FIRST * coarseness))) + 1)
    later = np.linspace(fast, end, math.ceil((end - fast) / (_LATER * coarseness)) + 1)
    return np.concatenate([first, later[1:]])
