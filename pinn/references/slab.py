"""A slab that warms up through a film: eigenfunctions of the Robin problem, and Duhamel's theorem.

Carslaw & Jaeger (1959), Conduction of Heat in Solids, 2nd edition, §3.11.
"""

from __future__ import annotations

import numpy as np

from pinn.arrays import Array

TERMS = 120  # of the series, whose terms fall with the sixth power of their number
STEPS = 60  # of bisection, after which an eigenvalue is exact to rounding


def eigenvalues(biot: Array) -> Array:
    """Return the solutions β [n, terms] of β tan β = h/k, for Biot numbers h/k [n] > 0.

    There is one between π m and π (m + ½), for every m = 0, 1, …  Bisection.
    """
    low = np.tile(np.pi * np.arange(TERMS), (len(biot), 1))
    high = low + np.pi / 2
    for _ in range(STEPS):
        middle = (low + high) / 2
        # β sin β − (h/k) cos β has one sign left of the eigenvalue, and is finite everywhere.
        value = middle * np.sin(middle) - biot[:, None] * np.cos(middle)
        above = value * np.where(np.arange(TERMS) % 2, -1, 1) > 0
        high = np.where(above, middle, high)
        low = np.where(above, low, middle)
    return (low + high) / 2


def slab_in_oven(x: Array, t: Array, *, k: Array | float, h: Array | float) -> Array:
    """Return the temperature [n] of a slab in an oven at (1 − cos πt)/2; dimensionless.

        u_t = k u_xx,  u(x, 0) = 0,  u_x(0, t) = 0,  k u_x(1, t) = h ((1 − cos πt)/2 − u(1, t))

    With a the oven's temperature and λ = kβ², the solution is

        u = a − a' G + Σ c cos(βx) (π²/2) (π sin(πt)/λ + cos πt − e^{−λt}) / (λ² + π²),

    where 1 = Σ c cos(βx), and G = (1 − x²)/(2k) + 1/h solves −k G'' = 1.  To take the slowest part
    of the series out, as a' G, lets its terms fall with β⁻⁶.

    Args:
        x: positions [n] in [0, 1].
        t: times [n].
        k: conductivity, a number or [n].
        h: heat-transfer coefficient, a number or [n].
    """
    x, t, k, h = np.broadcast_arrays(x, t, k, h)
    pairs, index = np.unique(np.stack([k, h], -1), axis=0, return_inverse=True)
    beta = eigenvalues(pairs[:, 1] / pairs[:, 0])[index.ravel()]
    coefficient = 2 * np.sin(beta) / (beta + np.sin(beta) * np.cos(beta))
    rate = k[:, None] * beta**2
    sine = np.sin(np.pi * t)
    cosine = np.cos(np.pi * t)
    memory = np.pi * sine[:, None] / rate + cosine[:, None] - np.exp(-rate * t[:, None])
    series = coefficient * np.cos(beta * x[:, None]) * memory / (rate**2 + np.pi**2)
    slow = (1 - x**2) / (2 * k) + 1 / h
    return (1 - cosine) / 2 - np.pi / 2 * sine * slow + np.pi**2 / 2 * np.sum(series, axis=1)
