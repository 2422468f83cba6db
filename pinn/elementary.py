# pyright: strict, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
"""Elementary functions and their derivatives up to fourth order, as jets need them."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import cast

import tensorflow as tf

MAX_ORDER = 4

SineCosine = tuple[tf.Tensor, tf.Tensor]

# π/2 as a sum of three numbers whose products with whole numbers below 2²⁰ are exact, and the
# coefficients of sine and cosine on [-π/4, π/4] with errors below 2⁻⁵⁸: those of fdlibm (Sun
# Microsystems 1993, k_sin.c, k_cos.c).
_HALF_PI = (1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
_SINE = (
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)
_COSINE = (
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)


@tf.custom_gradient
def sine_cosine(z: tf.Tensor) -> tuple[SineCosine, Callable[..., tf.Tensor]]:
    """Return sin z and cos z, for |z| up to 10⁵ to the last bits.

    XLA's CPU backend calls a scalar library function for each of them in double precision.  The
    operations here have no branch and become vector instructions, which cost together what one tanh
    costs.
    """
    sine, cosine = _polynomials(z) if z.dtype == tf.float64 else (tf.sin(z), tf.cos(z))

    def gradient(upstream_sine: tf.Tensor, upstream_cosine: tf.Tensor) -> tf.Tensor:
        return upstream_sine * cosine - upstream_cosine * sine

    return (sine, cosine), gradient


def _sine_cosine(z: tf.Tensor) -> SineCosine:
    return cast(SineCosine, sine_cosine(z))  # custom_gradient hides its function's type


def _polynomials(z: tf.Tensor) -> SineCosine:
    # Reduce the argument: z = quarters · π/2 + r with |r| ≤ π/4.
    quarters = tf.floor(z * (2 / pi) + 0.5)
    r = z
    for summand in _HALF_PI:
        r = r - quarters * summand
    # Evaluate both polynomials in r² by Horner's rule.
    r2 = r * r
    sine = tf.zeros_like(r)
    cosine = tf.zeros_like(r)
    for a, b in zip(reversed(_SINE), reversed(_COSINE), strict=True):
        sine = sine * r2 + a
        cosine = cosine * r2 + b
    sine = r + r * r2 * sine
    cosine = 1 - (0.5 * r2 - r2 * r2 * cosine)
    # In odd quarters sine and cosine change places; `odd` is 0 or 1.
    odd = 2 * _fraction(0.5 * quarters)
    sine_sign = 1 - 2 * tf.floor(2 * _fraction(0.25 * quarters))
    cosine_sign = 1 - 2 * tf.floor(2 * _fraction(0.25 * quarters + 0.25))
    # Divide by the sign instead of multiplying.  XLA takes a division to be expensive and does not
    # repeat it for every use; the other operations it would copy into each loop that reads a sine.
    return (
        (sine + odd * (cosine - sine)) / sine_sign,
        (cosine + odd * (sine - cosine)) / cosine_sign,
    )


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
    derivatives = [z * s[0]]
    for k in range(1, MAX_ORDER + 1):
        derivatives.append(k * s[k - 1] + z * s[k])
    return derivatives


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
    s, c = _sine_cosine(z)
    return [s, c, -s, -c, s]


def _cos(z: tf.Tensor) -> list[tf.Tensor]:
    s, c = _sine_cosine(z)
    return [c, -s, -c, s, c]


def _sinh(z: tf.Tensor) -> list[tf.Tensor]:
    s = tf.sinh(z)
    c = tf.cosh(z)
    return [s, c, s, c, s]


def _cosh(z: tf.Tensor) -> list[tf.Tensor]:
    s = tf.sinh(z)
    c = tf.cosh(z)
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
"""Rules by name: a value z gives [f(z), f′(z), f″(z), f‴(z), f⁗(z)].

The names are TensorFlow's, or Keras' for activations.
"""
