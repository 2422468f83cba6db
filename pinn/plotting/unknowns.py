"""How the unknown coefficients approached their true values."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from pinn.norms import relative_error
from pinn.plotting.phases import History, numbers, phases, shade
from pinn.plotting.style import COLORS, TRUTH, count_axis, journal, math_text, panels, scientific

_WIDTH = 3.3  # inches of one panel


@journal()
def unknowns_figure(history: History, truths: Mapping[str, float | None]) -> Figure:
    """Return one panel per unknown: its estimate over iterations, and the true value dashed.

    Args:
        history: columns `phase`, `iteration` and `unknown_<name>`, one value per report.
        truths: true value by name, in the coefficient's own units; None or absent where it is not
            known.
    """
    names = [c.removeprefix("unknown_") for c in history if c.startswith("unknown_")]
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure, axes = panels(rows, columns, width=_WIDTH + 0.4, height=2.6, sharex=True)
    at = numbers(history, "iteration")
    for i, (panel, name) in enumerate(zip(axes.flat, names, strict=False)):
        values = numbers(history, f"unknown_{name}")
        shown = np.isfinite(values)
        panel.plot(at[shown], values[shown], color=COLORS[0], label="estimate")
        truth = truths.get(name)
        if truth is not None:
            panel.axhline(truth, color=TRUTH, linestyle=(0, (4, 2)), linewidth=1.2, label="truth")
        shade(panel, phases(history, "iteration"), width=_WIDTH, label=i < columns)
        panel.set_ylabel(math_text(name), rotation=0, va="center", labelpad=8)
        panel.legend(loc="best", title=_found(values[shown], truth), title_fontsize=9)
        if i >= len(names) - columns:
            panel.set_xlabel("iterations")
            count_axis(panel)
            panel.tick_params(labelbottom=True)
    for panel in axes.flat[len(names) :]:
        panel.set_axis_off()
    return figure


def _found(values: np.ndarray, truth: float | None) -> str:
    if truth is None or not len(values):
        return ""
    return f"relative error ${scientific(relative_error(float(values[-1]), truth))}$"
