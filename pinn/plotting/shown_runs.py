"""A run of a sweep as pictures show it, and what its settings are called there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from pinn.plotting.style import math_text
from pinn.record import Setting
from pinn.record.history import Series
from pinn.record.sweep import short_names

SEED = "seed"
DECADE = 10.0  # values that span it have a logarithmic axis


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownRun:
    """A finished run of a sweep, as the pictures show it; equal to itself alone.

    Attributes:
        settings: the value of every swept setting.
        results: what it reached, by name, such as "relative error" and "loss".
        abscissae: cumulative iterations and seconds of every report, by column of the history.
        curves: the course of the results, by the same names; NaN where nothing was reported.
        picture: the file of the picture of its solution, or None.
    """

    settings: Mapping[str, Setting]
    results: Mapping[str, float]
    abscissae: Mapping[str, Series] = field(default_factory=dict)
    curves: Mapping[str, Series] = field(default_factory=dict)
    picture: Path | None = None


def settings_text(run: ShownRun, keys: Sequence[str]) -> str:
    """Return settings in words, such as "width = 10, depth = 3"."""
    names = setting_names(run.settings)
    parts: list[str] = []
    for key in keys:
        parts.append(f"{names[key]} = {value_text(run.settings[key])}")
    return ", ".join(parts)


def setting_names(keys: Iterable[str]) -> dict[str, str]:
    """Return the short names of settings by key: symbols for coefficients of the problem."""
    names = short_names(list(keys))
    for key, name in names.items():
        is_symbol = key.startswith("problem.") and name != key
        names[key] = math_text(name) if is_symbol else name.replace("_", " ")
    return names


def value_text(value: Setting) -> str:
    """Return the value of a setting for a picture."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.replace("$", r"\$")  # a dollar would begin mathematics


def is_number(runs: Sequence[ShownRun], key: str) -> bool:
    """Return whether all values of a setting are numbers; those of a seed name draws."""
    if key == SEED:
        return False
    values = [run.settings.get(key) for run in runs]
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


def scale(axes: Axes, values: npt.ArrayLike) -> None:
    """Make the vertical axis logarithmic where positive values span a decade, and draw lines."""
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers) & (numbers > 0)]
    if numbers.size and numbers.max() >= DECADE * numbers.min():
        axes.set_yscale("log")
    axes.grid(axis="y", which="major", linewidth=0.4, color="#DDDDDD")
    axes.set_axisbelow(True)
