"""The weights of terms and points over the iterations, and the last ones over the domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pinn.plotting.phases import shade_phases
from pinn.plotting.style import (
    COLORS,
    axis_order,
    count_axis,
    journal,
    label,
    label_axes,
    panels,
    term_text,
)
from pinn.record import History
from pinn.record.columns import CAUSAL_EPSILON, CAUSAL_MINIMUM, ITERATION

_WIDTH = 3.6  # inches of one panel
_RANGE = 1e-12  # the least weight shown on a logarithmic axis, relative to the largest
# Dashes differ, so that equal weights show through each other.
_DASHES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1, 1.5)))


@journal()
def weights_figure(
    history: History,
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
    axes_names: Sequence[str],
    units: Mapping[str, str] = {},
) -> Figure:
    """Return the weights over iterations, and the last weights of points at their points.

    Where the points of a term have weights of their own, the line is their mean, and a band extends
    from the least to the largest.  Causal weights have a panel of their own: the least of them,
    which ends the training when it comes near 1, above the steps of ε.

    Args:
        history: the history of a run whose weights follow the training.
        points: points [n, d] and their weights [n] by term.
        axes_names: names of the first two coordinates, or of the only one.
        units: units by name.
    """
    is_causal = CAUSAL_MINIMUM in history
    count = 1 + is_causal + len(points)
    columns = min(2, count)
    rows = -(-count // columns)
    figure, axes = panels(rows, columns, width=_WIDTH + 0.9, height=2.7)
    remaining = iter(axes.flat)
    _draw_weights(next(remaining), history)
    if is_causal:
        _draw_causal(next(remaining), history)
    for name, (coordinates, weights) in points.items():
        _draw_at_points(next(remaining), name, coordinates, weights, axes_names, units)
    for panel in remaining:
        panel.set_axis_off()
    return figure


def _draw_weights(axes: Axes, history: History) -> None:
    """Draw the weights of all terms over iterations."""
    iterations = history.numbers(ITERATION)
    ranges = history.weight_ranges()
    for i, (name, mean) in enumerate(history.weights().items()):
        color = COLORS[i % len(COLORS)]
        dashes = _DASHES[i % len(_DASHES)]
        axes.plot(iterations, mean, color=color, linestyle=dashes, label=term_text(name))
        if name in ranges:
            least, largest = ranges[name]
            bottom = np.maximum(least, np.finfo(float).tiny)
            axes.fill_between(iterations, bottom, largest, color=color, alpha=0.2, linewidth=0)
    axes.set_yscale("log")
    limits = _limits(history)
    if limits is not None:
        axes.set_ylim(*limits)
    axes.set_ylabel("weight")
    axes.legend(loc="best")
    _finish_iterations(axes, history)


def _limits(history: History) -> tuple[float, float] | None:
    """Return the limits of the axis of weights; None if no weight is positive."""
    lower = list(history.weights().values())
    upper = list(lower)
    for least, largest in history.weight_ranges().values():
        lower.append(least)
        upper.append(largest)
    values = np.concatenate(lower)
    positive = values[np.isfinite(values) & (values > 0)]
    if not len(positive):
        return None
    top = float(np.nanmax(np.concatenate(upper), initial=0.0))
    return max(float(np.min(positive)) / 2, _RANGE * top), 2 * top


def _draw_causal(axes: Axes, history: History) -> None:
    """Draw the least causal weight, and ε on a second axis, over iterations."""
    iterations = history.numbers(ITERATION)
    axes.plot(iterations, history.numbers(CAUSAL_MINIMUM), color=COLORS[0])
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel(r"$\min_i w_i$", color=COLORS[0])
    right = axes.twinx()
    epsilon = history.numbers(CAUSAL_EPSILON)
    right.step(iterations, epsilon, where="pre", color=COLORS[1], linestyle=":")
    right.set_yscale("log")
    right.set_ylabel(r"$\epsilon$", color=COLORS[1], rotation=0, va="center", labelpad=8)
    _finish_iterations(axes, history)


def _draw_at_points(
    axes: Axes,
    name: str,
    coordinates: np.ndarray,
    weights: np.ndarray,
    axes_names: Sequence[str],
    units: Mapping[str, str],
) -> None:
    """Draw weights over the first two coordinates, or over the only one of them that varies."""
    axes.set_title(term_text(name))
    varying = [i for i in range(len(axes_names)) if np.ptp(coordinates[:, i]) > 0]
    if len(varying) < 2:
        along = varying[0] if varying else 0
        axes.plot(coordinates[:, along], weights, ".", color=COLORS[0], markersize=3)
        axes.set_xlabel(label(axes_names[along], units))
        axes.set_ylabel("weight at the end")
        return
    # The largest weights are drawn last, over the others.
    order = np.argsort(weights)
    horizontal, vertical = axis_order(axes_names)
    least = float(np.min(weights))
    largest = float(np.max(weights))
    image = axes.scatter(
        coordinates[order, horizontal],
        coordinates[order, vertical],
        c=weights[order],
        s=3,
        norm=LogNorm(least, largest) if 0 < least < largest / 30 else None,
        cmap="viridis",
        linewidths=0,
    )
    assert axes.figure is not None
    axes.figure.colorbar(image, ax=axes, label="weight at the end")
    label_axes(axes, axes_names, units)
    axes.margins(0.02)


def _finish_iterations(axes: Axes, history: History) -> None:
    """Shade the phases and label the horizontal axis."""
    shade_phases(axes, history.phases(ITERATION), width=_WIDTH, label=True)
    axes.set_xlabel("iterations")
    count_axis(axes)
