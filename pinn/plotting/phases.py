"""A run's phases, drawn behind its curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from pinn.plotting.style import SHADE

History = Mapping[str, Sequence[Any]]
"""Column name to one value per report: the columns of a run's history.csv."""

_MOST_LABELS = 6
_LETTER = 0.075  # inches of one letter of a label, a little generous


class Phase(NamedTuple):
    """A phase's name and the stretch of the horizontal axis that it covers."""

    name: str
    start: float
    end: float


def numbers(history: History, column: str) -> np.ndarray:
    """Return a column as float64 [reports]; an empty cell is NaN."""
    return np.array([np.nan if v in (None, "") else float(v) for v in history[column]], dtype=float)


def phases(history: History, column: str) -> list[Phase]:
    """Return the phases in order, each from its predecessor's end; `column` is cumulative over the run."""
    if "phase" not in history:
        return []
    found: list[Phase] = []
    for name, value in zip(history["phase"], numbers(history, column), strict=True):
        if found and found[-1].name == str(name):
            found[-1] = found[-1]._replace(end=float(value))
        else:
            found.append(
                Phase(str(name), found[-1].end if found else min(0.0, float(value)), float(value))
            )
    return found


def shade(axes: Axes, found: Sequence[Phase], *, width: float, label: bool) -> None:
    """Shade every other phase, and write the names above an axes that is `width` inches wide."""
    if not found or found[-1].end <= found[0].start:
        return
    first, last = found[0].start, found[-1].end
    for i, phase in enumerate(found):
        if i % 2:
            axes.axvspan(phase.start, phase.end, color=SHADE, linewidth=0, zorder=0)
    axes.set_xlim(first, last)
    if not label or len(found) > _MOST_LABELS:
        return
    taken = [0.0, 0.0, 0.0]  # right ends of the labels in each line above the axes
    for phase in found:
        left, right = ((v - first) / (last - first) for v in (phase.start, phase.end))
        half = 0.5 * len(phase.name) * _LETTER / width
        middle = min(max((left + right) / 2, half), 1 - half)
        line = next((i for i, end in enumerate(taken) if middle - half >= end), len(taken) - 1)
        taken[line] = middle + half
        above = {
            "xytext": (0, 4 + 11 * line),
            "textcoords": "offset points",
            "ha": "center",
            "va": "bottom",
        }
        axes.annotate(phase.name, (middle, 1.0), xycoords="axes fraction", fontsize=9, **above)
