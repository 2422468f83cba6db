"""Exact solutions of the cases in `experiments/cases`, as functions that take jets."""

from math import pi, sqrt

import numpy as np
import tensorflow as tf


def kirsch(E=1e5, nu=0.3):
    """Return the displacements of the plate in plane stress as a function."""
    shear = E / (2 * (1 + nu))
    kappa = (3 - nu) / (1 + nu)

    def displacements(x, y):
        r2 = x * x + y * y
        # x/r² and y/r² times combinations of cos²θ and sin²θ.
        c2 = (x * x - y * y) / r2
        u = x * (kappa - 1 + 2) + 2 * x / r2 * (1 + kappa + 2 * c2 - 1)
        u = u - 2 * x / (r2 * r2) * (2 * c2 - 1)
        v = y * (kappa - 1 - 2) + 2 * y / r2 * (1 - kappa + 2 * c2 + 1)
        v = v - 2 * y / (r2 * r2) * (2 * c2 + 1)
        return {"u": 10 / (8 * shear) * u, "v": 10 / (8 * shear) * v}

    return displacements


def modes(first, second):
    return tf.exp(-0.25 * first) * (
        tf.sin(pi * first) * tf.cos(sqrt(pi**2 + 17 / 16) * second)
        + 0.5 * (tf.sin(2 * pi * first) * tf.cos(sqrt(4 * pi**2 + 17 / 16) * second))
    )


def damped(t, mu, k):
    omega = sqrt(k - mu**2 / 4)
    return tf.exp(-0.5 * mu * t) * (tf.cos(omega * t) + mu / 2 / omega * tf.sin(omega * t))


def bell(x, y, t):
    square = 25 + 2e-4 * t
    return 25 / square * tf.exp(-0.5 * ((x - 20) * (x - 20) + (y - 20) * (y - 20)) / square)


def doublet(x, y):
    r4 = (x * x + y * y) * (x * x + y * y)
    u = 27.13 - 27.13 * 0.04**2 * ((x * x - y * y) / r4)
    return {"u": u, "v": -27.13 * 0.04**2 * 2 * (x * y / r4)}


def quenched(x, y, t):
    decay = tf.exp(-5e-5 * pi**2 * (1 / 0.04**2 + 1 / 0.02**2) * t)
    return 300 + 700 * (tf.sin(pi / 0.04 * x) * tf.sin(pi / 0.02 * y) * decay)


def bells(x):
    """The stationary density for α = β = σ = ½, whose integral is 1."""
    s = np.linspace(-2.2, 2.2, 5001)
    mass = np.trapezoid(np.exp(2 * s**2 - s**4), s)
    return tf.exp(2 * (x * x) - x * x * x * x) / mass


def fan(x, t):
    """The rarefaction of a gas of pressure and density 1 at rest on the left."""
    speed = sqrt(1.4)
    u = (speed + (x - 0.5) / t) / 1.2
    c = speed - 0.2 * u
    return {"rho": (c / speed) ** 5, "u": u, "p": (c / speed) ** 7}


EXACT = {
    "oscillator_long": ("[−300, 300]", lambda x: {"y": tf.cos(sqrt(2) * x)}, ()),
    "oscillator_stiff": ("k = 2000", lambda t: {"y": damped(t, 4, 2000)}, ()),
    "wave_number": ("both ends given", lambda x: {"u": tf.sin(20 * x)}, ()),
    "paper_ageing": ("clean", lambda t: {"DP": 1 / (1 / 1000 + 2e-6 * t)}, ()),
    "harmonic_inverse": ("40 points, 2 % noise", lambda t: {"y": damped(t, 4, 400)}, ()),
    "critical": ("spring", lambda t: {"x": -3 * t * tf.exp(-7 * t)}, ()),
    "critical 2": ("growth", lambda t: {"u": 1 / (1 + 99 * tf.exp(-1 * t))}, ()),
    "steel_plate": ("30 s", lambda x, y, t: {"T": quenched(x, y, t)}, ("hot",)),
    "flux_rod": ("t ≤ 1", lambda x, t: {"u": t + 0.5 * (x * x) - x}, ("start",)),
    "tiny_time": ("t ≤ 0.003", lambda x, y, t: {"u": bell(x, y, t)}, ("insulated",)),
    "layer": (
        "both ends given",
        lambda x: {"u": 0.1 * tf.sin(5 * pi * x) + tf.exp(-99 - 100 * x)},
        (),
    ),
    "potential_flow": ("steady", lambda x, y: {"phi": x + x / (x * x + y * y)}, ()),
    "wave_coefficients": ("of a solution", lambda x, t: {"u": modes(x, t)}, ()),
    "klein_gordon_mass": (
        "50 points",
        lambda x, t: {"u": tf.sin(pi * x) * tf.cos(sqrt(pi**2 + 4) * t)},
        (),
    ),
    "wrong_sign": ("t ≤ 1", lambda x, t: {"u": tf.sin(pi * x) * tf.cosh(pi * t)}, ()),
    "clamped_beam": ("own weight", lambda x: {"u": -((x * (1 - x)) ** 2) / 24}, ()),
    "beam_wave": ("t ≤ 1", lambda x, t: {"w": tf.cos(pi**2 * t) * tf.sin(pi * x)}, ()),
    "kirsch": ("E = 100000", kirsch(), ()),
    "kirsch 2": ("E = 7.82e+10", kirsch(78.2e9), ()),
    "strain_data": (
        "100 points",
        lambda x: {"u": (1 - tf.cos(3 * x)) / 9},
        (),
    ),
    "sod": ("t ≤ 0.2", fan, ("start_rho", "start_p", "rest", "closed")),
    "potential_inverse": ("sin 5πx", lambda x: {"u": tf.sin(5 * pi * x), "q": x * x}, ()),
    "airfoil_table": ("table", doublet, ()),
    "memory": ("t ≤ 1", lambda x, t: {"u": tf.exp(t)}, ()),
    "sum_source": ("t ≤ 1", lambda x, t: {"y": tf.exp(-1 * t) * tf.sin(x)}, ()),
    "fokker_planck": ("α = 0.5", lambda x: {"p": bells(x)}, ("ends", "norm")),
    "cantilever_load": (
        "unit load",
        lambda x: {"a": x * x * (1.5 - x) / 6, "b": 5 / 48 - x / 8},
        (),
    ),
    "maxwell_pulse": (
        "t ≤ 1.5",
        lambda x, t: {"E": tf.exp(-(((t - x - 0.5) / 0.15) * ((t - x - 0.5) / 0.15)))},
        ("rest", "rest_speed", "open_end", "pulse", "continuity_E"),
    ),
}
"""Per case: a run, its solution by field, and the terms whose start or end it does not have."""
