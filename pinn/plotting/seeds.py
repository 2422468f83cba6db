"""Errors over time with one line per seed, and the published errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.style import journal, math_text, panels

Curves = Mapping[int, tuple[Sequence[float], Sequence[float]]]
"""Seconds and errors (dimensionless) of every report, by seed."""

_WIDTH = 3.4  # inches of one panel
_HEIGHT = 2.5
_MAX_COLUMNS = 4
# The baseline's dashes are long and the record's short.
_DASHES = {"baseline": (0, (6, 3)), "record": (0, (2, 2))}


@journal()
def seeds_figure(
    quantities: Mapping[str, Curves], published: Mapping[str, Mapping[str, float]]
) -> Figure:
    """Return one panel per field or unknown: its error over seconds, the published errors dashed.

    Args:
        quantities: curves by field or unknown.
        published: errors by field or unknown and by kind ("baseline", "record").
    """
    columns = min(len(quantities), _MAX_COLUMNS)
    rows = -(-len(quantities) // columns)
    figure, axes = panels(rows, columns, width=_WIDTH, height=_HEIGHT)
    for panel, (name, curves) in zip(axes.flat, quantities.items(), strict=False):
        draw_seeds(panel, curves)
        for kind, value in published.get(name, {}).items():
            panel.axhline(value, color="0.3", linestyle=_DASHES[kind], linewidth=0.9, label=kind)
        panel.set_xlim(left=0)
        panel.set_title(math_text(name))
        # The frame covers the lines behind the legend.
        panel.legend(fontsize=8, frameon=True, framealpha=0.9, edgecolor="none")
    for panel in axes.flat[len(quantities) :]:
        panel.axis("off")
    for panel in axes[:, 0]:
        panel.set_ylabel("relative error")
    return figure


def draw_seeds(axes: Axes, curves: Curves) -> None:
    """Draw errors over seconds on a logarithmic axis, with one line per seed."""
    for seed, (seconds, errors) in curves.items():
        axes.semilogy(seconds, np.abs(errors), linewidth=1.2, label=f"seed {seed}")
    axes.set_xlabel("seconds")
    axes.grid(alpha=0.3, linewidth=0.5)
