"""The two-soliton solution of the Korteweg–de Vries equation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def two_solitons(
    x: Any,
    t: Any,
    *,
    speeds: tuple[Any, Any],
    starts: tuple[Any, Any],
    tanh: Callable[[Any], Any] = np.tanh,
) -> Any:
    """Return u with u_t + 6 u u_x + u_xxx = 0: a fast soliton that overtakes a slow one; dimensionless.

        u = ½ (c₁ - c₂) [c₁ (1 - A²) + c₂ A² (1 - B²)] / (√c₁ - √c₂ A B)²
        A = tanh(√c₁ (x - c₁t - x₁) / 2),  B = tanh(√c₂ (x - c₂t - x₂) / 2)

    which is 2 (ln W)_xx for the Wronskian W of cosh and sinh: the usual quotient of hyperbolic
    cosines, its numerator and denominator divided by cosh² cosh².  Everything is bounded, so
    nothing overflows far away from the solitons.

    Source: Hirota (1971), doi:10.1103/PhysRevLett.27.1192.

    Args:
        x: positions: NumPy arrays, tensors or jets, with the `tanh` that goes with them.
        t: times.
        speeds: c₁ > c₂ > 0; the amplitudes are c/2.
        starts: x₁ and x₂, the solitons' phases at t = 0.
        tanh: the hyperbolic tangent.
    """
    a, b, _, _ = _waves(x, t, speeds, starts, tanh)
    top, root, _, _ = _quotient(a, b, speeds)
    return 0.5 * (speeds[0] - speeds[1]) * top / (root * root)


def two_solitons_slope(
    x: Any,
    t: Any,
    *,
    speeds: tuple[Any, Any],
    starts: tuple[Any, Any],
    tanh: Callable[[Any], Any] = np.tanh,
) -> Any:
    """Return u_x of `two_solitons`, by the quotient rule."""
    a, b, a_x, b_x = _waves(x, t, speeds, starts, tanh)
    top, root, top_a, top_b = _quotient(a, b, speeds)
    top_x = top_a * a_x + top_b * b_x
    root_x = -(speeds[1] ** 0.5) * (a_x * b + a * b_x)
    return 0.5 * (speeds[0] - speeds[1]) * (top_x * root - 2 * top * root_x) / (root * root * root)


def _waves(
    x: Any, t: Any, speeds: tuple[Any, Any], starts: tuple[Any, Any], tanh: Callable[[Any], Any]
) -> Any:
    """Return A and B of the formula, and their derivatives A_x and B_x."""
    halves = [0.5 * c**0.5 for c in speeds]
    a, b = (
        tanh(k * (x - c * t - start)) for k, c, start in zip(halves, speeds, starts, strict=True)
    )
    return a, b, halves[0] * (1 - a * a), halves[1] * (1 - b * b)


def _quotient(a: Any, b: Any, speeds: tuple[Any, Any]) -> Any:
    """Return the numerator's bracket N, the root D of the denominator, and N's derivatives N_A and N_B."""
    fast, slow = speeds
    top = fast * (1 - a * a) + slow * (a * a) * (1 - b * b)
    root = fast**0.5 - slow**0.5 * a * b
    return top, root, 2 * a * (slow * (1 - b * b) - fast), -2 * slow * (a * a) * b
