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
