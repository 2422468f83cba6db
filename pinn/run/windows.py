"""Windows of time that a run chooses itself: halved where they are too hard, doubled if easy.

A run tries the whole interval first.  Where its loss does not fall to the tolerance, it begins
anew in half of it, and so on; a window that was easy is followed by one twice as long.  Losses are
balanced (`Scales`), so that one tolerance serves all problems.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pinn.training.phase_run import Report

TOLERANCE = 1e-6  # of a window's loss: residuals of a thousandth of their typical sizes
EASY = 1e-8  # the loss of a window after which a longer one is tried
ENOUGH = 1e-10  # the loss at which a window that is not the whole interval ends
SHORTEST = 2.0**-10  # of the whole interval
PATIENCE = 2  # halvings that must have reduced the loss
# A loss that is above the limit after so many iterations of the last phase is given up.
HOPELESS = {500: 1e-2, 1000: 1e-3, 2000: 1e-4}


class Interval(NamedTuple):
    """A window in the whole interval of time, in the problem's units."""

    begin: float
    end: float
    first: float
    last: float

    @property
    def length(self) -> float:
        """The window's length."""
        return self.end - self.begin

    @property
    def is_whole(self) -> bool:
        """Whether the window is the whole interval."""
        return self.begin == self.first and self.end == self.last

    @property
    def is_shortest(self) -> bool:
        """Whether the window may not be halved."""
        return self.length < 2 * SHORTEST * (self.last - self.first)


def is_useless(attempts: Sequence[float]) -> bool:
    """Return whether shorter windows do not help: none halved the loss of the first attempt.

    A corner at which the conditions disagree is as hard in a short window as in a long one.
    """
    return len(attempts) > PATIENCE and min(attempts[1:]) > attempts[0] / 2


def next_edge(interval: Interval, attempts: Sequence[float]) -> float | None:
    """Return where the next window ends; None where the whole interval has been solved.

    Args:
        interval: the window that was solved.
        attempts: the held-out losses at its end, and before it at those of the longer windows that
            were tried in its place.

    Returns:
        A time after the end of the window if it is accepted, and before it if it is to be solved
        anew.
    """
    loss = attempts[-1]
    if loss > TOLERANCE and not interval.is_shortest and not is_useless(attempts):
        return interval.begin + interval.length / 2
    if interval.end == interval.last:
        return None
    length = 2 * interval.length if loss <= EASY else interval.length
    edge = interval.end + length
    # No window is left that is shorter than half of the last one.
    return interval.last if edge + length / 2 >= interval.last else edge


class Judge:
    """The callback that ends the last phase of a window early: solved, or hopeless.

    Args:
        interval: the window.
        last_phase: the name of the phase.
    """

    def __init__(self, interval: Interval, last_phase: str) -> None:
        self.interval = interval
        self.last_phase = last_phase

    def __call__(self, report: Report) -> str | None:
        """Return why the phase ends; None while it goes on."""
        if report.phase.name != self.last_phase:
            return None
        loss = float(report.state.best_loss)
        if loss <= ENOUGH and not self.interval.is_whole:
            return f"the window is solved: loss {loss:.1e}"
        if self.interval.is_shortest:
            return None
        iterations = report.progress.records[-1].iterations
        for count, limit in HOPELESS.items():
            if iterations >= count and loss > limit:
                return f"a shorter window is tried: loss {loss:.1e} after {iterations} iterations"
        return None
