"""Fields over two coordinates: prediction, reference and error, one row per field; and what time does to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from pinn.norms import relative_l2
from pinn.plotting.style import (
    Fields,
    axis_order,
    few_ticks,
    journal,
    label_axes,
    math_text,
    panels,
    scientific,
    symbol,
)

_WIDTH = 2.2  # inches of one panel, without its color bar
_FRAME = 1.6  # the same where time runs from panel to panel
_LINE = 1.2  # points: a domain's boundary, wide enough to hide the steps of the cells beside it
_DECADES = 4  # of a logarithmic error scale; what lies below is as good as exact


@journal()
def field_figure(
    axes_names: Sequence[str],
    grids: Sequence[np.ndarray],
    fields: Fields,
    *,
    note: str = "",
    distance: np.ndarray | None = None,
) -> Figure:
    """Return a row of three pictures per field: prediction, reference and |prediction − reference|.

    The first two share their colors.  Fields that have no reference show the prediction alone.

    Args:
        axes_names: names of the two coordinates; a second one called "t" runs along the horizontal
            axis.
        grids: values of the two coordinates, [n] and [m].
        fields: (prediction, reference or None) by field, [n, m] each; NaN lies outside the domain.
        note: a line above the figure, such as the values of further coordinates.
        distance: signed distance to the domain's boundary [n, m], positive inside, which draws that
            boundary.
    """
    names, compared = list(fields), any(reference is not None for _, reference in fields.values())
    ratio = _ratio(axes_names, grids)
    size = {"width": _WIDTH + 0.75, "height": _WIDTH * ratio + 0.75}
    figure, axes = panels(len(names), 3 if compared else 1, sharex=True, sharey=True, **size)
    for row, name in zip(axes, names, strict=True):
        prediction, reference = fields[name]
        colors = _colors(prediction if reference is None else np.stack([prediction, reference]))
        for panel in row:
            panel.set_box_aspect(ratio)
        image = _panel(row[0], axes_names, grids, prediction, **colors)
        row[0].set_title(f"{math_text(name)}, prediction")
        if reference is None:
            _color_bar(row[0], image)
            for panel in row[1:]:
                panel.set_axis_off()
            continue
        _color_bar(row[1], _panel(row[1], axes_names, grids, reference, **colors))
        row[1].set_title(f"{math_text(name)}, reference")
        _error_panel(row[2], axes_names, grids, name, prediction, reference)
    if distance is not None:
        for panel in axes.flat:
            _draw_boundary(panel, axes_names, grids, distance)
    for panel in axes[:-1].flat:
        panel.set_xlabel("")
    for panel in axes[:, 1:].flat:
        panel.set_ylabel("")
    if note:
        figure.suptitle(note, fontsize=10)
    return figure


@journal()
def evolution_figure(
    axes_names: Sequence[str],
    grids: Sequence[np.ndarray],
    times: Sequence[float],
    fields: Fields,
    *,
    note: str = "",
    distance: np.ndarray | None = None,
) -> Figure:
    """Return the prediction at several times, one column each, below it the reference and |prediction − reference|.

    A field's colors are the same at all times, its reference's included, and so are those of its
    error.

    Args:
        axes_names: names of the two coordinates in space.
        grids: values of the two coordinates, [n] and [m].
        times: the times [k], in the problem's own units.
        fields: (prediction, reference or None) by field, [k, n, m] each; NaN lies outside the
            domain.
        note: a line above the figure, such as the values of further coordinates.
        distance: as in `field_figure`.
    """
    kinds = ("prediction", "reference", "error")
    rows = [
        (name, kind)
        for name, (_, truth) in fields.items()
        for kind in kinds[: 1 if truth is None else 3]
    ]
    ratio = _ratio(axes_names, grids)
    size = {"width": _FRAME + 0.25, "height": _FRAME * ratio + 0.45}
    figure, axes = panels(len(rows), len(times), sharex=True, sharey=True, **size)
    for row, (name, kind) in zip(axes, rows, strict=True):
        shown, titles, colors = _frames(kind, name, times, *fields[name])
        for panel, values, title in zip(row, shown, titles, strict=True):
            panel.set_box_aspect(ratio)
            image = _panel(panel, axes_names, grids, values, **colors)
            panel.set_title(title)
            if distance is not None:
                _draw_boundary(panel, axes_names, grids, distance)
        _color_bar(row[-1], image)
    for panel in axes[:-1].flat:
        panel.set_xlabel("")
    for panel in axes[:, 1:].flat:
        panel.set_ylabel("")
    if note:
        figure.suptitle(note, fontsize=10)
    return figure


def _frames(
    kind: str,
    name: str,
    times: Sequence[float],
    prediction: np.ndarray,
    reference: np.ndarray | None,
) -> tuple[np.ndarray, list[str], dict[str, Any]]:
    """Return what a row of an evolution shows of a field: values [k, n, m], titles, and colors that they share."""
    if reference is None:
        reference = prediction
    if kind == "error":
        shown, distances = _errors(prediction, reference)
        norm = _error_norm(shown[np.isfinite(shown)])
        shown = np.where(np.isfinite(shown), np.maximum(shown, norm.vmin or 0.0), np.nan)
        return (
            shown,
            [rf"rel. $L^2$ ${scientific(d)}$" for d in distances],
            {"cmap": "magma", "norm": norm},
        )
    label = math_text(name) + (", reference" if kind == "reference" else "")
    titles = [f"{label}, ${symbol('t')} = {t:.3g}$" for t in times]
    return (
        reference if kind == "reference" else prediction,
        titles,
        _colors(np.stack([prediction, reference])),
    )


def _errors(prediction: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Return |prediction − reference| [k, n, m] and the relative L2 errors [k], over what is finite."""
    error, distances = np.abs(prediction - reference), []
    for found, truth in zip(prediction, reference, strict=True):
        inside = np.isfinite(found - truth)
        distances.append(relative_l2(found[inside], truth[inside]) if inside.any() else np.nan)
    return error, distances


def _panel(
    axes: Axes, names: Sequence[str], grids: Sequence[np.ndarray], values: np.ndarray, **colors: Any
) -> Any:
    horizontal, vertical = axis_order(names)
    shown = values.T if (horizontal, vertical) == (0, 1) else values
    image = axes.pcolormesh(
        grids[horizontal], grids[vertical], shown, shading="nearest", rasterized=True, **colors
    )
    # Cells are centered on grid points, so the outer ones stand out by a half.
    axes.set_xlim(grids[horizontal][0], grids[horizontal][-1])
    axes.set_ylim(grids[vertical][0], grids[vertical][-1])
    axes.xaxis.set_major_locator(few_ticks())
    axes.yaxis.set_major_locator(few_ticks())
    label_axes(axes, names)
    return image


def _draw_boundary(
    axes: Axes, names: Sequence[str], grids: Sequence[np.ndarray], distance: np.ndarray
) -> None:
    """Draw the line where the distance is zero; the cells of the field beside it end in steps."""
    # A little outside, so that the frame, where the distance is zero too, is not drawn twice.
    level = -1e-6 * max(float(np.ptp(grid)) for grid in grids)
    if axes.axison and np.any(distance < level):
        horizontal, vertical = axis_order(names)
        shown = distance.T if (horizontal, vertical) == (0, 1) else distance
        axes.contour(
            grids[horizontal],
            grids[vertical],
            shown,
            levels=[level],
            colors="black",
            linestyles="solid",
            linewidths=_LINE,
        )


def _error_panel(
    axes: Axes,
    names: Sequence[str],
    grids: Sequence[np.ndarray],
    name: str,
    prediction: np.ndarray,
    reference: np.ndarray,
) -> None:
    error = np.abs(prediction - reference)
    inside = np.isfinite(error)
    # A logarithmic scale has no color for zero; the floor is its lowest color.
    norm = _error_norm(error[inside])
    shown = np.where(inside, np.maximum(error, norm.vmin or 0.0), np.nan)
    _color_bar(axes, _panel(axes, names, grids, shown, cmap="magma", norm=norm))
    distance = relative_l2(prediction[inside], reference[inside]) if inside.any() else np.nan
    s = symbol(name)
    axes.set_title(rf"$|{s} - {s}^{{\mathrm{{ref}}}}|$, rel. $L^2$ ${scientific(distance)}$")


def _error_norm(error: np.ndarray) -> Normalize:
    """Return a logarithmic scale where most of the domain would be black on a linear one."""
    top = float(error.max()) if error.size else 0.0
    if top == 0:
        return Normalize(0.0, 1.0)
    if np.median(error) < top / 20:
        return LogNorm(top * 10.0**-_DECADES, top)
    return Normalize(0.0, top)


def _colors(values: np.ndarray) -> dict[str, Any]:
    """Return a diverging map around zero for fields of both signs, else a sequential one."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low < 0 < high and min(-low, high) > 0.4 * max(-low, high):
        top = max(-low, high)
        return {"cmap": "RdBu_r", "norm": Normalize(-top, top)}
    return {"cmap": "viridis", "norm": Normalize(low, high)}


def _color_bar(axes: Axes, image: Any) -> None:
    # An inset keeps the bar as tall as its panel, whatever the aspect.
    bar = axes.figure.colorbar(image, cax=axes.inset_axes((1.04, 0.0, 0.05, 1.0)))
    bar.outline.set_linewidth(0.4)
    if not isinstance(image.norm, LogNorm):
        bar.locator = few_ticks(5)
        bar.update_ticks()


def _ratio(names: Sequence[str], grids: Sequence[np.ndarray]) -> float:
    """Return height over width of a panel: to scale for two lengths, a landscape for space and time."""
    if names[1] == "t":
        return 0.75
    width, height = (float(np.ptp(grid)) for grid in grids)
    return min(max(height / width, 0.4), 1.6)
