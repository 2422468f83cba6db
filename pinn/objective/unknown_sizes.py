"""The typical sizes of unknown coefficients: where they begin to count in the equations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pinn.objective.balance import balanced
from pinn.objective.probe import Probe, median_size
from pinn.objective.scales import FieldScale
from pinn.unknowns import Unknown

# A coefficient that is lost in rounding where it starts is tried at these multiples as well.
LARGER = (1.0, 2.0**40, 2.0**80)


def unknown_size(
    probe: Probe, fields: Mapping[str, FieldScale], name: str, unknown: Unknown
) -> float:
    """Return the typical size of an unknown coefficient, in its own units.

    It is the distance from its neutral value (zero, or its only bound) at which the coefficient
    contributes as much to a residual as all else does; of several residuals, the first to feel it
    counts.  Where there is no such distance, it is that of the start.  Two bounds need no size: it
    is their distance.

    Args:
        probe: the problem's residuals at random fields.
        fields: offset and scale by function.
        name: of the coefficient.
        unknown: the coefficient, as it is searched.
    """
    if unknown.lower is not None and unknown.upper is not None:
        return unknown.upper - unknown.lower
    start = abs(unknown.start - unknown.neutral) or 1.0
    return _size(probe, fields, name, unknown, start) or start


def _size(
    probe: Probe, fields: Mapping[str, FieldScale], name: str, unknown: Unknown, guess: float
) -> float:
    """Return the smallest size at which a coefficient counts in some residual; 0 if in none."""
    asked = np.inf
    for region in probe.regions:
        neutral = probe.residuals(region, fields, coefficients={name: unknown.neutral})

        def change(size: float, term: str, region: str = region, rest: dict = neutral) -> float:
            value = unknown.neutral + unknown.direction * size
            moved = probe.residuals(region, fields, coefficients={name: value})
            return median_size(moved[term] - rest[term])

        for term, residuals in neutral.items():
            for larger in LARGER:
                size = balanced(
                    lambda size, term=term: change(size, term),
                    median_size(residuals),
                    guess=larger * guess,
                )
                if size > 0:
                    asked = min(asked, size)
                    break
    return float(asked) if np.isfinite(asked) else 0.0
