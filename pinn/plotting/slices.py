"""Cuts through a field: u(x) at several times, or at several values of another coordinate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pinn.plotting.style import COLORS, TRUTH, Fields, few_ticks, journal, math_text, panels, symbol

_COUNT = 4


@journal()
def slices_figure(
    axes_names: Sequence[str], grids: Sequence[np.ndarray], fields: Fields, *, note: str = ""
) -> Figure:
    """Return one panel per cut and one row per field: prediction dashed over the reference.

    Args:
        axes_names: names of one or two coordinates; the first runs along the horizontal axis, the
            second is cut at quarters of its range (with its end, where it is time).
        grids: values of the coordinates, [n] and [m].
        fields: (prediction, reference or None) by field, [n, m] each ([n] for one coordinate).
        note: a line above the figure, such as the values of further coordinates.
    """
    cuts = _cuts(axes_names, grids)
    size = {"width": 2.1, "height": 1.9} if len(cuts) > 1 else {"width": 4.2, "height": 2.8}
    figure, axes = panels(len(fields), len(cuts), sharex=True, sharey="row", **size)
    for row, (name, (prediction, reference)) in zip(axes, fields.items(), strict=True):
        for panel, cut in zip(row, cuts, strict=True):
            at = (slice(None), cut) if len(axes_names) == 2 else slice(None)
            if reference is not None:
                panel.plot(
                    grids[0],
                    reference[at],
                    color=TRUTH,
                    linewidth=2.2,
                    alpha=0.7,
                    label="reference",
                )
            panel.plot(
                grids[0], prediction[at], color=COLORS[1], linestyle=(0, (4, 2)), label="prediction"
            )
            panel.set_xlim(grids[0][0], grids[0][-1])
            panel.margins(y=0.08)
            panel.xaxis.set_major_locator(few_ticks())
            panel.yaxis.set_major_locator(few_ticks(5))
        row[0].set_ylabel(math_text(name), rotation=0, va="center", labelpad=8)
    if len(axes_names) == 2:
        for panel, cut in zip(axes[0], cuts, strict=True):
            panel.set_title(f"${symbol(axes_names[1])} = {grids[1][cut]:.3g}$")
    for panel in axes[-1]:
        panel.set_xlabel(math_text(axes_names[0]))
    lines, labels = _legend(axes)
    figure.legend(lines, labels, loc="outside lower center", ncols=2)
    if note:
        figure.suptitle(note, fontsize=10)
    return figure


def _cuts(names: Sequence[str], grids: Sequence[np.ndarray]) -> list[int]:
    if len(names) == 1:
        return [0]
    last = len(grids[1]) - 1
    # Time runs to its end, where errors have grown; walls of a steady problem tell little.
    parts = _COUNT if names[1] == "t" else _COUNT + 1
    return [round(last * i / parts) for i in range(1, _COUNT + 1)]


def _legend(axes: np.ndarray) -> tuple[list, list]:
    """Return the richest legend among the rows: a field without reference has one entry only."""
    return max(
        (row[0].get_legend_handles_labels() for row in axes), key=lambda found: len(found[1])
    )
