"""The two-soliton solution of the Korteweg–de Vries equation."""

# pyright: strict
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pinn.arrays import Quantity
from pinn.references.points import Elementwise

Pair = tuple[float, float]


def two_solitons(
    x: Quantity,
    t: Quantity,
    *,
    speeds: Pair,
    starts: Pair,
    tanh: Elementwise = np.tanh,
) -> Any:
    """Return u with u_t + 6 u u_x + u_xxx = 0: a fast soliton overtakes a slow one; dimensionless.

        u = ½ (c₁ - c₂) [c₁ (1 - A²) + c₂ A² (1 - B²)] / (√c₁ - √c₂ A B)²
        A = tanh(√c₁ (x - c₁t - x₁) / 2),  B = tanh(√c₂ (x - c₂t - x₂) / 2)

    which is 2 (ln W)_xx for the Wronskian W of cosh and sinh.  It is the usual quotient of
    hyperbolic cosines with numerator and denominator divided by cosh² cosh².  All factors are
    bounded, so that nothing overflows far from the solitons.

    Source: Hirota (1971), doi:10.1103/PhysRevLett.27.1192.

    Args:
        x: positions: NumPy arrays, tensors or jets, with the `tanh` of their own library.
        t: times.
        speeds: c₁ > c₂ > 0; the amplitudes are c/2.
        starts: x₁ and x₂, the solitons' phases at t = 0.
        tanh: the hyperbolic tangent.
    """
    waves = _waves(x, t, speeds, starts, tanh)
    quotient = _quotient(waves.A, waves.B, speeds)
    root = quotient.root
    return 0.5 * (speeds[0] - speeds[1]) * quotient.bracket / (root * root)


def two_solitons_slope(
    x: Quantity,
    t: Quantity,
    *,
    speeds: Pair,
    starts: Pair,
    tanh: Elementwise = np.tanh,
) -> Any:
    """Return u_x of `two_solitons`, by the quotient rule."""
    A, B, A_x, B_x = _waves(x, t, speeds, starts, tanh)
    N, root, N_A, N_B = _quotient(A, B, speeds)
    N_x = N_A * A_x + N_B * B_x
    root_x = -(speeds[1] ** 0.5) * (A_x * B + A * B_x)
    return 0.5 * (speeds[0] - speeds[1]) * (N_x * root - 2 * N * root_x) / (root * root * root)


class _Waves(NamedTuple):
    """A and B of the formula, and their derivatives by x."""

    A: Any
    B: Any
    A_x: Any
    B_x: Any


def _waves(x: Quantity, t: Quantity, speeds: Pair, starts: Pair, tanh: Elementwise) -> _Waves:
    fast, slow = speeds
    half_fast = 0.5 * fast**0.5
    half_slow = 0.5 * slow**0.5
    A = tanh(half_fast * (x - fast * t - starts[0]))
    B = tanh(half_slow * (x - slow * t - starts[1]))
    return _Waves(A, B, half_fast * (1 - A * A), half_slow * (1 - B * B))


class _Quotient(NamedTuple):
    """The bracket N in the numerator, the root of the denominator, and N's derivatives."""

    bracket: Any
    root: Any
    bracket_by_a: Any
    bracket_by_b: Any


def _quotient(A: Quantity, B: Quantity, speeds: Pair) -> _Quotient:
    fast, slow = speeds
    bracket = fast * (1 - A * A) + slow * (A * A) * (1 - B * B)
    root = fast**0.5 - slow**0.5 * A * B
    bracket_by_a = 2 * A * (slow * (1 - B * B) - fast)
    bracket_by_b = -2 * slow * (A * A) * B
    return _Quotient(bracket, root, bracket_by_a, bracket_by_b)
