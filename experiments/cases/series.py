"""Right values by series and formulas, in the units of their cases.

The functions take a point's coordinates as numbers and return a number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import pi, sqrt
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfc

TERMS = 400  # of a series


def nafems_t4(x: float, y: float) -> float:
    """Return the temperature in the plate with convection, by eigenfunctions cos βx.

    β tan 0.6β = H with H = h/k, and the factor in y goes from 1 to a convecting end.
    """
    ratio = 750 / 52
    beta = _convecting_modes(0.6 * ratio) / 0.6
    mean = np.sin(0.6 * beta) / beta
    square = 0.3 + np.sin(1.2 * beta) / (4 * beta)
    # β cosh β(1 − y) + H sinh β(1 − y), and its value at y = 0, both over e^{β}/2.
    factor = (beta + ratio) * np.exp(-beta * y) + (beta - ratio) * np.exp(-beta * (2 - y))
    bottom = (beta + ratio) + (beta - ratio) * np.exp(-2 * beta)
    return float(np.sum(100 * mean / square * np.cos(beta * x) * factor / bottom))


@cache
def _convecting_modes(ratio: float) -> np.ndarray:
    """Return the positive roots of a tan a = ratio."""
    roots = []
    for n in range(TERMS):
        roots.append(root(lambda a: a * np.sin(a) - ratio * np.cos(a), n * pi, (n + 0.5) * pi))
    return np.array(roots)


def root(function: Callable[[float], float], lower: float, upper: float) -> float:
    """Return the zero of a function between two numbers."""
    zero: Any = brentq(function, lower, upper, xtol=1e-13)
    return float(zero)


def hot_lid(x: float, y: float, t: float) -> float:
    """Return the temperature under the hot lid: the steady series less a decaying one."""
    m = np.arange(1, TERMS, 2)
    n = np.arange(1, TERMS)[:, None]
    steady = np.exp(-m * pi * (1 - y)) * (1 - np.exp(-2 * m * pi * y))
    steady = steady / (1 - np.exp(-2 * m * pi))
    shares = -2 * n * (-1.0) ** n / (pi * (m**2 + n**2)) * np.sin(n * pi * y)
    decaying = np.sum(shares * np.exp(-15 * pi**2 * (m**2 + n**2) * t), axis=0)
    return float(np.sum(400 / (m * pi) * np.sin(m * pi * x) * (steady - decaying)))


def steel_plate(x: float, y: float, t: float) -> float:
    """Return the temperature of the quenched plate: a product of two sine series."""
    n = np.arange(1, TERMS, 2)
    product = 1.0
    for at, length in ((x, 0.04), (y, 0.02)):
        decay = np.exp(-200 / (8000 * 500) * (n * pi / length) ** 2 * t)
        product *= np.sum(4 / (n * pi) * np.sin(n * pi * at / length) * decay)
    return float(300 + 700 * product)


def flux_rod(x: float, t: float) -> float:
    """Return the temperature of the rod with a flux into one end."""
    n = np.arange(1, TERMS)
    waves = 2 / (n * pi) ** 2 * np.cos(n * pi * x) * np.exp(-((n * pi) ** 2) * t)
    return float(t + x**2 / 2 - x + 1 / 3 - np.sum(waves))


def bioheat(x: float, t: float) -> float:
    """Return the temperature in the half space of tissue."""
    spread = x / (2 * sqrt(t))
    falling = np.exp(-x) * erfc(spread - sqrt(t))
    rising = np.exp(x) * erfc(spread + sqrt(t))
    return float((falling + rising) / 2)


def corner(x: float, t: float) -> float:
    """Return the diffusion with drift: the steady state less a sine series times e^{−x/2 − t/4}."""
    n = np.arange(1, TERMS)
    k = n * pi / 10
    steady = (1 - np.exp(-x)) / (1 - np.exp(-10))
    share = 2 / 5 * (-1.0) ** n * k * np.sinh(5) / (k**2 + 0.25) / (1 - np.exp(-10))
    waves = share * np.sin(k * x) * np.exp(-(k**2) * t)
    return float(steady + np.exp(-x / 2 - t / 4) * np.sum(waves))


def chip(x: float, y: float) -> float:
    """Return the temperature of the plate with a cooled top and a chip on a third of its bottom."""
    n = np.arange(1, TERMS)
    share = 2 / (n * pi) * (np.sin(2 * n * pi / 3) - np.sin(n * pi / 3))
    fall = np.exp(-n * pi * y) * (1 - np.exp(-2 * n * pi * (1 - y))) / (1 + np.exp(-2 * n * pi))
    return float((1 - y) / 3 + np.sum(share / (n * pi) * np.cos(n * pi * x) * fall))


def beam_si(x: float, t: float) -> float:
    """Return the deflection of the beam under its oscillating load, by its modes, in m."""
    n = np.arange(1, TERMS, 2)
    omega = (n * pi / 0.5) ** 2 * sqrt(666.67 / 3.14)
    drive = 20 * pi
    amplitude = 4 * 5e4 / (n * pi) / 3.14 / (omega**2 - drive**2)
    motion = np.sin(drive * t) - drive / omega * np.sin(omega * t)
    return float(np.sum(amplitude * motion * np.sin(n * pi * x / 0.5)))


def kirsch(y: float) -> float:
    """Return σxx above the hole at (0, y), in Pa, for a tension of 10 Pa."""
    return 10 * (1 + 1 / (2 * y**2) + 3 / (2 * y**4))


def layered_wall(x: float) -> float:
    """Return the temperature, °C, in the wall of three layers, by their resistances."""
    drops = np.cumsum([0.0, 0.1 / 1.0, 0.2 / 0.04, 0.1 / 0.8])
    return float(np.interp(x, [0.0, 0.1, 0.3, 0.4], 20 - 30 * drops / drops[-1]))


def dielectric(x: float, y: float) -> float:
    """Return the potential of a disk of ε = 6 in a uniform field: −2x/7 inside."""
    square = x * x + y * y
    return -2 / 7 * x if square < 1 else -x + 5 / 7 * x / square
