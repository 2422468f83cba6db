"""A step that meets the strong Wolfe conditions: the whole step first, then Hager and Zhang's search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow_probability.python.optimizer.linesearch import hager_zhang

DECREASE, CURVATURE = (
    1e-4,
    0.9,
)  # constants of the strong Wolfe conditions; Nocedal & Wright (2006), p. 62

Along = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""position [p] -> (value, gradient [p])."""


class Found(NamedTuple):
    """Where a search ended: step length (of the direction), value and gradient there."""

    length: tf.Tensor
    value: tf.Tensor
    gradient: tf.Tensor  # [p]
    evaluations: tf.Tensor
    failed: tf.Tensor


class _Point(NamedTuple):
    """A point on the line, as TFP's search wants it."""

    x: tf.Tensor
    f: tf.Tensor
    df: tf.Tensor
    full_gradient: tf.Tensor


def strong_wolfe(
    value: tf.Tensor, slope: tf.Tensor, new_value: tf.Tensor, new_slope: tf.Tensor
) -> tf.Tensor:
    """Say whether a finite new value and the slope there, along a direction, meet the strong Wolfe conditions."""
    lower = tf.math.is_finite(new_value) & (new_value <= value + DECREASE * slope)
    return lower & (tf.abs(new_slope) <= -CURVATURE * slope)


def search(
    function: Along,
    position: tf.Tensor,
    direction: tf.Tensor,
    start: tuple[tf.Tensor, tf.Tensor],
    iterations: int,
) -> Found:
    """Return a step along a direction [p] of descent from a position [p] whose value and gradient are `start`.

    The whole step is mostly good where a direction has the curvature in it; TFP's search (Hager &
    Zhang 2005, doi:10.1137/030601880) brackets a minimum before it looks at anything, which takes
    three evaluations.
    """
    value, gradient = start
    slope = tf.reduce_sum(direction * gradient)
    whole, whole_gradient = function(position + direction)
    new_slope = tf.reduce_sum(direction * whole_gradient)
    good = strong_wolfe(value, slope, whole, new_slope)
    one = tf.ones([], position.dtype)

    def searched() -> Found:
        def at(length: tf.Tensor) -> _Point:
            f, full = function(position + length * direction)
            return _Point(length, f, tf.reduce_sum(full * direction), full)

        zero = _Point(tf.zeros([], position.dtype), value, slope, gradient)
        found: Any = hager_zhang(
            at,
            initial_step_size=one,
            value_at_zero=zero,
            value_at_initial_step=_Point(one, whole, new_slope, whole_gradient),
            max_iterations=iterations,
        )
        left, failed = found.left, ~found.converged | found.failed
        return Found(left.x, left.f, left.full_gradient, 1 + found.func_evals, failed)

    return tf.cond(
        good,
        lambda: Found(one, whole, whole_gradient, tf.constant(1), tf.constant(False)),
        searched,
    )
