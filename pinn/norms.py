"""How far two fields are apart, and how far a coefficient is from the truth; all dimensionless."""

from __future__ import annotations

import numpy as np


def relative_l2(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Return ‖estimate − truth‖₂ / ‖truth‖₂ over all points (the absolute norm where the truth is zero)."""
    norm = float(np.linalg.norm(truth))
    return float(np.linalg.norm(estimate - truth)) / (norm or 1.0)


def max_error(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Return max |estimate − truth| over all points, in the field's own units."""
    return float(np.max(np.abs(estimate - truth)))


def relative_error(estimate: float, truth: float) -> float:
    """Return |estimate − truth| / |truth| (the absolute difference where the truth is zero)."""
    return abs(estimate - truth) / (abs(truth) or 1.0)


def gauge(estimate: np.ndarray, truth: np.ndarray, time: np.ndarray | None) -> np.ndarray:
    """Return what brings a field that is known up to a constant, or up to a function of time, to the truth.

    Args:
        estimate: the field at points [n], in its own units.
        truth: its true values there, [n].
        time: the points' times [n], scaled to [-1, 1]; None where the problem is steady.

    Returns:
        Coefficients [k] of Chebyshev's polynomials in `time`, by least squares: the difference of
        the means for a steady problem, else a function of time that is smooth on the problem's own
        scale.
    """
    basis = np.polynomial.chebyshev.chebvander(
        np.zeros_like(estimate) if time is None else time, _degree(time)
    )
    # By the pseudo-inverse of the basis: a difference that is not finite gives coefficients that
    # are not.
    return np.linalg.pinv(basis) @ (truth - estimate)


def _degree(time: np.ndarray | None) -> int:
    # Enough for a network's output over one time interval; few beside thousands of points, so
    # nothing else is fitted.
    return 0 if time is None else 12
