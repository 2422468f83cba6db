"""The estimates of the unknown coefficients over the iterations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from pinn.plotting.phases import shade_phases
from pinn.plotting.style import COLORS, TRUTH, count_axis, journal, label, panels, scientific
from pinn.record import History
from pinn.record.columns import ITERATION

_WIDTH = 3.3  # inches of one panel
_MAX_COLUMNS = 3


@journal()
def unknowns_figure(
    history: History, truths: Mapping[str, float | None], units: Mapping[str, str] = {}
) -> Figure:
    """Return one panel per unknown: its estimate over iterations, and the true value dashed.

    Args:
        history: the history of a run with unknowns.
        truths: true value by name, in the coefficient's own units; None or absent where it is not
            known.
        units: units by name.
    """
    unknowns = history.unknowns()
    errors = history.unknown_errors(truths)
    iterations = history.numbers(ITERATION)
    columns = min(_MAX_COLUMNS, len(unknowns))
    rows = math.ceil(len(unknowns) / columns)
    figure, axes = panels(rows, columns, width=_WIDTH + 0.4, height=2.6, sharex=True)
    for i, (panel, name) in enumerate(zip(axes.flat, unknowns, strict=False)):
        shown = np.isfinite(unknowns[name])
        panel.plot(iterations[shown], unknowns[name][shown], color=COLORS[0], label="estimate")
        truth = truths.get(name)
        title = ""
        if truth is not None:
            panel.axhline(truth, color=TRUTH, linestyle=(0, (4, 2)), linewidth=1.2, label="truth")
            if shown.any():
                title = f"relative error ${scientific(errors[name][shown][-1])}$"
        shade_phases(panel, history.phases(ITERATION), width=_WIDTH, label=i < columns)
        panel.set_ylabel(label(name, units), rotation=0, va="center", labelpad=8)
        panel.legend(loc="best", title=title, title_fontsize=9)
        is_lowest = i >= len(unknowns) - columns
        if is_lowest:
            panel.set_xlabel("iterations")
            count_axis(panel)
            panel.tick_params(labelbottom=True)
    for panel in axes.flat[len(unknowns) :]:
        panel.set_axis_off()
    return figure
