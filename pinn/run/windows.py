"""Windows of time that a run chooses itself: shorter where they are too hard, longer if easy.

A run tries the whole interval first.  Where its loss does not fall to the tolerance, it begins
anew in a quarter of it, and so on; a window that was easy is followed by one twice as long.
Losses are balanced (`Scales`), so that one tolerance serves all problems.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pinn.run.errors import Values
from pinn.training.phase_run import Report
from pinn.training.stopping import StopKind, StopReason

TOLERANCE = 4e-6  # of a window's loss: residuals of 0.2 % of their typical sizes
EASY = 1e-8  # the loss of a window after which a longer one is tried
ENOUGH = 1e-9  # the loss at which a window that is not the whole interval ends
CHECKS = 32  # sets of held-out points, on whose mean loss a window is judged
SHORTEST = 2.0**-10  # of the whole interval
SHORTER = 0.25  # the factor by which a window becomes shorter
LONGER = 2.0  # the factor by which the next one is longer
PATIENCE = 2  # shorter windows, one of which must have halved the loss
# A loss that is above its limit after this share of the last phase's iterations is hopeless.
HOPELESS = {0.1: 1e-2, 0.2: 1e-3, 0.4: 1e-4}
# What ends a phase because the user said so; the window is then taken as it is.
ASKED_FOR = (StopKind.TARGET, StopKind.SECONDS, StopKind.EVALUATIONS, StopKind.CALLBACK)


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
        """Whether the window may not become shorter."""
        return SHORTER * self.length < SHORTEST * (self.last - self.first)


def is_useless(attempts: Sequence[float]) -> bool:
    """Return whether shorter windows do not help: none halved the loss of the first attempt.

    A corner at which the conditions disagree is as hard in a short window as in a long one.
    """
    return len(attempts) > PATIENCE and min(attempts[1:]) > attempts[0] / 2


def next_edge(
    interval: Interval, attempts: Sequence[float], reason: StopReason | None = None
) -> float | None:
    """Return where the next window ends; None where the whole interval has been solved.

    Args:
        interval: the window that was solved.
        attempts: the held-out losses at its end, and before it at those of the longer windows that
            were tried in its place.
        reason: why its last phase stopped.

    Returns:
        A time after the end of the window if it is accepted, and before it if it is to be solved
        anew.
    """
    loss = attempts[-1]
    done = loss <= TOLERANCE or (reason is not None and reason.kind in ASKED_FOR)
    if not done and not interval.is_shortest and not is_useless(attempts):
        return interval.begin + SHORTER * interval.length
    if interval.end == interval.last:
        return None
    length = LONGER * interval.length if loss <= EASY else interval.length
    edge = interval.end + length
    # No window is left that is shorter than half of the last one.
    return interval.last if edge + length / 2 >= interval.last else edge


def in_windows(
    edges: Sequence[float], points: np.ndarray, ask: Callable[[int, np.ndarray], Values]
) -> Values:
    """Return the values [n] by name at points [n, d], each from the window of its time.

    Args:
        edges: where all windows but the last end; an edge belongs to the window that ends there.
        points: the points, time last.
        ask: (number of a window, points [m, d] in it) -> values [m] by name.
    """
    numbers = np.searchsorted(edges, points[:, -1], side="left")
    values: Values = {}
    for number in np.unique(numbers) if len(points) else [0]:
        inside = numbers == number
        for name, value in ask(int(number), points[inside]).items():
            values.setdefault(name, np.zeros(len(points)))[inside] = value
    return values


class Judge:
    """The callback that ends the last phase of a window early: solved, or hopeless.

    Args:
        interval: the window.
        last_phase: the name of the phase.
    """

    def __init__(self, interval: Interval, last_phase: str) -> None:
        self.interval = interval
        self.last_phase = last_phase

    def __call__(self, report: Report) -> StopReason | None:
        """Return why the phase ends; None while it goes on."""
        if report.phase.name != self.last_phase:
            return None
        loss = float(report.state.best_loss)
        if loss <= ENOUGH and not self.interval.is_whole:
            return StopReason(StopKind.WINDOW, f"the window is solved: loss {loss:.1e}")
        if self.interval.is_shortest:
            return None
        iterations = report.progress.records[-1].iterations
        for share, limit in HOPELESS.items():
            if iterations >= share * report.phase.stop.max_iterations and loss > limit:
                text = f"too long a window: loss {loss:.1e} after {iterations} iterations"
                return StopReason(StopKind.TOO_LONG, text)
        return None
