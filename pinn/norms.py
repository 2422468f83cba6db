# pyright: strict
"""Errors of fields and of coefficients, and the gauge of a field."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pinn.arrays import Array, check_shapes

_GAUGE_DEGREE = 12
"""Degree of the gauge in time.

It is enough for a network's output over one time interval, and small compared with thousands of
points, so that nothing else is fitted.
"""


@check_shapes
def relative_l2(estimate: Float[Array, "*shape"], truth: Float[Array, "*shape"]) -> float:
    """Return ‖estimate − truth‖₂ / ‖truth‖₂ over all points, dimensionless.

    Where the truth is zero, this is the absolute norm.
    """
    norm = float(np.linalg.norm(truth))
    return float(np.linalg.norm(estimate - truth)) / (norm or 1.0)


@check_shapes
def max_error(estimate: Float[Array, "*shape"], truth: Float[Array, "*shape"]) -> float:
    """Return max |estimate − truth| over all points, in the field's own units."""
    return float(np.max(np.abs(estimate - truth)))


def relative_error(estimate: float, truth: float) -> float:
    """Return |estimate − truth| / |truth|, dimensionless.

    Where the truth is zero, this is the absolute difference.
    """
    return abs(estimate - truth) / (abs(truth) or 1.0)


@check_shapes
def gauge(
    estimate: Float[Array, " n"], truth: Float[Array, " n"], time: Float[Array, " n"] | None
) -> Float[Array, " k"]:
    """Return the gauge that, added to a field, brings it closest to the truth.

    Args:
        estimate: the field at points [n], in its own units.
        truth: its true values there, [n].
        time: the points' times [n], scaled to [-1, 1]; None where the problem is steady.

    Returns:
        Coefficients [k] of Chebyshev polynomials in `time`, by least squares.  For a steady problem
        this is the difference of the means.  Otherwise it is a function of time that is smooth on
        the problem's own scale.
    """
    basis = gauge_basis(len(estimate), time)
    # The pseudo-inverse of the basis gives coefficients that are not finite for a difference that
    # is not finite; other least-squares solvers raise an error.
    return np.linalg.pinv(basis) @ (truth - estimate)


def gauge_basis(count: int, time: Float[Array, " n"] | None) -> Float[Array, "n k"]:
    """Return what may be added to a field with a gauge, [n, k].

    Args:
        count: the number n of points.
        time: the points' times [n], scaled to [-1, 1]; None where the problem is steady.
    """
    if time is None:
        return np.ones((count, 1))
    return np.asarray(np.polynomial.chebyshev.chebvander(time, _GAUGE_DEGREE), np.float64)
