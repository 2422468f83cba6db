# pyright: strict, reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
"""Strong Wolfe line search: the unit step first, then Hager and Zhang's search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow_probability.python.optimizer.linesearch import hager_zhang

# Constants of the strong Wolfe conditions; Nocedal & Wright (2006), p. 62.
DECREASE = 1e-4
CURVATURE = 0.9

ValueAndGradient = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""position [p] -> (value, gradient [p])."""


class LineSearchResult(NamedTuple):
    """The end of a search: step length along the direction, value and gradient there."""

    length: tf.Tensor
    value: tf.Tensor
    gradient: tf.Tensor  # [p]
    evaluations: tf.Tensor
    failed: tf.Tensor


class _LinePoint(NamedTuple):
    """A point on the line, in the form of TFP's search."""

    x: tf.Tensor
    f: tf.Tensor
    df: tf.Tensor
    full_gradient: tf.Tensor


def strong_wolfe(
    value: tf.Tensor, slope: tf.Tensor, new_value: tf.Tensor, new_slope: tf.Tensor
) -> tf.Tensor:
    """Return whether a new value and slope along a direction meet the strong Wolfe conditions."""
    lower = tf.math.is_finite(new_value) & (new_value <= value + DECREASE * slope)
    return lower & (tf.abs(new_slope) <= -CURVATURE * slope)


def search(
    function: ValueAndGradient,
    position: tf.Tensor,
    direction: tf.Tensor,
    start: tuple[tf.Tensor, tf.Tensor],
    iterations: int,
) -> LineSearchResult:
    """Return a step along a descent direction [p] from a position [p].

    `start` holds value and gradient at the position.

    The unit step is mostly good where the direction contains the curvature.  TFP's search (Hager &
    Zhang 2005, doi:10.1137/030601880) brackets a minimum before anything else, which takes three
    evaluations.
    """
    value, gradient = start
    slope = tf.reduce_sum(direction * gradient)
    unit = tf.ones([], position.dtype)
    unit_value, unit_gradient = function(position + direction)
    unit_slope = tf.reduce_sum(direction * unit_gradient)

    def take_unit_step() -> LineSearchResult:
        return LineSearchResult(
            unit, unit_value, unit_gradient, evaluations=tf.constant(1), failed=tf.constant(False)
        )

    def evaluate(length: tf.Tensor) -> _LinePoint:
        value, gradient = function(position + length * direction)
        return _LinePoint(length, value, tf.reduce_sum(gradient * direction), gradient)

    def bracket() -> LineSearchResult:
        result: Any = hager_zhang(
            evaluate,
            initial_step_size=unit,
            value_at_zero=_LinePoint(tf.zeros([], position.dtype), value, slope, gradient),
            value_at_initial_step=_LinePoint(unit, unit_value, unit_slope, unit_gradient),
            max_iterations=iterations,
        )
        end = result.left
        return LineSearchResult(
            end.x,
            end.f,
            end.full_gradient,
            evaluations=1 + result.func_evals,
            failed=~result.converged | result.failed,
        )

    return tf.cond(strong_wolfe(value, slope, unit_value, unit_slope), take_unit_step, bracket)
