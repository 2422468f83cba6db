"""The points that a run trained on, by region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from pinn.plotting.style import COLORS, axis_order, journal, label_axes, math_text, panels

# Markers differ in shape as well as in color.
_STYLES = {
    "interior": {"color": "#888888", "marker": ".", "s": 5},
    "initial": {"color": COLORS[0], "marker": "o", "s": 9},
    "boundary": {"color": COLORS[1], "marker": "s", "s": 9},
    "data": {"color": COLORS[2], "marker": "x", "s": 16, "linewidths": 0.9},
}


@journal()
def points_figure(points: Mapping[str, np.ndarray], axes_names: Sequence[str]) -> Figure:
    """Return the points of all regions over the first two coordinates.

    Args:
        points: coordinates [n, d] by region ("interior", "initial", "boundary", "data" or a face).
        axes_names: names of the coordinates; of two, a second one called "t" is horizontal.
    """
    flat = len(axes_names) == 1
    figure, axes = panels(1, 1, width=5.2, height=0.7 + 0.3 * len(points) if flat else 3.2)
    panel = axes[0, 0]
    spare = iter(range(3, 3 * len(points) + 3))
    for row, (region, array) in enumerate(points.items()):
        style = _STYLES.get(region)
        if style is None:
            style = {"color": COLORS[next(spare) % (len(COLORS) - 1)], "marker": "D", "s": 9}
        columns = [np.asarray(array)[:, i] for i in range(min(2, len(axes_names)))]
        if flat:
            across, up = columns[0], np.full(len(array), -row)
        else:
            across, up = (columns[i] for i in axis_order(axes_names))
        panel.scatter(
            across, up, label=f"{region} ({len(array)})", clip_on=False, zorder=2 + row, **style
        )
    if flat:
        panel.set_xlabel(math_text(axes_names[0]))
        panel.set_yticks([])
        panel.margins(y=0.5 / max(1, len(points) - 1))
    else:
        label_axes(panel, axes_names)
        panel.margins(0.02)
        if axes_names[1] != "t":
            panel.set_aspect("equal")
    panel.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0, markerscale=1.4)
    return figure
