"""Slices of a field: u(x) at several times, or at several values of another coordinate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.style import (
    COLORS,
    TRUTH,
    Fields,
    add_note,
    few_ticks,
    journal,
    label,
    panels,
    place_ticks,
    symbol,
    with_unit,
)

_COUNT = 4  # slices of a field over two coordinates
_WIDE = 2  # standard errors on either side: 95 % of normal errors


@journal()
def slices_figure(
    axes_names: Sequence[str],
    grids: Sequence[np.ndarray],
    fields: Fields,
    *,
    note: str = "",
    units: Mapping[str, str] = {},
    log_axes: Mapping[str, float] = {},
    spread: Mapping[str, np.ndarray] = {},
) -> Figure:
    """Return one panel per slice and one row per field: prediction dashed over the reference.

    Args:
        axes_names: names of one or two coordinates; the first runs along the horizontal axis, the
            second is fixed at quarters of its range (including its end if it is time).
        grids: values of the coordinates, [n] and [m].
        fields: (prediction, reference or None) by field, [n, m] each ([n] for one coordinate).
        note: a line above the figure, such as the values of further coordinates.
        units: units by name.
        log_axes: by coordinate, the value from which on it counts by its logarithm.
        spread: standard errors by field, of the prediction's shape; a band of twice that is drawn.
    """
    has_slices = len(axes_names) == 2
    if has_slices:
        indices = _slice_indices(axes_names[1], len(grids[1]))
        figure, axes = _panels(len(fields), _COUNT, width=2.1, height=1.9)
    else:
        indices = [0]
        figure, axes = _panels(len(fields), 1, width=4.2, height=2.8)
    for row, (name, (prediction, reference)) in zip(axes, fields.items(), strict=True):
        for panel, index in zip(row, indices, strict=True):
            at = (slice(None), index) if has_slices else slice(None)
            truth = None if reference is None else reference[at]
            if name in spread:
                _draw_band(panel, grids[0], prediction[at], _WIDE * spread[name][at])
            _draw_slice(panel, grids[0], prediction[at], truth)
            place_ticks(panel, "x", axes_names[0], log_axes)
        row[0].set_ylabel(label(name, units), rotation=0, va="center", labelpad=8)
    if has_slices:
        unit = with_unit(axes_names[1], units)
        for panel, index in zip(axes[0], indices, strict=True):
            panel.set_title(f"${symbol(axes_names[1])} = {grids[1][index]:.3g}${unit}")
    for panel in axes[-1]:
        panel.set_xlabel(label(axes_names[0], units))
    lines, labels = _legend(axes)
    figure.legend(lines, labels, loc="outside lower center", ncols=3)
    add_note(figure, note)
    return figure


@journal()
def change_lines_figure(
    axis_name: str,
    grid: np.ndarray,
    changes: Sequence[Mapping[str, np.ndarray]],
    *,
    note: str = "",
    units: Mapping[str, str] = {},
    log_axes: Mapping[str, float] = {},
) -> Figure:
    """Return changes of fields that the equations allow: one panel per field, a line per change.

    Args:
        axis_name: name of the coordinate.
        grid: its values [n].
        changes: by field, [n].
        note: a line above the figure.
        units: units by name.
        log_axes: by coordinate, the value from which on it counts by its logarithm.
    """
    names = list(changes[0])
    figure, axes = _panels(len(names), 1, width=4.2, height=2.8)
    for name, (panel,) in zip(names, axes, strict=True):
        for number, change in enumerate(changes, start=1):
            panel.plot(grid, change[name], color=COLORS[number], label=f"change {number}")
        panel.axhline(0.0, color=TRUTH, linewidth=0.5)
        panel.set_xlim(grid[0], grid[-1])
        panel.yaxis.set_major_locator(few_ticks(5))
        panel.set_ylabel(label(name, units), rotation=0, va="center", labelpad=8)
        place_ticks(panel, "x", axis_name, log_axes)
    axes[-1, 0].set_xlabel(label(axis_name, units))
    lines, labels = _legend(axes)
    figure.legend(lines, labels, loc="outside lower center", ncols=len(changes))
    add_note(figure, note)
    return figure


def _panels(rows: int, columns: int, *, width: float, height: float) -> tuple[Figure, np.ndarray]:
    return panels(rows, columns, width=width, height=height, sharex=True, sharey="row")


def _slice_indices(name: str, size: int) -> list[int]:
    """Return the indices of the slices along the second coordinate."""
    # The slices include the end of time, where errors have grown, and no wall of a steady problem,
    # where the conditions hold.
    intervals = _COUNT if name == "t" else _COUNT + 1
    return [round((size - 1) * i / intervals) for i in range(1, _COUNT + 1)]


def _draw_band(axes: Axes, grid: np.ndarray, middle: np.ndarray, half: np.ndarray) -> None:
    axes.fill_between(
        grid,
        middle - half,
        middle + half,
        color=COLORS[1],
        alpha=0.2,
        linewidth=0,
        label=f"± {_WIDE} standard errors",
    )


def _draw_slice(
    axes: Axes, grid: np.ndarray, prediction: np.ndarray, reference: np.ndarray | None
) -> None:
    if reference is not None:
        axes.plot(grid, reference, color=TRUTH, linewidth=2.2, alpha=0.7, label="reference")
    axes.plot(grid, prediction, color=COLORS[1], linestyle=(0, (4, 2)), label="prediction")
    axes.set_xlim(grid[0], grid[-1])
    axes.margins(y=0.08)
    axes.yaxis.set_major_locator(few_ticks(5))


def _legend(axes: np.ndarray) -> tuple[list[Artist], list[str]]:
    """Return the longest legend among the rows: a field without a reference has one entry only."""
    legends = [row[0].get_legend_handles_labels() for row in axes]
    return max(legends, key=lambda legend: len(legend[1]))
