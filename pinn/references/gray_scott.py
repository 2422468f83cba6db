"""The Gray–Scott equations from two bells: a spectral solution and its error."""

# pyright: strict, reportMissingTypeStubs=false
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import erf

from pinn.arrays import Quantity
from pinn.errors import InputError
from pinn.references.etdrk4 import Function, etdrk4
from pinn.references.plane import PeriodicRectangle, PlaneFunction
from pinn.references.points import Array, Elementwise, broadcast
from pinn.references.resolutions import two_resolutions

BELLS = ((-0.05, -0.02), (0.05, 0.02))  # centers of the bells of 1 - u and v
_SHARPNESS = 10.0
_LOWER = -1.0
_PERIOD = 2.0
# Times in units of 1/c.
_FAST = 20.0  # v is of the order of one up to this time; afterwards it is about a third
_FAST_INTERVAL = 0.4  # between two stored times up to `_FAST`
_LATER_INTERVAL = 3.2  # between two stored times afterwards
_SUBSTEPS = 4  # steps between two stored times
_ROUNDING = 36.0  # e⁻³⁶ is below rounding


def gray_scott(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    t: npt.ArrayLike,
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
        u(x, y, 0) = 1 - exp(-10 ((x + 0.05)² + (y + 0.02)²))
        v(x, y, 0) = exp(-10 ((x - 0.05)² + (y - 0.02)²))

    The periodic extensions of the bells jump by 10⁻⁴ at ±1, where their Fourier series do not
    converge.  So the coefficients of the bells are computed by `project`, and the Fourier series
    represents only the remainder, which starts from zero: the solution without the bells as
    diffusion (`fading_bell`) and the losses b₁ and b₂ alone would change them.

    Modes and steps are chosen for fronts √(ε₂/b₂) wide; `gray_scott_error` estimates the error.
    The first call for a set of coefficients solves the equations, which takes some seconds up to
    t = 0.5; later calls only evaluate.

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
    case = _Case(epsilon1, epsilon2, b1, b2, c1, c2, end)
    if not min(case) > 0:
        raise InputError(f"gray_scott: coefficients and end {tuple(case)}; all must be positive.")
    u, v = _solution.fine(case)(*broadcast(x, y, t))
    return u, v


def gray_scott_error(
    epsilon1: float, epsilon2: float, b1: float, b2: float, c1: float, c2: float, end: float
) -> tuple[float, float]:
    """Return the relative L2 errors of u and v, estimated by `TwoResolutions.error`."""
    u, v = _solution.error(_Case(epsilon1, epsilon2, b1, b2, c1, c2, end))
    return float(u), float(v)


def fading_bell(
    x: Quantity,
    t: Quantity,
    center: float,
    epsilon: Quantity,
    *,
    images: int,
    erf: Elementwise = erf,
    exp: Elementwise = np.exp,
    sqrt: Elementwise = np.sqrt,
) -> Any:
    """Return p with p_t = ε p_xx, p(x, 0) = exp(-10 (x - c)²) on [-1, 1], periodic; dimensionless.

        p = Σ e^{-a (X - c)²/g} (erf(s (1 - m)) + erf(s (1 + m))) / 2√g,  X = x, x ± 2, x ± 4, …
        a = 10,  g = 1 + 4aεt,  m = (X + 4aεt c) / g,  s = √(g / 4εt)

    This is the convolution of the heat kernel with the bell between -1 and 1 and with its images.
    The bell in the plane is the product of one in x and one in y.

    Args:
        x: positions in [-1, 1]: NumPy arrays, tensors or jets, with the functions of their own
            library below.
        t: times ≥ 0.
        center: center c of the bell.
        epsilon: diffusivity ε.
        images: number of images on each side; see `bell_images`.
        erf: the error function.
        exp: the exponential function.
        sqrt: the square root.
    """
    spread = 4 * epsilon * (t + 1e-30)  # 1e-30 avoids a division by zero at t = 0
    growth = 1 + _SHARPNESS * spread
    steepness = sqrt(growth / spread)
    total = 0.0
    for shift in range(-images, images + 1):
        X = x + _PERIOD * shift
        middle = (X + _SHARPNESS * center * spread) / growth
        height = exp(-_SHARPNESS * (X - center) * (X - center) / growth)
        total = total + height * (erf(steepness * (1 - middle)) + erf(steepness * (1 + middle)))
    return total / (2 * sqrt(growth))


def bell_images(epsilon: float, b: float, end: float) -> int:
    """Return how many images per side `fading_bell` needs when it is multiplied by e^{-bt}.

    The n-th image that is left out is at least 2n away and adds e^{-bt - n²/εt}, which is largest
    at t = n/√(bε).  The images that are left out contribute less than rounding.
    """
    at_largest = _ROUNDING / 2 * math.sqrt(epsilon / b)
    at_end = math.sqrt(_ROUNDING * epsilon * end)
    return max(1, math.ceil(min(at_largest, at_end)))


class _Case(NamedTuple):
    """The coefficients of the equations, and the time up to which they are solved."""

    epsilon1: float
    epsilon2: float
    b1: float
    b2: float
    c1: float
    c2: float
    end: float


@dataclass(frozen=True)
class _Solution:
    """u and v as the sum of the fading bells and a smooth remainder."""

    case: _Case
    remainder: PlaneFunction

    def __call__(self, x: Array, y: Array, t: Array) -> tuple[Array, Array]:
        case = self.case
        remainder_u, remainder_v = self.remainder(x, y, t)
        bell_u = _plane_bell(x, y, t, BELLS[0], case.epsilon1, case.b1, case.end)
        bell_v = _plane_bell(x, y, t, BELLS[1], case.epsilon2, case.b2, case.end)
        return 1 - bell_u - remainder_u, bell_v + remainder_v

    def at_random_points(self) -> Array:
        return np.stack(self(*self.remainder.random_points()))


def _plane_bell(
    x: Array,
    y: Array,
    t: Array,
    center: tuple[float, float],
    epsilon: float,
    b: float,
    end: float,
) -> Array:
    """Return the bell in the plane, which diffuses and is lost at the rate b."""
    images = bell_images(epsilon, b, end)
    in_x = fading_bell(_in_period(x), t, center[0], epsilon, images=images)
    in_y = fading_bell(_in_period(y), t, center[1], epsilon, images=images)
    return np.exp(-b * t) * in_x * in_y


def _in_period(x: Array) -> Array:
    """Return positions shifted by whole periods into [-1, 1)."""
    return (x - _LOWER) % _PERIOD + _LOWER


def _bell(center: float) -> Function:
    return lambda x: np.exp(-_SHARPNESS * (x - center) ** 2)


@two_resolutions(fine=1.0, coarse=4 / 3, sample=_Solution.at_random_points)
def _solution(coarseness: float, case: _Case) -> _Solution:
    """Return u and v; `coarseness` divides the modes and multiplies the steps."""
    epsilon1, epsilon2, b1, b2, c1, c2, end = case
    # A front is √(ε₂/b₂) wide, and the time scale of the reaction is 1/c.  `gray_scott_error`
    # shows that the factors suffice.
    modes = int(max(31.0, 2 * math.sqrt(b2 / epsilon2)) / coarseness)
    plane = PeriodicRectangle((_LOWER, _LOWER), (_PERIOD, _PERIOD), (modes, modes))
    times = _times(end * max(c1, c2), coarseness) / max(c1, c2)
    k_x, k_y = plane.wavenumbers
    square = k_x**2 + k_y**2

    def reaction(fields: Array) -> Array:
        one_minus_u, v = fields
        return ((1 - one_minus_u) * v**2)[None]

    # Solve for 1 - u and v, which vanish at rest.
    start = np.stack([plane.product(_bell(x), _bell(y)) for x, y in BELLS])
    linear = np.stack([-epsilon1 * square - b1, -epsilon2 * square - b2])
    coefficients = etdrk4(
        start,
        times,
        linear=linear,
        nonlinear=plane.pseudospectral(reaction, outer=np.array([c1, c2])[:, None, None]),
        substeps=_SUBSTEPS,
    )
    # Subtract the series of the fading bells, whose modes decay exponentially in time.
    coefficients -= start * np.exp(linear * times[:, None, None, None])
    return _Solution(case, PlaneFunction(plane, times, coefficients))


def _times(end: float, coarseness: float) -> Array:
    """Return the stored times up to `end` in units of 1/c, dense while v is of the order of one."""
    fast = min(_FAST, end)
    first = np.linspace(0, fast, max(8, math.ceil(fast / (_FAST_INTERVAL * coarseness))) + 1)
    later = np.linspace(fast, end, math.ceil((end - fast) / (_LATER_INTERVAL * coarseness)) + 1)
    return np.concatenate([first, later[1:]])
