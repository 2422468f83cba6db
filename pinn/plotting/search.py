"""Pictures of a search: its results over every setting, and how much each setting matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pinn.plotting.shown_runs import DECADE, ShownRun, is_number, scale, setting_names, value_text
from pinn.plotting.style import COLORS, journal, panels

_WIDTH = 2.6  # inches of one panel
_HEIGHT = 2.4
_MOST_COLUMNS = 4
_COLORS = "viridis"  # of the order of runs
_BAR = 0.32  # inches per setting


@journal()
def search_figure(runs: Sequence[ShownRun], title: str, best: ShownRun) -> Figure:
    """Return one panel per searched setting: a dot per run, colored by its place in the search.

    Args:
        runs: the finished runs, in the order of the search.
        title: the result that the search minimizes, a key of `ShownRun.results`.
        best: the best of them, which has a ring.
    """
    names = setting_names(best.settings)
    columns = min(len(names), _MOST_COLUMNS)
    rows = -(-len(names) // columns)
    figure, axes = panels(rows, columns, width=_WIDTH, height=_HEIGHT, sharey=True)
    results = np.array([run.results.get(title, np.nan) for run in runs])
    order = np.arange(1, len(runs) + 1)
    dots = None
    for panel, (key, name) in zip(axes.flat, names.items(), strict=False):
        places = _places(panel, runs, key)
        chosen = runs.index(best)
        panel.plot(places[chosen], results[chosen], "o", color=COLORS[1], mfc="none", ms=9)
        dots = panel.scatter(places, results, c=order, cmap=_COLORS, s=14, zorder=3)
        panel.set_xlabel(name)
        scale(panel, results)
    for panel in axes.flat[len(names) :]:
        panel.axis("off")
    for row in axes:
        row[0].set_ylabel(title)
    if dots is not None:
        label = "run, in order; the ring is the best"
        ticks = MaxNLocator(nbins="auto", integer=True)
        figure.colorbar(dots, ax=axes, label=label, shrink=0.9, ticks=ticks)
    return figure


@journal()
def importance_figure(shares: Mapping[str, float]) -> Figure:
    """Return a bar per setting: its share in what sets the best runs apart.

    Args:
        shares: from 0 to 1, by key, the largest first.
    """
    names = setting_names(shares)
    figure, axes = panels(1, 1, width=1.4 * _WIDTH, height=0.7 + _BAR * len(shares))
    panel = axes[0, 0]
    places = np.arange(len(shares))[::-1]
    panel.barh(places, list(shares.values()), 0.6, color=COLORS[0])
    panel.set_yticks(places, [names[key] for key in shares])
    panel.set_xlim(0.0, max(1.0, *shares.values()) if shares else 1.0)
    panel.set_xlabel("importance (PED-ANOVA, best tenth against all)")
    return figure


def _places(panel: Axes, runs: Sequence[ShownRun], key: str) -> np.ndarray:
    """Return where the values of a setting are on the horizontal axis, and prepare the axis."""
    values: list[Any] = [run.settings.get(key) for run in runs]
    if is_number(runs, key):
        numbers = np.array(values, dtype=float)
        if all(isinstance(value, int) for value in values):
            panel.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True))
        if numbers.min() > 0 and numbers.max() >= DECADE * numbers.min():
            panel.set_xscale("log")
        return numbers
    kinds = list(dict.fromkeys(values))
    texts: list[str] = []
    for kind in kinds:
        texts.append(value_text(kind))
    turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if sum(map(len, texts)) > 20 else {}
    panel.set_xticks(range(len(kinds)), texts, **turned)
    panel.set_xlim(-0.6, len(kinds) - 0.4)
    return np.array([kinds.index(value) for value in values], dtype=float)
