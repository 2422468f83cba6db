"""The phases of a run, drawn behind its curves."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from pinn.plotting.style import SHADE
from pinn.record import PhaseSpan

_MAX_LABELS = 6
_LINES = 3  # lines of labels above an axes
_LETTER = 0.075  # inches per letter of a label, a little generous


def shade_phases(axes: Axes, spans: Sequence[PhaseSpan], *, width: float, label: bool) -> None:
    """Shade every other phase, and write the names above an axes that is `width` inches wide."""
    if not spans or spans[-1].end <= spans[0].start:
        return
    axes.set_xlim(spans[0].start, spans[-1].end)
    for span in spans[1::2]:
        axes.axvspan(span.start, span.end, color=SHADE, linewidth=0, zorder=0)
    if label and len(spans) <= _MAX_LABELS:
        _label_phases(axes, spans, width)


def _label_phases(axes: Axes, spans: Sequence[PhaseSpan], width: float) -> None:
    """Write the names above the phases, in further lines where they would overlap."""
    first = spans[0].start
    length = spans[-1].end - first
    right_ends = [0.0] * _LINES  # of the last label in each line; 1 is the right end of the axes
    for span in spans:
        left = (span.start - first) / length
        right = (span.end - first) / length
        # Every label stays within the axes.
        half = 0.5 * len(span.name) * _LETTER / width
        middle = min(max((left + right) / 2, half), 1 - half)
        free = (i for i, end in enumerate(right_ends) if middle - half >= end)
        line = next(free, _LINES - 1)
        right_ends[line] = middle + half
        axes.annotate(
            span.name,
            (middle, 1.0),
            xycoords="axes fraction",
            xytext=(0, 4 + 11 * line),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=9,
        )
