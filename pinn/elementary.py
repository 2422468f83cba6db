"""Derivatives of elementary functions up to fourth order: what a truncated Taylor number needs to pass through."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

import tensorflow as tf

MAX_ORDER = 4


# π/2 in three parts whose products with whole numbers below 2²⁰ are exact, and the coefficients of
# sine and cosine on [-π/4, π/4] with errors below 2⁻⁵⁸: those of fdlibm (Sun Microsystems 1993,
# k_sin.c, k_cos.c).
_HALF_PI = (1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
_SINE = (
    *(-1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04),
    *(2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10),
)
_COSINE = (
    *(4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05),
    *(-2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11),
)


@tf.custom_gradient
def sine_cosine(z: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Any]:
    """Return sin z and cos z, for |z| up to 10⁵ to the last bits.

    XLA's CPU backend calls a scalar library function for each in double precision; these
    operations, without a branch, become vector instructions and cost together what one tanh costs.
    """
    s, c = _polynomials(z) if z.dtype == tf.float64 else (tf.sin(z), tf.cos(z))
    return (s, c), lambda ds, dc: ds * c - dc * s


def _pair(z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    found: Any = sine_cosine(z)  # custom_gradient hides its function's type
    return found


def _polynomials(z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    quarters = tf.floor(z * (2 / pi) + 0.5)
    r = z
    for piece in _HALF_PI:
        r = r - quarters * piece
    r2 = r * r
    sine, cosine = tf.zeros_like(r), tf.zeros_like(r)
    for a, b in zip(reversed(_SINE), reversed(_COSINE), strict=True):
        sine, cosine = sine * r2 + a, cosine * r2 + b
    sine, cosine = r + r * r2 * sine, 1 - (0.5 * r2 - r2 * r2 * cosine)
    odd = 2 * _fraction(0.5 * quarters)  # 0 or 1: whether sine and cosine change places
    sign_s = 1 - 2 * tf.floor(2 * _fraction(0.25 * quarters))
    sign_c = 1 - 2 * tf.floor(2 * _fraction(0.25 * quarters + 0.25))
    # Divided by the sign, not multiplied: XLA takes a division to be dear and does not compute it
    # anew for every use, while it would copy the rest of these operations into each loop that reads
    # a sine.
    return (sine + odd * (cosine - sine)) / sign_s, (cosine + odd * (sine - cosine)) / sign_c


def _fraction(z: tf.Tensor) -> tf.Tensor:
    return z - tf.floor(z)


def _tanh(z: tf.Tensor) -> list[tf.Tensor]:
    a = tf.tanh(z)
    b = 1 - a * a
    return [a, b, -2 * a * b, b * (6 * a * a - 2), a * b * (16 - 24 * a * a)]


def _sigmoid(z: tf.Tensor) -> list[tf.Tensor]:
    s = tf.sigmoid(z)
    b = s * (1 - s)
    c = 1 - 2 * s
    return [s, b, b * c, b * (1 - 6 * b), b * c * (1 - 12 * b)]


def _softplus(z: tf.Tensor) -> list[tf.Tensor]:
    return [tf.math.softplus(z), *_sigmoid(z)[:-1]]


def _swish(z: tf.Tensor) -> list[tf.Tensor]:
    s = _sigmoid(z)
    return [z * s[0], *(k * s[k - 1] + z * s[k] for k in range(1, MAX_ORDER + 1))]


def _gelu(z: tf.Tensor) -> list[tf.Tensor]:
    cdf = 0.5 * (1 + tf.math.erf(z * 2**-0.5))
    pdf = tf.exp(-0.5 * z * z) * (2 * pi) ** -0.5
    return [
        z * cdf,
        cdf + z * pdf,
        pdf * (2 - z * z),
        pdf * z * (z * z - 4),
        pdf * (-(z**4) + 7 * z * z - 4),
    ]


def _erf(z: tf.Tensor) -> list[tf.Tensor]:
    g = 2 * pi**-0.5 * tf.exp(-z * z)
    return [tf.math.erf(z), g, -2 * z * g, (4 * z * z - 2) * g, (12 * z - 8 * z**3) * g]


def _sin(z: tf.Tensor) -> list[tf.Tensor]:
    s, c = _pair(z)
    return [s, c, -s, -c, s]


def _cos(z: tf.Tensor) -> list[tf.Tensor]:
    s, c = _pair(z)
    return [c, -s, -c, s, c]


def _sinh(z: tf.Tensor) -> list[tf.Tensor]:
    s, c = tf.sinh(z), tf.cosh(z)
    return [s, c, s, c, s]


def _cosh(z: tf.Tensor) -> list[tf.Tensor]:
    s, c = tf.sinh(z), tf.cosh(z)
    return [c, s, c, s, c]


def _exp(z: tf.Tensor) -> list[tf.Tensor]:
    return [tf.exp(z)] * (MAX_ORDER + 1)


def _log(z: tf.Tensor) -> list[tf.Tensor]:
    return [tf.math.log(z), 1 / z, -(z**-2), 2 * z**-3, -6 * z**-4]


def _atan(z: tf.Tensor) -> list[tf.Tensor]:
    q = 1 / (1 + z * z)
    return [tf.atan(z), q, -2 * z * q**2, (6 * z * z - 2) * q**3, 24 * z * (1 - z * z) * q**4]


RULES: dict[str, Callable[[tf.Tensor], list[tf.Tensor]]] = {
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "silu": _swish,
    "swish": _swish,
    "gelu": _gelu,
    "erf": _erf,
    "sin": _sin,
    "cos": _cos,
    "sinh": _sinh,
    "cosh": _cosh,
    "exp": _exp,
    "exponential": _exp,
    "log": _log,
    "atan": _atan,
}
"""Function by name (TensorFlow's, or Keras' for an activation): value -> [f, f', f'', f''', f'''']."""
