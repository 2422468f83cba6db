"""Losses and errors over time and over evaluations."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.phases import History, numbers, phases, shade
from pinn.plotting.style import COLORS, count_axis, journal, math_text, panels

_WIDTH, _HEIGHT = 3.3, 2.3  # inches of one panel
_ABSCISSAE = {"seconds": "time / s", "evaluations": "evaluations of loss and gradient"}


@journal()
def convergence_figure(history: History) -> Figure:
    """Return the losses and, below them, the errors against the reference, on logarithmic scales.

    Left over seconds, right over evaluations.  The losses of the terms are thin; phases are shaded in turn.

    Args:
        history: columns `phase`, `seconds`, `evaluations`, `loss`, and where they exist `heldout_loss`,
            `loss_<term>` and `error_<field>` (relative L2), one value per report.
    """
    losses = [c for c in ("loss", "heldout_loss") if c in history] + [c for c in history if c.startswith("loss_")]
    errors = [c for c in history if c.startswith("error_") and np.isfinite(numbers(history, c)).any()]
    rows = [("loss", losses)] + ([("relative $L^2$ error", errors)] if errors else [])
    figure, axes = panels(len(rows), 2, width=_WIDTH + 0.6, height=_HEIGHT, sharex="col", sharey="row")
    for number, (row, (title, columns)) in enumerate(zip(axes, rows, strict=True)):
        for panel, abscissa in zip(row, _ABSCISSAE, strict=True):
            for color, column in zip(_colors(columns), columns, strict=True):
                _curve(panel, history, abscissa, column, color)
            panel.set_yscale("log")
            panel.grid(axis="y", which="major", linewidth=0.4, color="#DDDDDD")
            panel.set_axisbelow(True)
            shade(panel, phases(history, abscissa), width=_WIDTH, label=number == 0)
        row[0].set_ylabel(title)
        row[1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0, labelspacing=0.3)
    for panel, text in zip(axes[-1], _ABSCISSAE.values(), strict=True):
        panel.set_xlabel(text)
    count_axis(axes[-1, 1])
    return figure


def _curve(axes: Axes, history: History, abscissa: str, column: str, color: str) -> None:
    at, values = numbers(history, abscissa), numbers(history, column)
    shown = np.isfinite(values) & (values > 0)  # a logarithmic axis has no place for the others
    style = {"linewidth": 0.8, "alpha": 0.9} if column.startswith("loss_") else {}
    if column == "heldout_loss":
        style = {"linestyle": (0, (4, 2))}
    axes.plot(at[shown], values[shown], color=color, label=_label(column), **style)


def _colors(columns: list[str]) -> list[str]:
    """Return black for the loss, dark gray for the held-out one, and hues in turn for all others."""
    fixed = {"loss": "#000000", "heldout_loss": "#777777"}
    others = [c for c in columns if c not in fixed]
    hues = {c: COLORS[i % (len(COLORS) - 1)] for i, c in enumerate(others)}
    return [fixed.get(c) or hues[c] for c in columns]


def _label(column: str) -> str:
    if column.startswith("error_"):
        return math_text(column.removeprefix("error_"))
    names = {"loss": "training", "heldout_loss": "held out"}
    return names.get(column) or column.removeprefix("loss_").replace("_", " ")
