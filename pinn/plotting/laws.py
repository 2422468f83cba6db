"""Unknown functions of fields, over the values that the field takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from pinn.plotting.style import COLORS, TRUTH, few_ticks, journal, label, panels

_MAX_COLUMNS = 3


class Law(NamedTuple):
    """A function of one field, at the same points as the field.

    Attributes:
        name: of the function.
        field: of its argument.
        prediction: values of the field and of the function, [n] each.
        reference: the same of the reference, or None.
    """

    name: str
    field: str
    prediction: tuple[np.ndarray, np.ndarray]
    reference: tuple[np.ndarray, np.ndarray] | None


@journal()
def laws_figure(laws: Sequence[Law], units: Mapping[str, str] = {}) -> Figure:
    """Return one panel per function: the prediction dashed over the reference.

    Args:
        laws: the functions.
        units: units of functions and fields by name.
    """
    columns = min(_MAX_COLUMNS, len(laws))
    rows = -(-len(laws) // columns)
    figure, axes = panels(rows, columns, width=3.7, height=2.8)
    for panel, law in zip(axes.flat, laws, strict=False):
        if law.reference is not None:
            field, values = _in_order(*law.reference)
            panel.plot(field, values, color=TRUTH, linewidth=2.2, alpha=0.7, label="reference")
        field, values = _in_order(*law.prediction)
        panel.plot(field, values, color=COLORS[1], linestyle=(0, (4, 2)), label="prediction")
        panel.set_xlabel(label(law.field, units))
        panel.set_ylabel(label(law.name, units), rotation=0, va="center", labelpad=8)
        panel.margins(x=0, y=0.08)
        panel.xaxis.set_major_locator(few_ticks())
        panel.yaxis.set_major_locator(few_ticks(5))
        panel.legend(loc="best")
    for panel in axes.flat[len(laws) :]:
        panel.set_axis_off()
    return figure


def _in_order(field: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the finite values of a field in rising order, and those of the function there."""
    finite = np.isfinite(field) & np.isfinite(values)
    order = np.argsort(field[finite], kind="stable")
    return field[finite][order], values[finite][order]
