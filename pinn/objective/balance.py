"""The search for the size of something at which its effect on a residual has a given size."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

STEPS = 40  # of the search, at most; two where the residual is linear
SETTLED = 1.001  # the factor from the target at which the search ends
FAR = 1024.0  # the factor of a step where the bracket is open
NEGLIGIBLE = 1e-10  # a share below which something counts as zero: rounding
ROUNDING = 1e-14  # the same where it is not what remains of larger values


def balanced(
    change: Callable[[float], float], target: float, *, guess: float, whole: float = 0.0
) -> float:
    """Return the size at which something changes a residual by `target`; 0 if none does.

    The change grows with the size, in proportion where the residual is linear, so that the second
    step is exact.  Otherwise it is taken as a power of the size between the ends of a bracket.

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
    low, high = _End(0.0, 0.0), _End(np.inf, np.inf)
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
            low = _End(size, effect)
        else:
            high = _End(size, effect)
        is_open = low.size == 0 or high.size == np.inf
        is_inside = low.size < step < high.size
        size = step if is_open and is_inside else _between(low, high, target)
    return size


class _End(NamedTuple):
    """An end of the bracket: a size and its effect."""

    size: float
    effect: float


def _between(low: _End, high: _End, target: float) -> float:
    """Return a size inside a bracket, whose ends may be 0 and infinity.

    Regula falsi in the logarithms, kept off the ends so that the bracket shrinks.
    """
    if low.size == 0:
        return high.size / FAR
    if high.size == np.inf:
        return low.size * FAR
    share = 0.5
    if high.effect < np.inf:
        share = np.log(target / low.effect) / np.log(high.effect / low.effect)
    share = min(max(float(share), 0.1), 0.9)
    return float(low.size ** (1 - share) * high.size**share)
