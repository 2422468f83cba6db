"""How the weights of terms and points followed the training, and how they lie in the domain at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pinn.plotting.phases import History, numbers, phases, shade
from pinn.plotting.style import (
    COLORS,
    axis_order,
    count_axis,
    journal,
    label_axes,
    math_text,
    panels,
)

_WIDTH = 3.6  # inches of one panel
_RANGE = 1e-12  # of the largest weight: what a logarithmic axis shows at most
_STYLES: tuple[Any, ...] = (
    "-",
    (0, (4, 2)),
    (0, (1, 1.5)),
)  # equal weights show through each other


@journal()
def weights_figure(
    history: History, points: Mapping[str, tuple[np.ndarray, np.ndarray]], axes_names: Sequence[str]
) -> Figure:
    """Return the weights over iterations and, where points have weights of their own, the last ones at their places.

    A band goes from the least weight of a term's points to the largest, the line being their mean.
    Causal weights have a panel of their own: the least, which ends the training where it comes near
    1, over the steps of ε.

    Args:
        history: columns `phase`, `iteration`, `weight_<term>`, and where they exist
            `least_weight_<term>`, `largest_weight_<term>`, `causal_minimum` and `causal_epsilon`,
            one value per report.
        points: points [n, d] and their weights [n] by term.
        axes_names: names of the first two coordinates, or of one.
    """
    causal = "causal_minimum" in history
    count = 1 + causal + len(points)
    columns = min(2, count)
    rows = -(-count // columns)
    figure, axes = panels(rows, columns, width=_WIDTH + 0.9, height=2.7)
    spare = iter(axes.flat)
    _over_iterations(next(spare), history)
    if causal:
        _causal(next(spare), history)
    for name, (places, weights) in points.items():
        _at_places(next(spare), name, places, weights, axes_names)
    for panel in spare:
        panel.set_axis_off()
    return figure


def _over_iterations(axes: Axes, history: History) -> None:
    at, top = numbers(history, "iteration"), 0.0
    names = [c.removeprefix("weight_") for c in history if c.startswith("weight_")]
    for i, name in enumerate(names):
        color, style = COLORS[i % len(COLORS)], _STYLES[i % len(_STYLES)]
        axes.plot(
            at,
            numbers(history, f"weight_{name}"),
            color=color,
            linestyle=style,
            label=name.replace("_", " "),
        )
        top = max(top, float(np.nanmax(numbers(history, f"weight_{name}"), initial=0.0)))
        if f"least_weight_{name}" in history:
            least, largest = (
                numbers(history, f"{which}_weight_{name}") for which in ("least", "largest")
            )
            axes.fill_between(
                at,
                np.maximum(least, np.finfo(float).tiny),
                largest,
                color=color,
                alpha=0.2,
                linewidth=0,
            )
            top = max(top, float(np.nanmax(largest, initial=0.0)))
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    shown = [numbers(history, c) for c in history if c.startswith(("weight_", "least_weight_"))]
    positive = np.concatenate([v[np.isfinite(v) & (v > 0)] for v in shown])
    if len(positive):
        axes.set_ylim(max(float(np.min(positive)) / 2, _RANGE * top), 2 * top)
    else:
        axes.set_ylim(low, high)
    axes.set_ylabel("weight")
    axes.legend(loc="best")
    _along(axes, history)


def _causal(axes: Axes, history: History) -> None:
    at = numbers(history, "iteration")
    axes.plot(at, numbers(history, "causal_minimum"), color=COLORS[0])
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel(r"$\min_i w_i$", color=COLORS[0])
    other = axes.twinx()
    other.step(at, numbers(history, "causal_epsilon"), where="pre", color=COLORS[1], linestyle=":")
    other.set_yscale("log")
    other.set_ylabel(r"$\epsilon$", color=COLORS[1], rotation=0, va="center", labelpad=8)
    _along(axes, history)


def _at_places(
    axes: Axes, name: str, places: np.ndarray, weights: np.ndarray, axes_names: Sequence[str]
) -> None:
    """Scatter the weights over the first two coordinates, the largest on top, or draw them over one that varies."""
    order, top = np.argsort(weights), float(np.max(weights))
    axes.set_title(name.replace("_", " "))
    varying = [i for i in range(len(axes_names)) if np.ptp(places[:, i]) > 0]
    if len(varying) < 2:
        along = varying[0] if varying else 0
        axes.plot(places[:, along], weights, ".", color=COLORS[0], markersize=3)
        axes.set_xlabel(math_text(axes_names[along]))
        axes.set_ylabel("weight at the end")
        return
    across, up = (places[order, i] for i in axis_order(axes_names))
    least = float(np.min(weights))
    norm = LogNorm(least, top) if 0 < least < top / 30 else None
    found = axes.scatter(across, up, c=weights[order], s=3, norm=norm, cmap="viridis", linewidths=0)
    assert axes.figure is not None
    axes.figure.colorbar(found, ax=axes, label="weight at the end")
    label_axes(axes, axes_names)
    axes.margins(0.02)


def _along(axes: Axes, history: History) -> None:
    shade(axes, phases(history, "iteration"), width=_WIDTH, label=True)
    axes.set_xlabel("iterations")
    count_axis(axes)
