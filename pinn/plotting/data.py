"""Measurements: what was measured and where, and how far the solution is from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.style import (
    COLORS,
    TRUTH,
    few_ticks,
    journal,
    label,
    label_axes,
    panels,
    symbol,
    with_unit,
)

_MOST = 20_000  # dots of a panel, taken evenly from all
_WITH_BARS = 400  # dots of a panel that have error bars, at most; more would be a blot
_MAX_COLUMNS = 3


class MeasuredColumn(NamedTuple):
    """One field or derivative as one set of measurements has it.

    Attributes:
        source: the name of the set; empty where there is one.
        name: what was measured, such as "u" or "u_x".
        coordinates: names of the coordinates, time last.
        points: the points [n, d].
        values: the measured values [n].
        sigmas: their standard deviations [n]; None where they are not known.
        predictions: the solution's values [n]; None before there is one.
        units: units of the coordinates and of the values, by name.
    """

    source: str
    name: str
    coordinates: Sequence[str]
    points: np.ndarray
    values: np.ndarray
    sigmas: np.ndarray | None = None
    predictions: np.ndarray | None = None
    units: Mapping[str, str] = {}

    @property
    def axes(self) -> list[int]:
        """The coordinates along which the points differ: two at most, at least one."""
        moving = [i for i, column in enumerate(self.points.T) if np.ptp(column) > 0]
        if len(moving) > 2 and self.coordinates[-1] == "t":
            moving = [i for i in moving if self.coordinates[i] != "t"]
        return moving[:2] or [0]

    @property
    def symbol(self) -> str:
        r"""The name as TeX mathematics without dollars: u_{xx}, \Delta u, \partial u/\partial n."""
        if self.name.startswith("lap_"):
            return rf"\Delta {symbol(self.name.removeprefix('lap_'))}"
        head, _, tail = self.name.rpartition("_")
        if head and not tail.strip("".join(self.coordinates)):
            return f"{symbol(head)}_{{{tail}}}"
        if head and tail == "n":
            return rf"\partial {symbol(head)}/\partial n"
        return symbol(self.name)

    @property
    def label(self) -> str:
        """The symbol and the unit, for an axis."""
        return f"${self.symbol}${self.unit}"

    @property
    def unit(self) -> str:
        """The unit of the values as it follows a label: a blank and the unit in parentheses."""
        unit = with_unit(self.name, self.units).strip()
        return f" ({unit})" if unit else ""

    @property
    def title(self) -> str:
        """What stands above a panel: the set, what was measured, fixed coordinates, the count."""
        parts = [self.source] if self.source else []
        fixed = []
        for name, column in zip(self.coordinates, self.points.T, strict=True):
            if np.ptp(column) == 0 and len(self.coordinates) > 1:
                fixed.append(f"{symbol(name)} = {column[0]:.3g}")
        where = f" at ${', '.join(fixed)}$" if fixed else ""
        parts.append(f"${self.symbol}${where}, {len(self.values):,} values")
        return ": ".join(parts)

    def thinned(self, most: int) -> MeasuredColumn:
        """Return at most so many of the values, evenly from all."""
        count = len(self.values)
        if count <= most:
            return self
        chosen = np.linspace(0, count - 1, most).astype(int)
        return self._replace(
            points=self.points[chosen],
            values=self.values[chosen],
            sigmas=None if self.sigmas is None else self.sigmas[chosen],
            predictions=None if self.predictions is None else self.predictions[chosen],
        )


@journal()
def data_figure(columns: Sequence[MeasuredColumn]) -> Figure:
    """Return what was measured, one panel per column.

    Where the points differ in one coordinate, the values are drawn over it, with bars of one
    standard deviation.  Otherwise the dots are in the plane of two coordinates, colored by value.
    """
    width = min(_MAX_COLUMNS, len(columns))
    rows = math.ceil(len(columns) / width)
    figure, axes = panels(rows, width, width=3.6, height=2.7)
    for panel, whole in zip(axes.flat, columns, strict=False):
        column = whole.thinned(_MOST)._replace(predictions=None)
        if len(column.axes) == 1:
            _draw_values(panel, column)
        else:
            _draw_places(panel, column, column.values, column.label, "viridis")
        panel.set_title(whole.title)
    for panel in axes.flat[len(columns) :]:
        panel.set_axis_off()
    return figure


@journal()
def misfit_figure(columns: Sequence[MeasuredColumn]) -> Figure:
    """Return the solution next to the measurements, one row per column.

    On the left, values and solution over the only coordinate, or the solution's values over the
    measured ones.  On the right, measured minus predicted at the points, in standard deviations
    where these are known.

    Args:
        columns: the measurements, with predictions.
    """
    figure, axes = panels(len(columns), 2, width=3.6, height=2.7)
    for row, whole in zip(axes, columns, strict=True):
        column = whole.thinned(_MOST)
        assert column.predictions is not None
        residuals = column.values - column.predictions
        title = rf"measured $-$ predicted{column.unit}"
        if column.sigmas is not None:
            residuals = residuals / column.sigmas
            title = r"(measured $-$ predicted) / $\sigma$"
        if len(column.axes) == 1:
            _draw_values(row[0], column)
            _draw_residuals(row[1], column, residuals)
        else:
            _draw_against(row[0], column)
            _draw_places(row[1], column, residuals, "", "coolwarm", symmetric=True)
        row[0].set_title(whole.title)
        row[1].set_title(title)
    return figure


def _draw_values(axes: Axes, column: MeasuredColumn) -> None:
    """Draw values over the only coordinate along which the points differ, and the prediction."""
    across = column.points[:, column.axes[0]]
    _draw_dots(axes, across, column)
    if column.predictions is not None:
        order = np.argsort(across)
        axes.plot(
            across[order], column.predictions[order], color=COLORS[1], label="predicted", zorder=3
        )
        axes.legend(loc="best")
    axes.set_xlabel(label(column.coordinates[column.axes[0]], column.units))
    axes.set_ylabel(column.label)
    axes.xaxis.set_major_locator(few_ticks())
    axes.yaxis.set_major_locator(few_ticks(5))


def _draw_residuals(axes: Axes, column: MeasuredColumn, residuals: np.ndarray) -> None:
    """Draw residuals over the only coordinate, with a band of two standard deviations."""
    axes.axhline(0.0, color=TRUTH, linewidth=0.8)
    if column.sigmas is not None:
        axes.axhspan(-2, 2, color=COLORS[0], alpha=0.1, linewidth=0)
    axes.plot(column.points[:, column.axes[0]], residuals, ".", color=COLORS[0], markersize=4)
    axes.set_xlabel(label(column.coordinates[column.axes[0]], column.units))
    axes.xaxis.set_major_locator(few_ticks())


def _draw_against(axes: Axes, column: MeasuredColumn) -> None:
    """Draw predicted over measured values, and the line on which they are the same."""
    assert column.predictions is not None
    ends = [float(np.min(column.values)), float(np.max(column.values))]
    axes.plot(ends, ends, color=TRUTH, linewidth=0.8, label="equal")
    few = column.thinned(_WITH_BARS)
    if few.sigmas is not None and few.predictions is not None:
        axes.errorbar(
            few.values,
            few.predictions,
            xerr=few.sigmas,
            fmt="none",
            ecolor=COLORS[0],
            elinewidth=0.6,
            alpha=0.5,
        )
    axes.plot(column.values, column.predictions, ".", color=COLORS[0], markersize=3, alpha=0.7)
    axes.set_xlabel(f"measured {column.label}")
    axes.set_ylabel(f"predicted {column.label}")
    axes.xaxis.set_major_locator(few_ticks())
    axes.yaxis.set_major_locator(few_ticks(5))
    axes.legend(loc="best")


def _draw_dots(axes: Axes, across: np.ndarray, column: MeasuredColumn) -> None:
    """Draw values as dots, with bars of one standard deviation where these are known."""
    axes.plot(across, column.values, ".", color=COLORS[0], markersize=4, label="measured")
    if column.sigmas is not None and len(column.values) <= _WITH_BARS:
        axes.errorbar(
            across, column.values, column.sigmas, fmt="none", ecolor=COLORS[0], elinewidth=0.7
        )


def _draw_places(
    axes: Axes,
    column: MeasuredColumn,
    values: np.ndarray,
    meaning: str,
    colors: str,
    *,
    symmetric: bool = False,
) -> None:
    """Draw dots in the plane of two coordinates, colored by value."""
    names = [column.coordinates[i] for i in column.axes]
    first, second = (column.points[:, i] for i in column.axes)
    across, up = (second, first) if names[1] == "t" else (first, second)
    largest = float(np.max(np.abs(values))) or 1.0
    limits = (-largest, largest) if symmetric else (None, None)
    size = min(16.0, max(2.0, 6000 / len(values)))
    dots = axes.scatter(
        across, up, c=values, s=size, cmap=colors, vmin=limits[0], vmax=limits[1], linewidths=0
    )
    label_axes(axes, names, column.units)
    axes.xaxis.set_major_locator(few_ticks())
    axes.yaxis.set_major_locator(few_ticks())
    if names[1] != "t":
        axes.set_aspect("equal")
    bar = axes.figure.colorbar(dots, ax=axes)
    bar.set_label(meaning)
