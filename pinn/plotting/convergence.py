"""Losses and errors over time and over evaluations."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.phases import History, numbers, phases, shade
from pinn.plotting.style import COLORS, count_axis, journal, math_text, panels

_WIDTH, _HEIGHT = 3.3, 2.3  # inches of one panel
_ENTRY = 0.17  # inches of one line of the legend
_ABSCISSAE = {"seconds": "time / s", "evaluations": "evaluations of loss and gradient"}


@journal()
def convergence_figure(history: History) -> Figure:
    """Return the losses and, below them, the errors against the reference, on logarithmic scales.

    Left over seconds, right over evaluations.  The losses of the terms are thin; phases are shaded
    in turn.

    Args:
        history: columns `phase`, `seconds`, `evaluations`, `loss`, and where they exist
            `heldout_loss`, `loss_<term>` and `error_<field>` (relative L2), one value per report.
    """
    losses = [c for c in ("loss", "heldout_loss") if c in history] + [
        c for c in history if c.startswith("loss_")
    ]
    errors = [
        c for c in history if c.startswith("error_") and np.isfinite(numbers(history, c)).any()
    ]
    rows = [("loss", losses)] + ([("relative $L^2$ error", errors)] if errors else [])
    height = max(_HEIGHT, _ENTRY * (len(losses) + 3))  # room for the legend beside the panel
    figure, axes = panels(
        len(rows), 2, width=_WIDTH + 0.6, height=height, sharex="col", sharey="row"
    )
    for number, (row, (title, columns)) in enumerate(zip(axes, rows, strict=True)):
        for panel, abscissa in zip(row, _ABSCISSAE, strict=True):
            for column, style in _styles(columns).items():
                _curve(panel, history, abscissa, column, style)
            panel.set_yscale("log")
            panel.grid(axis="y", which="major", linewidth=0.4, color="#DDDDDD")
            panel.set_axisbelow(True)
            shade(panel, phases(history, abscissa), width=_WIDTH, label=number == 0)
        row[0].set_ylabel(title)
        row[1].legend(
            loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0, labelspacing=0.3
        )
    for panel, text in zip(axes[-1], _ABSCISSAE.values(), strict=True):
        panel.set_xlabel(text)
    count_axis(axes[-1, 1])
    return figure


def _curve(axes: Axes, history: History, abscissa: str, column: str, style: dict[str, Any]) -> None:
    at, values = numbers(history, abscissa), numbers(history, column)
    shown = np.isfinite(values) & (values > 0)  # a logarithmic axis has no place for the others
    axes.plot(at[shown], values[shown], label=_label(column), **style)


def _styles(columns: list[str]) -> dict[str, dict[str, Any]]:
    """Return each curve's look: losses black and gray, all others hues in turn, then dotted ones; terms thin."""
    found: dict[str, dict[str, Any]] = {
        "loss": {"color": "#000000"},
        "heldout_loss": {"color": "#777777", "linestyle": (0, (4, 2))},
    }
    hues = COLORS[:-1]  # without black
    for i, column in enumerate(c for c in columns if c not in found):
        style = {"color": hues[i % len(hues)], "linestyle": ("-", ":", "-.")[i // len(hues) % 3]}
        found[column] = style | ({"linewidth": 0.8} if column.startswith("loss_") else {})
    return {c: found[c] for c in columns}


def _label(column: str) -> str:
    if column.startswith("error_"):
        return math_text(column.removeprefix("error_"))
    names = {"loss": "training", "heldout_loss": "held out"}
    return names.get(column) or column.removeprefix("loss_").replace("_", " ")
