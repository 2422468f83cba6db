"""The search for the size of something at which its effect on a residual has a given size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEPS = 40  # of the search, at most; two where the residual is linear
SETTLED = 1.1  # the factor from the target at which the search ends
FAR = 1024.0  # the factor of a step where the bracket is open
NEGLIGIBLE = 1e-10  # a share below which something counts as zero: rounding
ROUNDING = 1e-14  # the same where it is not what remains of larger values


def balanced(
    change: Callable[[float], float], target: float, *, guess: float, whole: float = 0.0
) -> float:
    """Return the size at which something changes a residual by `target`; 0 if none does.

    The change grows with the size, in proportion where the residual is linear, so that the second
    step is exact.  Otherwise bisection in the logarithm keeps the steps in a bracket.

    Args:
        change: from a size to the change of the residual.
        target: the change that is asked for, in the residual's units.
        guess: the first size.
        whole: the size of what is there without the change, such as the offset of a field, whose
            effect on the residual may be rounding.
    """
    if not target > 0:
        return 0.0
    size = guess
    low, high = 0.0, np.inf
    for _ in range(STEPS):
        effect = change(size)
        if effect == 0:
            return 0.0
        if not effect < np.inf:  # NaN where all draws overflow
            effect = np.inf
        if target <= effect * max(ROUNDING, NEGLIGIBLE * whole / size) < np.inf:
            return 0.0  # what is there without it is rounding
        step = size * target / effect
        if 1 / SETTLED < target / effect < SETTLED:
            return step
        if effect < target:
            low = size
        else:
            high = size
        size = step if _shrinks(low, step, high) else _between(low, high)
    return size


def _shrinks(low: float, step: float, high: float) -> bool:
    """Return whether a step leaves neither end of a bracket where it is.

    Where the change is a power of the size, proportional steps would go from end to end.
    """
    if not low < step < high:
        return False
    if low == 0 or high == np.inf:
        return True
    return low**0.75 * high**0.25 <= step <= low**0.25 * high**0.75


def _between(low: float, high: float) -> float:
    """Return a size inside a bracket, whose ends may be 0 and infinity."""
    if low == 0:
        return high / FAR
    return low * FAR if high == np.inf else float(np.sqrt(low * high))
