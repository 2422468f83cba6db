"""The style of all pictures: fonts, colors, symbols, and the coordinates along the axes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, StrMethodFormatter, SymmetricalLogLocator

Fields = Mapping[str, tuple[np.ndarray, np.ndarray | None]]
"""(prediction, reference or None) by field, both on the same grid."""

# Okabe & Ito (2008), "Color universal design": distinct for every kind of color vision.  Yellow is
# left out, because it cannot be read on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
TRUTH = "#666666"  # reference solutions and true values
SHADE = "#F0F0F0"  # every other phase of a run

RC: Any = {
    "font.family": "serif",
    "font.serif": ["STIXGeneral"],  # ships with matplotlib, so that pictures look alike everywhere
    "mathtext.fontset": "stix",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "axes.formatter.use_mathtext": True,
    "axes.formatter.limits": (-3, 4),
    "figure.facecolor": "white",
}

_GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|chi|"
    "psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega"
)


def journal() -> Any:
    """Return a context manager, also a decorator, that gives figures the style of a journal."""
    return matplotlib.rc_context(RC)


def panels(
    rows: int, columns: int, *, width: float, height: float, **options: Any
) -> tuple[Figure, np.ndarray]:
    """Return a figure and its axes [rows, columns], each of about `width` × `height` inches."""
    # Compression closes the gaps that the layout leaves between panels of a fixed aspect.
    layout = ConstrainedLayoutEngine(compress=True, w_pad=0.07, h_pad=0.05)
    figure = Figure(figsize=(columns * width, rows * height), layout=layout)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def symbol(name: str) -> str:
    r"""Return a name as TeX mathematics without dollars.

    Examples: "lambda1" is \lambda_{1}, "u_re" is u_{\mathrm{re}}, "abs_h" is |h|.
    """
    if name.startswith("abs_"):
        return f"|{symbol(name.removeprefix('abs_'))}|"
    match = re.fullmatch(r"([A-Za-z]+?)_?(\d+)", name) or re.fullmatch(r"([A-Za-z]+)_(\w+)", name)
    if match is None:
        return _letters(name)
    head, tail = match.groups()
    return f"{_letters(head)}_{{{tail if tail.isdigit() else _upright(tail)}}}"


def math_text(name: str) -> str:
    """Return a name as a label: an italic symbol for a letter, upright letters for a word."""
    return f"${symbol(name)}$"


def label(name: str, units: Mapping[str, str] = {}) -> str:
    """Return a name as a label with its unit, where it has one other than "1"."""
    unit = with_unit(name, units).strip()
    return f"{math_text(name)} ({unit})" if unit else math_text(name)


def with_unit(name: str, units: Mapping[str, str]) -> str:
    """Return what follows a value: a blank and the unit, or nothing without one."""
    unit = units.get(name, "1").replace("$", r"\$")  # a dollar would begin mathematics
    return "" if unit == "1" else f" {unit}"


def term_text(name: str) -> str:
    """Return the name of a term as words."""
    return name.replace("_", " ")


def scientific(value: float) -> str:
    r"""Return a number as TeX mathematics without dollars, three digits: 2.31\times10^{-4}."""
    if not math.isfinite(value):
        return r"\mathrm{" + str(value) + "}"
    if value == 0 or 1e-2 <= abs(value) < 1e4:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return rf"{mantissa}\times10^{{{int(exponent)}}}"


def axis_order(names: Sequence[str]) -> tuple[int, int]:
    """Return the indices of the horizontal and of the vertical coordinate: time is horizontal."""
    return (1, 0) if names[1] == "t" else (0, 1)


def add_note(figure: Figure, note: str) -> None:
    """Write a line above a figure, such as the values of further coordinates; "" writes none."""
    if note:
        figure.suptitle(note, fontsize=10)


def few_ticks(most: int = 4) -> MaxNLocator:
    """Return a locator of at most `most` + 1 ticks at round numbers."""
    return MaxNLocator(most, steps=[1, 2, 2.5, 5, 10])


def count_axis(axes: Axes) -> None:
    """Write the numbers of the horizontal axis in full: 20,000 rather than 2.0 × 10⁴."""
    axes.xaxis.set_major_locator(few_ticks())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def place_ticks(
    axes: Axes, which: Literal["x", "y"], name: str, log_axes: Mapping[str, float], most: int = 4
) -> None:
    """Place few ticks along an axis; make it logarithmic where its coordinate counts so.

    Args:
        axes: the panel.
        which: the axis.
        name: the coordinate along it.
        log_axes: by coordinate, the value from which on it counts by its logarithm.
        most: ticks of an axis that is linear.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    if name not in log_axes:
        axis.set_major_locator(few_ticks(most))
        return
    scale = axes.set_xscale if which == "x" else axes.set_yscale
    scale("symlog", linthresh=log_axes[name])
    locator = SymmetricalLogLocator(base=10, linthresh=log_axes[name])
    locator.set_params(numticks=most)
    axis.set_major_locator(locator)


def label_axes(axes: Axes, names: Sequence[str], units: Mapping[str, str] = {}) -> None:
    """Write the coordinates' symbols and units on both axes."""
    horizontal, vertical = axis_order(names)
    axes.set_xlabel(label(names[horizontal], units))
    axes.set_ylabel(label(names[vertical], units), rotation=0, va="center", ha="right")


def _letters(word: str) -> str:
    if _GREEK.fullmatch(word):
        return f"\\{word}"
    return word if len(word) == 1 else _upright(word)


def _upright(word: str) -> str:
    return rf"\mathrm{{{word}}}".replace("_", r"\_")
