"""Whether a run's answer can be trusted, in one word."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

HALF = 0.5  # of the solution, or of the residuals' typical sizes, from which on a run has failed
SMALL = 0.01  # the estimated relative error up to which advice is no doubt


def verdict(
    warnings: Sequence[str],
    estimated: Mapping[str, float],
    remaining: Mapping[str, float],
    *,
    advice: Collection[str] = (),
    finished: bool,
) -> str:
    """Return "trusted", "doubtful" or "failed".

    A run has failed where its estimated error is half of the solution or more; without an estimate,
    where residuals are half of their typical sizes or more.  It is doubtful where it warns of
    anything, was interrupted, or nothing of this is known.  Where the estimated error is small,
    that the solution might have been hard to find, or is loose in some places, is no doubt.

    Args:
        warnings: what is doubtful about the problem or its solution.
        estimated: estimated relative errors by name; empty where there is no estimate.
        remaining: the rms of every residual over its typical size, by term; empty where there are
            no such sizes.
        advice: those warnings of what makes a problem hard, or loose in some places.
        finished: whether the run has ended by itself.
    """
    measures = estimated or remaining
    if not all(value < HALF for value in measures.values()):  # NaN has failed too
        return "failed"
    is_small = bool(estimated) and max(estimated.values()) <= SMALL
    doubts = [line for line in warnings if not (is_small and line in advice)]
    return "doubtful" if doubts or not finished or not measures else "trusted"
