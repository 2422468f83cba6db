"""Right values that need a solver: differential equations, periodic ones, multipoles, a shock.

Every function takes coordinates or times and returns values in the units of its case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import h1vp, hankel1, jv, jvp
from series import root

from pinn.references.etdrk4 import etdrk4, project, pseudospectral, sample, wavenumbers

Rates = Callable[[float, np.ndarray], Sequence[float] | np.ndarray]
"""The slopes [k] of y from a time and y [k]."""

Field = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Values [n] from x [n] and y [n]."""


def trajectory(rates: Rates, start: Sequence[float] | np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the solution [k, n] of y′ = rates(t, y) at increasing times, the first is the start's.

    Tolerances are 1e-11 of each component's own scale.
    """
    solved = solve_ivp(
        rates,
        (times[0], times[-1]),
        np.asarray(start, float),
        t_eval=times,
        method="DOP853",
        rtol=1e-11,
        atol=1e-12 * np.maximum(np.abs(start), 1.0),
    )
    return solved.y


def pendulum(times: np.ndarray) -> np.ndarray:
    """Return the angle [n] of the pendulum from 1 at rest."""
    return trajectory(lambda _, y: (y[1], -np.sin(y[0])), (1.0, 0.0), times)[0]


def sir(days: np.ndarray) -> np.ndarray:
    """Return S, I and R [3, n] on days from 1 on."""

    def rates(_: float, y: np.ndarray) -> tuple[float, float, float]:
        infections = 0.5 * y[0] * y[1] / 7_900_010
        return -infections, infections - 0.33 * y[1], 0.33 * y[1]

    return trajectory(rates, (7_900_000, 10, 0), days)


def reactor(coolant: float, times: np.ndarray) -> np.ndarray:
    """Return concentration and temperature [2, n] of the stirred tank."""

    def rates(_: float, y: np.ndarray) -> tuple[float, float]:
        c, temperature = y
        reaction = 7.2e10 * np.exp(-8750 / temperature) * c
        heating = 5e4 / (1000 * 0.239) * reaction
        cooling = 5e4 / (100 * 1000 * 0.239) * (temperature - coolant)
        return 1 - c - reaction, 350 - temperature + heating - cooling

    return trajectory(rates, (0.877253, 324.4754), times)


def cahn_hilliard(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x [256] and h [256, k] at times from 0 on, by Fourier's method.

    The linear operator gets 0.02 h_xx from the nonlinear one, against which it is stable.
    """

    def start(x: np.ndarray) -> np.ndarray:
        return np.cos(pi * x) - np.exp(-4 * (pi * x) ** 2)

    k2 = wavenumbers(256, 2.0) ** 2
    solved = etdrk4(
        project(start, lower=-1.0, length=2.0, modes=256),
        times,
        linear=-0.02 * k2 - 1e-6 * k2**2,
        nonlinear=pseudospectral(lambda h: 0.01 * (h**3 - 3 * h), outer=-k2, degree=3),
        substeps=1000,
    )
    return -1 + 2 * np.arange(256) / 256, sample(solved, 256).T


def fisher_ring(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x [64] and u [64, k] of the reaction on a ring at times from 0 on."""

    def start(x: np.ndarray) -> np.ndarray:
        return np.exp(-((x - pi) ** 2) / (2 * (pi / 4) ** 2))

    solved = etdrk4(
        project(start, lower=0.0, length=2 * pi, modes=64),
        times,
        linear=-4 * wavenumbers(64, 2 * pi) ** 2,
        nonlinear=pseudospectral(lambda u: 5 * u * (1 - u)),
        substeps=200,
    )
    return 2 * pi * np.arange(64) / 64, sample(solved, 64).T


def blood(times: np.ndarray, modes: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Return x [n] and A [n, k] of the bump in the vessel, at times from 0 on."""
    x = -1 + 2 * np.arange(modes) / modes
    k = pi * np.arange(modes // 2 + 1)

    def slope(f: np.ndarray) -> np.ndarray:
        return np.fft.irfft(1j * k * np.fft.rfft(f), modes)

    def rates(_: float, y: np.ndarray) -> np.ndarray:
        area, speed = np.split(y, 2)
        return np.concatenate([-slope(area * speed), -slope(speed**2 / 2 + 2 * np.sqrt(area))])

    start = np.concatenate([1 + 0.05 * np.exp(-((x / 0.15) ** 2)), np.zeros(modes)])
    return x, trajectory(rates, start, times)[:modes]


def sod() -> dict[str, float]:
    """Return pressure, speed, both densities between the waves, and the shock, by Toro's method."""
    gamma = 1.4

    def speed_left(p: float) -> float:
        return 2 / (gamma - 1) * gamma**0.5 * (1 - p ** ((gamma - 1) / (2 * gamma)))

    def speed_right(p: float) -> float:
        resistance = 2 / ((gamma + 1) * 0.125) / (p + (gamma - 1) / (gamma + 1) * 0.1)
        return (p - 0.1) * resistance**0.5

    p = root(lambda p: speed_left(p) - speed_right(p), 0.1, 1.0)
    ratio = p / 0.1
    step = (gamma - 1) / (gamma + 1)
    strength = (gamma + 1) / (2 * gamma) * ratio + (gamma - 1) / (2 * gamma)
    return {
        "p": p,
        "u": speed_left(p),
        "rho left": p ** (1 / gamma),
        "rho right": 0.125 * (ratio + step) / (step * ratio + 1),
        "shock": 0.5 + 0.2 * (gamma * 0.1 / 0.125 * strength) ** 0.5,
    }


def american_put(spot: float, steps: int = 4000) -> float:
    """Return the value of the put with a year left, by the tree of Cox, Ross and Rubinstein."""
    step = 1 / steps
    up = np.exp(0.2 * step**0.5)
    growth = np.exp(0.05 * step)
    rises = (growth - 1 / up) / (up - 1 / up)
    payoff = np.maximum(1 - spot * up ** np.arange(-steps, steps + 1.0), 0)
    values = payoff[::2]
    for left in range(steps, 0, -1):
        kept = (rises * values[1:] + (1 - rises) * values[:-1]) / growth
        first = steps - left + 1
        values = np.maximum(kept, payoff[first : first + 2 * left : 2])
    return float(values[0])


def scattered(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the wave [n] that a sound-hard disk of radius π/4 scatters from e^{2ix}."""
    n = np.arange(-30, 31)[:, None]
    modes = -(1j**n) * jvp(n, pi / 2) / h1vp(n, pi / 2) * hankel1(n, 2 * np.hypot(x, y))
    return np.sum(modes * np.exp(1j * n * np.arctan2(y, x)), axis=0)


def absorbed(orders: int = 24) -> Field:
    """Return the scattered wave where the box [−π, π]² has the condition u_n = 2iu.

    It is the series plus Σ cₙ (Jₙ(2r) − Jₙ′/Hₙ′ Hₙ(2r)) cos nθ, which leaves the disk sound-hard;
    the cₙ fit the condition on the box by least squares.
    """
    along = np.polynomial.legendre.leggauss(120)[0] * pi
    side = np.full_like(along, pi)
    # The wave is even in y, so the upper half of the box is enough.
    bx = np.concatenate([side, -side, along])
    by = np.concatenate([along, along, side])
    nx = np.repeat([1.0, -1.0, 0.0], 120)
    ny = np.repeat([0.0, 0.0, 1.0], 120)
    h = 1e-5

    def condition(f: Field) -> np.ndarray:
        # Central differences of fourth order.
        near = f(bx + h * nx, by + h * ny) - f(bx - h * nx, by - h * ny)
        far = f(bx + 2 * h * nx, by + 2 * h * ny) - f(bx - 2 * h * nx, by - 2 * h * ny)
        return (8 * near - far) / (12 * h) - 2j * f(bx, by)

    def mode(n: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        r = np.hypot(x, y)
        radial = jv(n, 2 * r) - jvp(n, pi / 2) / h1vp(n, pi / 2) * hankel1(n, 2 * r)
        # Divided by the size of Jₙ at the box, for the least squares' sake.
        return radial * np.cos(n * np.arctan2(y, x)) / jv(n, max(2 * pi, n))

    columns = np.stack([condition(lambda a, b, n=n: mode(n, a, b)) for n in range(orders)], axis=1)
    c = np.linalg.lstsq(columns, -condition(scattered), rcond=None)[0]

    def wave(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return scattered(x, y) + sum(c[n] * mode(n, x, y) for n in range(orders))

    return wave


def electrodes(orders: int = 20) -> Field:
    """Return the potential between the electrodes, by multipoles and a polynomial.

    φ = Re Σ aₙ z^n + in each disk b₀ log|z − c| + Re Σ bₙ (R/(z − c))^n; the coefficients, real by
    the symmetry in y, fit the conditions by least squares.
    """
    disks = ((-0.5, 0.2), (0.5, 0.1))

    def columns(z: np.ndarray) -> np.ndarray:
        found = [(z / 2**0.5) ** n for n in range(2 * orders)]
        for center, radius in disks:
            found.append(np.log(np.abs(z - center)))
            found += [(radius / (z - center)) ** n for n in range(1, orders)]
        return np.real(np.stack(found, axis=1))

    along = np.polynomial.legendre.leggauss(200)[0]
    angle = 1j * pi * (np.arange(100) + 0.5) / 100
    square = np.concatenate([1 + 1j * along, -1 + 1j * along, along + 1j])
    circles = [center + radius * np.exp(angle) for center, radius in disks]
    points = np.concatenate([square, *circles])
    values = np.repeat([0.0, 1.0, -1.0], [len(square), 100, 100])
    coefficients = np.linalg.lstsq(columns(points), values, rcond=None)[0]
    return lambda x, y: columns(x + 1j * y) @ coefficients
