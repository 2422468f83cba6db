"""Fields over two coordinates: prediction, reference and error, at one time or at several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from pinn.norms import relative_l2
from pinn.plotting.style import (
    Fields,
    add_note,
    axis_order,
    few_ticks,
    journal,
    label,
    label_axes,
    panels,
    place_ticks,
    scientific,
    symbol,
    with_unit,
)

_WIDTH = 2.2  # inches of one panel, without its color bar
_FRAME = 1.6  # the same where time runs from panel to panel
_LINE = 1.2  # points: the boundary of a domain, wide enough to hide the steps of the cells at it
_DECADES = 4  # of a logarithmic error scale; lower errors have its lowest color


class _Colors(NamedTuple):
    """A color map and its scale."""

    map: str
    norm: Normalize


@dataclass(frozen=True)
class _Plane:
    """Two coordinates with their grids, and how a field over them is drawn.

    Attributes:
        names: names of the coordinates; a second one called "t" runs along the horizontal axis.
        grids: values of the coordinates, [n] and [m].
        distance: signed distance to the domain's boundary [n, m], positive inside; or None.
        units: units by name.
        log_axes: by coordinate, the value from which on it counts by its logarithm.
    """

    names: Sequence[str]
    grids: Sequence[np.ndarray]
    distance: np.ndarray | None
    units: Mapping[str, str]
    log_axes: Mapping[str, float]

    @property
    def ratio(self) -> float:
        """Height over width of a panel: to scale for two lengths, else a landscape."""
        if self.names[1] == "t":
            return 0.75
        width, height = (float(np.ptp(grid)) for grid in self.grids)
        return min(max(height / width, 0.4), 1.6)

    def panels(
        self, rows: int, columns: int, *, width: float, margins: tuple[float, float]
    ) -> tuple[Figure, np.ndarray]:
        """Return a figure with panels of `width` inches, and `margins` around each (across, up)."""
        across, up = margins
        figure, axes = panels(
            rows,
            columns,
            width=width + across,
            height=width * self.ratio + up,
            sharex=True,
            sharey=True,
        )
        for panel in axes.flat:
            panel.set_box_aspect(self.ratio)
        return figure, axes

    def draw(self, axes: Axes, values: np.ndarray, colors: _Colors) -> QuadMesh:
        """Draw a field [n, m] and the boundary of the domain."""
        horizontal, vertical = axis_order(self.names)
        image = axes.pcolormesh(
            self.grids[horizontal],
            self.grids[vertical],
            self._rows_upward(values),
            shading="nearest",
            rasterized=True,
            cmap=colors.map,
            norm=colors.norm,
        )
        # Cells are centered on grid points, so half of the outer ones lies outside.
        axes.set_xlim(self.grids[horizontal][0], self.grids[horizontal][-1])
        axes.set_ylim(self.grids[vertical][0], self.grids[vertical][-1])
        place_ticks(axes, "x", self.names[horizontal], self.log_axes)
        place_ticks(axes, "y", self.names[vertical], self.log_axes)
        label_axes(axes, self.names, self.units)
        if self.distance is not None:
            self._draw_boundary(axes, self.distance)
        return image

    def _draw_boundary(self, axes: Axes, distance: np.ndarray) -> None:
        """Draw the line where the distance is zero; the cells of the field end there in steps."""
        # A little outside, so that the frame, where the distance is zero too, is not drawn twice.
        level = -1e-6 * max(float(np.ptp(grid)) for grid in self.grids)
        if np.any(distance < level):
            horizontal, vertical = axis_order(self.names)
            axes.contour(
                self.grids[horizontal],
                self.grids[vertical],
                self._rows_upward(distance),
                levels=[level],
                colors="black",
                linestyles="solid",
                linewidths=_LINE,
            )

    def _rows_upward(self, values: np.ndarray) -> np.ndarray:
        """Return values [n, m] with the vertical coordinate along the rows."""
        return values.T if axis_order(self.names) == (0, 1) else values


@journal()
def field_figure(
    axes_names: Sequence[str],
    grids: Sequence[np.ndarray],
    fields: Fields,
    *,
    note: str = "",
    distance: np.ndarray | None = None,
    units: Mapping[str, str] = {},
    log_axes: Mapping[str, float] = {},
    estimated: Mapping[str, np.ndarray] = {},
) -> Figure:
    """Return a row of three pictures per field: prediction, reference and |prediction − reference|.

    The first two share their colors.  Fields without a reference show the prediction, and the size
    of the estimated error where there is an estimate.

    Args:
        axes_names: names of the two coordinates; a second one called "t" runs along the horizontal
            axis.
        grids: values of the two coordinates, [n] and [m].
        fields: (prediction, reference or None) by field, [n, m] each; NaN lies outside the domain.
        note: a line above the figure, such as the values of further coordinates.
        distance: signed distance to the domain's boundary [n, m], positive inside; where it is
            given, the boundary is drawn.
        units: units by name.
        log_axes: by coordinate, the value from which on it counts by its logarithm.
        estimated: the estimated error [n, m] by field.
    """
    plane = _Plane(axes_names, grids, distance, units, log_axes)
    has_reference = any(reference is not None for _, reference in fields.values())
    columns = 3 if has_reference else 1 + bool(estimated)
    figure, axes = plane.panels(len(fields), columns, width=_WIDTH, margins=(0.75, 0.75))
    for row, (name, (prediction, reference)) in zip(axes, fields.items(), strict=True):
        colors = _field_colors(prediction, reference)
        image = plane.draw(row[0], prediction, colors)
        row[0].set_title(f"{label(name, units)}, prediction")
        if reference is None:
            _add_color_bar(row[0], image)
            rest = row[1:]
            if name in estimated and len(rest):
                error, colors = _error_colors(np.abs(estimated[name]))
                _add_color_bar(rest[0], plane.draw(rest[0], error, colors))
                rest[0].set_title(f"{label(name, units)}, estimated error")
                rest = rest[1:]
            for panel in rest:
                panel.set_axis_off()
            continue
        _add_color_bar(row[1], plane.draw(row[1], reference, colors))
        row[1].set_title(f"{label(name, units)}, reference")
        _draw_error(plane, row[2], name, prediction, reference)
    _label_outer_panels(axes)
    add_note(figure, note)
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
    units: Mapping[str, str] = {},
) -> Figure:
    """Return the prediction, and below it the reference and the error, with one column per time.

    The colors of a field are the same at all times, and the same for its reference; those of its
    error |prediction − reference| are the same at all times.

    Args:
        axes_names: names of the two coordinates in space.
        grids: values of the two coordinates, [n] and [m].
        times: the times [k], in the problem's own units.
        fields: (prediction, reference or None) by field, [k, n, m] each; NaN lies outside the
            domain.
        note: a line above the figure, such as the values of further coordinates.
        distance: as in `field_figure`.
        units: units by name.
    """
    plane = _Plane(axes_names, grids, distance, units, {})
    count = sum(1 if reference is None else 3 for _, reference in fields.values())
    figure, axes = plane.panels(count, len(times), width=_FRAME, margins=(0.25, 0.45))
    rows = iter(axes)
    for name, (prediction, reference) in fields.items():
        colors = _field_colors(prediction, reference)
        titles = _time_titles(label(name, units), times, units)
        _draw_frames(plane, next(rows), prediction, titles, colors)
        if reference is not None:
            titles = _time_titles(f"{label(name, units)}, reference", times, units)
            _draw_frames(plane, next(rows), reference, titles, colors)
            _draw_error_frames(plane, next(rows), prediction, reference)
    _label_outer_panels(axes)
    add_note(figure, note)
    return figure


@journal()
def changes_figure(
    axes_names: Sequence[str],
    grids: Sequence[np.ndarray],
    changes: Sequence[Mapping[str, np.ndarray]],
    *,
    note: str = "",
    distance: np.ndarray | None = None,
    units: Mapping[str, str] = {},
    log_axes: Mapping[str, float] = {},
) -> Figure:
    """Return changes of fields that the equations allow: one column per change, a row per field.

    Args:
        axes_names: names of the two coordinates, as in `field_figure`.
        grids: values of the two coordinates, [n] and [m].
        changes: by field, [n, m]; NaN lies outside the domain.
        note: a line above the figure.
        distance: as in `field_figure`.
        units: units by name.
        log_axes: by coordinate, the value from which on it counts by its logarithm.
    """
    plane = _Plane(axes_names, grids, distance, units, log_axes)
    names = list(changes[0])
    figure, axes = plane.panels(len(names), len(changes), width=_WIDTH, margins=(0.75, 0.75))
    for name, row in zip(names, axes, strict=True):
        for number, (panel, change) in enumerate(zip(row, changes, strict=True), start=1):
            top = float(np.nanmax(np.abs(change[name]))) or 1.0
            colors = _Colors("RdBu_r", Normalize(-top, top))
            _add_color_bar(panel, plane.draw(panel, change[name], colors))
            panel.set_title(f"{label(name, units)}, change {number}")
    _label_outer_panels(axes)
    add_note(figure, note)
    return figure


def _draw_frames(
    plane: _Plane, row: np.ndarray, frames: np.ndarray, titles: Sequence[str], colors: _Colors
) -> None:
    """Draw values [k, n, m] in a row of panels that share their colors."""
    images = []
    for panel, values, title in zip(row, frames, titles, strict=True):
        images.append(plane.draw(panel, values, colors))
        panel.set_title(title)
    _add_color_bar(row[-1], images[-1])


def _draw_error_frames(
    plane: _Plane, row: np.ndarray, prediction: np.ndarray, reference: np.ndarray
) -> None:
    """Draw |prediction − reference| [k, n, m] in a row of panels."""
    error, colors = _error_colors(np.abs(prediction - reference))
    titles: list[str] = []
    for frame, truth in zip(prediction, reference, strict=True):
        titles.append(_relative_l2_text(frame, truth))
    _draw_frames(plane, row, error, titles, colors)


def _draw_error(
    plane: _Plane, axes: Axes, name: str, prediction: np.ndarray, reference: np.ndarray
) -> None:
    """Draw |prediction − reference| [n, m]."""
    error, colors = _error_colors(np.abs(prediction - reference))
    _add_color_bar(axes, plane.draw(axes, error, colors))
    s = symbol(name)
    difference = rf"$|{s} - {s}^{{\mathrm{{ref}}}}|$"
    axes.set_title(f"{difference}, {_relative_l2_text(prediction, reference)}")


def _time_titles(title: str, times: Sequence[float], units: Mapping[str, str]) -> list[str]:
    unit = with_unit("t", units)
    return [f"{title}, ${symbol('t')} = {time:.3g}${unit}" for time in times]


def _relative_l2_text(prediction: np.ndarray, reference: np.ndarray) -> str:
    """Return the relative L2 error over the points at which the error is finite."""
    inside = np.isfinite(prediction - reference)
    value = relative_l2(prediction[inside], reference[inside]) if inside.any() else np.nan
    return rf"rel. $L^2$ ${scientific(value)}$"


def _error_colors(error: np.ndarray) -> tuple[np.ndarray, _Colors]:
    """Return an error that is raised to the least value of its scale, and its colors.

    The scale is logarithmic if most of the domain would be black on a linear one.
    """
    inside = np.isfinite(error)
    values = error[inside]
    top = float(values.max()) if values.size else 0.0
    if top == 0:
        norm = Normalize(0.0, 1.0)
    elif np.median(values) < top / 20:
        norm = LogNorm(top * 10.0**-_DECADES, top)
    else:
        norm = Normalize(0.0, top)
    # A logarithmic scale has no color for zero.
    raised = np.where(inside, np.maximum(error, norm.vmin or 0.0), np.nan)
    return raised, _Colors("magma", norm)


def _field_colors(prediction: np.ndarray, reference: np.ndarray | None) -> _Colors:
    """Return a diverging map around zero for fields of both signs, else a sequential one."""
    values = prediction if reference is None else np.stack([prediction, reference])
    finite = values[np.isfinite(values)]
    low = float(finite.min()) if finite.size else 0.0
    high = float(finite.max()) if finite.size else 1.0
    top = max(-low, high)
    has_both_signs = low < 0 < high and min(-low, high) > 0.4 * top
    if has_both_signs:
        return _Colors("RdBu_r", Normalize(-top, top))
    return _Colors("viridis", Normalize(low, high))


def _add_color_bar(axes: Axes, image: QuadMesh) -> None:
    """Add a color bar to the right of a panel."""
    assert axes.figure is not None
    # An inset keeps the bar as tall as its panel, whatever the aspect.
    bar = axes.figure.colorbar(image, cax=axes.inset_axes((1.04, 0.0, 0.05, 1.0)))
    bar.outline.set_linewidth(0.4)
    if not isinstance(image.norm, LogNorm):
        bar.locator = few_ticks(5)
        bar.update_ticks()


def _label_outer_panels(axes: np.ndarray) -> None:
    """Leave the labels of the coordinates to the lowest row and the first column."""
    for panel in axes[:-1].flat:
        panel.set_xlabel("")
    for panel in axes[:, 1:].flat:
        panel.set_ylabel("")
