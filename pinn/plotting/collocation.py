"""The points on which a run was trained, by region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.style import COLORS, axis_order, journal, label, label_axes, panels, place_ticks

# Markers differ in shape as well as in color.
_STYLES: dict[str, dict[str, Any]] = {
    "interior": {"color": "#888888", "marker": ".", "s": 5},
    "initial": {"color": COLORS[0], "marker": "o", "s": 9},
    "boundary": {"color": COLORS[1], "marker": "s", "s": 9},
    "data": {"color": COLORS[2], "marker": "x", "s": 16, "linewidths": 0.9},
}
_OTHER_HUES = (*COLORS[3:-1], *COLORS[:3])  # of faces and parts; those above come last


@journal()
def points_figure(
    points: Mapping[str, np.ndarray],
    axes_names: Sequence[str],
    units: Mapping[str, str] = {},
    log_axes: Mapping[str, float] = {},
) -> Figure:
    """Return the points of all regions over the first two coordinates, or over the only one.

    Args:
        points: coordinates [n, d] by region ("interior", "initial", "boundary", "data", a face, a
            part of the boundary, or a region of the problem's own).
        axes_names: names of the coordinates; of two, a second one called "t" is horizontal.
        units: units by name.
        log_axes: by coordinate, the value from which on it counts by its logarithm.
    """
    has_one_axis = len(axes_names) == 1
    height = 0.7 + 0.3 * len(points) if has_one_axis else 3.2
    figure, axes = panels(1, 1, width=5.2, height=height)
    panel = axes[0, 0]
    styles = _region_styles(points)
    for row, (region, coordinates) in enumerate(points.items()):
        if has_one_axis:
            across = coordinates[:, 0]
            up = np.full(len(coordinates), -row)
        else:
            horizontal, vertical = axis_order(axes_names)
            across = coordinates[:, horizontal]
            up = coordinates[:, vertical]
        text = f"{region} ({len(coordinates)})"
        panel.scatter(across, up, label=text, clip_on=False, zorder=2 + row, **styles[region])
    if has_one_axis:
        across_name = axes_names[0]
        panel.set_xlabel(label(across_name, units))
        panel.set_yticks([])
        panel.margins(y=0.5 / max(1, len(points) - 1))
    else:
        _finish_plane(panel, axes_names, units)
        across_name = axes_names[axis_order(axes_names)[0]]
    if across_name in log_axes:
        place_ticks(panel, "x", across_name, log_axes)
    panel.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0, markerscale=1.4)
    return figure


def _region_styles(regions: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Return the style of every region; those without one of their own have a hue each, in turn."""
    styles: dict[str, dict[str, Any]] = {}
    others = 0
    for region in regions:
        if region in _STYLES:
            styles[region] = _STYLES[region]
        else:
            is_measured = region.startswith("data_")
            like = _STYLES["data"] if is_measured else {"marker": "D", "s": 9}
            styles[region] = {**like, "color": _OTHER_HUES[others % len(_OTHER_HUES)]}
            others += 1
    return styles


def _finish_plane(axes: Axes, axes_names: Sequence[str], units: Mapping[str, str]) -> None:
    label_axes(axes, axes_names, units)
    axes.margins(0.02)
    if axes_names[1] != "t":
        axes.set_aspect("equal")
