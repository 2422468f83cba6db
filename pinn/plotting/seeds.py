"""Errors over time, a line per seed, with what was published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.style import journal, math_text, panels

Curves = Mapping[int, tuple[Sequence[float], Sequence[float]]]
"""Seed to seconds and errors (dimensionless) at every report."""

_WIDTH, _HEIGHT = 3.4, 2.5  # inches of one panel
_MOST_COLUMNS = 4
# The baseline's dashes are long and the record's short.
_DASHES = {"baseline": (0, (6, 3)), "record": (0, (2, 2))}


@journal()
def seeds_figure(
    quantities: Mapping[str, Curves], published: Mapping[str, Mapping[str, float]]
) -> Figure:
    """Return a panel per field or unknown: its error over seconds, and dashed lines at the published values.

    Args:
        quantities: curves by field or unknown.
        published: errors by field or unknown and by kind ("baseline", "record").
    """
    columns = min(len(quantities), _MOST_COLUMNS)
    rows = -(-len(quantities) // columns)
    figure, axes = panels(rows, columns, width=_WIDTH, height=_HEIGHT)
    for axis, (name, curves) in zip(axes.flat, quantities.items(), strict=False):
        draw_seeds(axis, curves)
        for kind, value in published.get(name, {}).items():
            axis.axhline(value, color="0.3", ls=_DASHES[kind], lw=0.9, label=kind)
        axis.set_xlim(left=0)
        axis.set_title(math_text(name))
        axis.legend(
            fontsize=8, frameon=True, framealpha=0.9, edgecolor="none"
        )  # over the lines that it lies on
    for axis in axes.flat[len(quantities) :]:
        axis.axis("off")
    for axis in axes[:, 0]:
        axis.set_ylabel("relative error")
    return figure


def draw_seeds(axis: Axes, curves: Curves) -> None:
    """Draw errors over seconds on a logarithmic axis, one line a seed."""
    for seed, (seconds, errors) in curves.items():
        axis.semilogy(seconds, np.abs(errors), lw=1.2, label=f"seed {seed}")
    axis.set_xlabel("seconds")
    axis.grid(alpha=0.3, lw=0.5)
