"""Derivatives of elementary functions up to fourth order: what a truncated Taylor number needs to pass through."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import tensorflow as tf

MAX_ORDER = 4


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
    return [z * cdf, cdf + z * pdf, pdf * (2 - z * z), pdf * z * (z * z - 4), pdf * (-(z**4) + 7 * z * z - 4)]


def _erf(z: tf.Tensor) -> list[tf.Tensor]:
    g = 2 * pi**-0.5 * tf.exp(-z * z)
    return [tf.math.erf(z), g, -2 * z * g, (4 * z * z - 2) * g, (12 * z - 8 * z**3) * g]


def _sin(z: tf.Tensor) -> list[tf.Tensor]:
    s, c = tf.sin(z), tf.cos(z)
    return [s, c, -s, -c, s]


def _cos(z: tf.Tensor) -> list[tf.Tensor]:
    s, c = tf.sin(z), tf.cos(z)
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
