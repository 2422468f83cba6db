"""Whether a run's answer can be trusted, in one word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

HALF = 0.5  # the estimated relative error from which on a run has failed
UNSOLVED = 0.5  # the same of residuals over their typical sizes, where there is no estimate


def verdict(
    warnings: Sequence[str],
    estimated: Mapping[str, float],
    remaining: Mapping[str, float],
    *,
    finished: bool,
) -> str:
    """Return "trusted", "doubtful" or "failed".

    A run has failed where its estimated error is half of the solution or more; without an estimate,
    where residuals are half of their typical sizes or more.  It is doubtful where it warns of
    anything, or was interrupted.

    Args:
        warnings: what is doubtful about the problem or its solution.
        estimated: estimated relative errors by name; empty where there is no estimate.
        remaining: the rms of every residual over its typical size, by term.
        finished: whether the run has ended by itself.
    """
    measures, limit = (estimated, HALF) if estimated else (remaining, UNSOLVED)
    if not all(value < limit for value in measures.values()):  # NaN has failed too
        return "failed"
    return "doubtful" if warnings or not finished else "trusted"
