"""Pictures of a sweep: results over a swept setting, curves of all runs, solutions side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread

from pinn.plotting.shown_runs import (
    DECADE,
    SEED,
    ShownRun,
    is_number,
    scale,
    setting_names,
    settings_text,
    value_text,
)
from pinn.plotting.style import COLORS, add_note, count_axis, journal, panels
from pinn.record.columns import ITERATION, SECONDS

MOST_SOLUTIONS = 12  # in one picture

_WIDTH = 3.4  # inches of one panel
_HEIGHT = 2.6
_HUES = COLORS[:-1]  # without black
_DASHES = ("-", ":", "-.")
_MOST_LINES = len(_HUES)  # of a picture over a setting; more are drawn as one
_MOST_CURVES = len(_HUES) * len(_DASHES)  # in the legend of all runs; more are gray
_MOST_TICKS = 6  # values of a setting that are all written at the axis
_SHIFT = 0.012  # between the bars of two groups of runs, of the length of the axis
_BOX = 0.7  # width of all boxes of a value, of the distance between values
_OTHERS = "#BBBBBB"  # curves that the legend does not name
_ABSCISSAE = {ITERATION: "iterations", SECONDS: "time / s"}


@journal()
def setting_figure(runs: Sequence[ShownRun], key: str) -> Figure:
    """Return one panel per result, over the values of a swept setting.

    Runs that differ in their seed alone are one point: their median, with a bar from the least to
    the largest.  A setting that is no number has one box per value, from the least to the largest
    result with a line at the median, and a dot per run.

    Args:
        runs: the finished runs.
        key: the setting, as in "network.width".
    """
    groups = _groups(runs, without=(key, SEED))
    pooled = len(groups) > _MOST_LINES
    if pooled:
        groups = {"": list(runs)}
    titles = _titles(runs)
    figure, axes = panels(1, len(titles), width=_WIDTH, height=_HEIGHT)
    for panel, title in zip(axes[0], titles, strict=True):
        if is_number(runs, key):
            _draw_numbers(panel, groups, key, title)
        else:
            _draw_categories(panel, groups, key, title)
        panel.set_ylabel(title)
        panel.set_xlabel(setting_names(runs[0].settings)[key])
        scale(panel, [run.results.get(title, np.nan) for run in runs])
    if len(groups) > 1:
        axes[0, -1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
    most = 0
    for group in groups.values():
        most = max(most, *map(len, _by_value(group, key).values()))
    if most > 1:
        add_note(figure, f"median and range of {most} {'runs' if pooled else 'seeds'}")
    return figure


@journal()
def curves_figure(runs: Sequence[ShownRun], best: ShownRun | None = None) -> Figure:
    """Return the courses of all runs over iterations and over seconds, with one legend.

    Seeds have the color of their settings.  Where there are more settings than the legend can
    name, the best run is colored and the others are gray.

    Args:
        runs: the finished runs.
        best: the best of them, or None.
    """
    titles = _titles(runs)
    figure, axes = panels(len(titles), 2, width=_WIDTH, height=_HEIGHT, sharex="col", sharey="row")
    styles = _styles(runs, best)
    for row, title in zip(axes, titles, strict=True):
        row[0].set_ylabel(title)
        for panel, abscissa in zip(row, _ABSCISSAE, strict=True):
            named: set[str] = set()
            drawn: list[float] = []
            for run, (name, style) in zip(runs, styles, strict=True):
                label = None if name in named else name
                named.add(name)
                values = run.curves.get(title, np.array([]))
                shown = np.isfinite(values) & (values > 0)
                if shown.any():
                    numbers = run.abscissae[abscissa]
                    panel.plot(numbers[shown], values[shown], label=label, linewidth=1, **style)
                    drawn.extend(values[shown])
            scale(panel, drawn)
    for panel, text in zip(axes[-1], _ABSCISSAE.values(), strict=True):
        panel.set_xlabel(text)
    count_axis(axes[-1, 0])
    if any(name for name, _ in styles):
        # Of the figure: a long legend of a panel would draw the rows of panels apart.
        figure.legend(*axes[0, 1].get_legend_handles_labels(), loc="outside right upper")
    return figure


@journal()
def solutions_figure(runs: Sequence[ShownRun]) -> Figure | None:
    """Return the pictures of at most `MOST_SOLUTIONS` solutions; None where there is no picture."""
    images: list[tuple[str, np.ndarray]] = []
    for run in runs:
        if run.picture is not None and len(images) < MOST_SOLUTIONS:
            images.append((settings_text(run, list(run.settings)), imread(run.picture)))
    if not images:
        return None
    height, width = images[0][1].shape[:2]
    # Pictures of several panels are wide, and two of them fill a page.
    most = 2 if width > 1.8 * height else 4
    columns = min(most, len(images))
    rows = -(-len(images) // columns)
    inches = 14.0 / most
    figure, axes = panels(rows, columns, width=inches, height=inches * height / width + 0.25)
    for panel in axes.flat:
        panel.axis("off")
    for panel, (title, image) in zip(axes.flat, images, strict=False):
        panel.imshow(image, interpolation="antialiased")
        panel.set_title(title)
    return figure


def _titles(runs: Sequence[ShownRun]) -> list[str]:
    titles: dict[str, None] = {}
    for run in runs:
        titles |= dict.fromkeys(run.results)
    return list(titles)


def _groups(runs: Sequence[ShownRun], *, without: Sequence[str]) -> dict[str, list[ShownRun]]:
    """Return runs by the label of their settings, some of which are left out."""
    groups: dict[str, list[ShownRun]] = {}
    for run in runs:
        keys = [key for key in run.settings if key not in without]
        groups.setdefault(settings_text(run, keys), []).append(run)
    return groups


def _by_value(runs: Sequence[ShownRun], key: str) -> dict[Any, list[ShownRun]]:
    """Return runs by the value of a setting, numbers in ascending order."""
    found: dict[Any, list[ShownRun]] = {}
    for run in runs:
        found.setdefault(run.settings.get(key), []).append(run)
    return dict(sorted(found.items())) if is_number(runs, key) else found


def _results(runs: Sequence[ShownRun], title: str) -> np.ndarray:
    """Return the results of runs that a logarithmic axis has a place for."""
    values = np.array([run.results.get(title, np.nan) for run in runs])
    return values[np.isfinite(values) & (values > 0)]


def _draw_numbers(
    axes: Axes, groups: Mapping[str, Sequence[ShownRun]], key: str, title: str
) -> None:
    """Draw medians over the values of a setting, joined by lines, with bars for the range."""
    values = sorted({float(t.settings[key] or 0) for group in groups.values() for t in group})
    is_logarithmic = values[0] > 0 and values[-1] >= DECADE * values[0]
    for number, (group, color) in enumerate(zip(groups, _HUES, strict=False)):
        points: list[tuple[float, float, float, float]] = []
        for value, found in _by_value(groups[group], key).items():
            results = _results(found, title)
            if results.size:
                points.append((value, np.median(results), results.min(), results.max()))
        if not points:
            continue
        numbers, medians, least, largest = np.array(points).T
        # Bars of several groups stand side by side.
        shift = _SHIFT * (number - (len(groups) - 1) / 2)
        if is_logarithmic:
            places = numbers * (values[-1] / values[0]) ** shift
        else:
            places = numbers + (values[-1] - values[0]) * shift
        bars = [medians - least, largest - medians]
        style = {"fmt": "o-", "markersize": 4, "capsize": 2.5, "linewidth": 1.2}
        axes.errorbar(places, medians, yerr=bars, color=color, label=group, **style)
    if is_logarithmic:
        axes.set_xscale("log")
    if len(values) <= _MOST_TICKS:
        axes.minorticks_off()
        axes.set_xticks(values, [value_text(value) for value in values])


def _draw_categories(
    axes: Axes, groups: Mapping[str, Sequence[ShownRun]], key: str, title: str
) -> None:
    """Draw one box per value of a setting and group of runs."""
    axes.use_sticky_edges = False  # boxes end inside the panel
    names: dict[Any, int] = {}
    width = _BOX / len(groups)
    for number, (group, color) in enumerate(zip(groups, _HUES, strict=False)):
        shift = (number - (len(groups) - 1) / 2) * width
        label: str | None = group
        for value, found in _by_value(groups[group], key).items():
            center = names.setdefault(value, len(names)) + shift
            results = _results(found, title)
            if not results.size:
                continue
            heights = results.max() - results.min()
            sides = (center - 0.4 * width, center + 0.4 * width)
            axes.bar(center, heights, 0.8 * width, results.min(), color=color, alpha=0.25)
            axes.plot(sides, [np.median(results)] * 2, color=color, label=label)
            axes.plot(np.full(results.size, center), results, "o", color=color, markersize=3)
            label = None  # one entry of the legend per group
    texts = [value_text(value) for value in names]
    long = sum(map(len, texts)) > 30
    turned = {"rotation": 30, "ha": "right"} if long else {}
    axes.set_xticks(list(names.values()), texts, **turned)
    axes.set_xlim(-0.6, len(names) - 0.4)


def _styles(runs: Sequence[ShownRun], best: ShownRun | None) -> list[tuple[str, dict[str, Any]]]:
    """Return the entry of the legend and the style of every run's curve."""
    groups = _groups(runs, without=(SEED,))
    if len(groups) == 1:  # nothing but seeds
        groups = _groups(runs, without=())
    names = list(groups)
    styles: list[tuple[str, dict[str, Any]]] = []
    for run in runs:
        label = next(name for name in names if run in groups[name])
        if len(names) > _MOST_CURVES:
            if run is best:
                name = f"best: {settings_text(run, list(run.settings))}"
                styles.append((name, {"color": _HUES[0], "zorder": 3}))
            else:
                styles.append(("other runs", {"color": _OTHERS}))
            continue
        number = names.index(label)
        dashes = _DASHES[number // len(_HUES)]
        styles.append((label, {"color": _HUES[number % len(_HUES)], "linestyle": dashes}))
    return styles
