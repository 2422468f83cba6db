"""Losses and errors over time and over evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.phases import shade_phases
from pinn.plotting.style import COLORS, count_axis, journal, math_text, panels, term_text
from pinn.record import History
from pinn.record.columns import EVALUATIONS, HELDOUT_LOSS, LOSS, SECONDS
from pinn.record.history import Series

_WIDTH = 3.3  # inches of one panel
_HEIGHT = 2.3
_ENTRY = 0.17  # inches per line of the legend
_ABSCISSAE = {SECONDS: "time / s", EVALUATIONS: "evaluations of loss and gradient"}
_HUES = COLORS[:-1]  # without black
_DASHES = ("-", ":", "-.")


class _Curve(NamedTuple):
    label: str
    values: Series
    style: dict[str, Any]


@journal()
def convergence_figure(history: History) -> Figure:
    """Return the losses and, below them, the errors against the reference, on logarithmic scales.

    The abscissa is seconds on the left and evaluations on the right.  The losses of the terms are
    thin; phases are shaded alternately.  Errors are relative L2 errors.
    """
    losses = _loss_curves(history)
    errors = _error_curves(history)
    rows = [("loss", losses)]
    if errors:
        rows.append(("relative $L^2$ error", errors))
    # The legend stands to the right of the panels, and must not be taller than they are.
    height = max(_HEIGHT, _ENTRY * (len(losses) + 3))
    figure, axes = panels(
        len(rows), 2, width=_WIDTH + 0.6, height=height, sharex="col", sharey="row"
    )
    for number, (row, (title, curves)) in enumerate(zip(axes, rows, strict=True)):
        for panel, abscissa in zip(row, _ABSCISSAE, strict=True):
            _draw(panel, history.numbers(abscissa), curves)
            spans = history.phases(abscissa)
            shade_phases(panel, spans, width=_WIDTH, label=number == 0)
        row[0].set_ylabel(title)
        row[1].legend(
            loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0, labelspacing=0.3
        )
    for panel, text in zip(axes[-1], _ABSCISSAE.values(), strict=True):
        panel.set_xlabel(text)
    count_axis(axes[-1, 1])
    return figure


def _loss_curves(history: History) -> list[_Curve]:
    """Return the curves of the losses: training black, held-out gray, terms thin and colored."""
    curves: list[_Curve] = []
    if LOSS in history:
        curves.append(_Curve("training", history.numbers(LOSS), {"color": "#000000"}))
    if HELDOUT_LOSS in history:
        style = {"color": "#777777", "linestyle": (0, (4, 2))}
        curves.append(_Curve("held out", history.numbers(HELDOUT_LOSS), style))
    for i, (name, values) in enumerate(history.losses().items()):
        curves.append(_Curve(term_text(name), values, {**_hue(i), "linewidth": 0.8}))
    return curves


def _error_curves(history: History) -> list[_Curve]:
    """Return the curves of the errors that are finite anywhere."""
    known = {name: e for name, e in history.errors().items() if np.isfinite(e).any()}
    return [_Curve(math_text(name), e, _hue(i)) for i, (name, e) in enumerate(known.items())]


def _hue(number: int) -> dict[str, Any]:
    """Return the style of the i-th curve: all hues solid, then all dotted, then all dash-dotted."""
    dashes = _DASHES[number // len(_HUES) % len(_DASHES)]
    return {"color": _HUES[number % len(_HUES)], "linestyle": dashes}


def _draw(axes: Axes, abscissae: Series, curves: Sequence[_Curve]) -> None:
    for curve in curves:
        # A logarithmic axis has no place for other values.
        shown = np.isfinite(curve.values) & (curve.values > 0)
        axes.plot(abscissae[shown], curve.values[shown], label=curve.label, **curve.style)
    axes.set_yscale("log")
    axes.grid(axis="y", which="major", linewidth=0.4, color="#DDDDDD")
    axes.set_axisbelow(True)
