"""Tables and pictures of the study, from its results alone."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jobs import ALONE, CENTER, CROSSED, MIRRORED, PROBLEMS, SEEDS, Choice, Job
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from record import markdown_table, replace

from pinn.reporting.published import number

HERE = Path(__file__).parent
AXES = ("optimizer", "network", "points")
FIRST = 1.5  # seconds of a core before which no run has an error
LAST = 12.0  # seconds of a core at which tables and pictures end, as the slowest runs do
TICKS = (2, 5, 10)
WORST = 1.0  # the error that a failed or diverged run counts with: 100 %

Result = dict[str, Any]
Results = dict[str, Result]


def write(results: Results) -> None:
    """Write all tables and pictures that the results allow."""
    results = _at_equal_pace(results)
    parts = [_one_at_a_time(results, axis) for axis in range(3)]
    text = "\n\n".join([*parts, _crossed(results), _note(results)])
    replace(HERE / "README.md", "choosing", text)
    for axis, name in enumerate(AXES):
        _picture(results, _variations(axis), axis, HERE / f"{name}.png")
    print(text)


def _at_equal_pace(results: Results) -> Results:
    """Return the results with the seconds of the fastest seed's core.

    A core of a shared machine is at times half as fast. Its clock does not show that, but the
    number of iterations does.
    """
    fastest: dict[str, int] = {}
    for key, result in results.items():
        choice = key.rsplit("/", 1)[0]
        fastest[choice] = max(fastest.get(choice, 1), result.get("iterations", 1))
    scaled = {}
    for key, result in results.items():
        pace = result.get("iterations", 1) / fastest[key.rsplit("/", 1)[0]]
        scaled[key] = {**result, "seconds": [pace * s for s in result.get("seconds", [])]}
    return scaled


def error_at(result: Result, seconds: float = LAST) -> float:
    """Return the error of a run after some seconds, at most 1."""
    if "failed" in result:
        return WORST
    reports = bisect.bisect_right(result["seconds"], seconds)
    if reports == 0:
        return WORST
    error = result["error"][reports - 1]
    return min(error, WORST) if math.isfinite(error) else WORST


def _runs(results: Results, problem: str, choice: Choice) -> list[Result]:
    """Return the results of all seeds of a choice for a problem."""
    optimizer, network, points = choice
    if network == "symmetric" and problem not in MIRRORED:
        network = CENTER[1]  # without a symmetry, the network is the plain one
    runs = []
    for seed in range(SEEDS):
        key = Job(problem, optimizer, network, points, seed).key
        if key in results:
            runs.append(results[key])
    return runs


def _median(results: Results, problem: str, choice: Choice) -> float:
    """Return the median error over the seeds; NaN where there are no runs."""
    errors = [error_at(run) for run in _runs(results, problem, choice)]
    return float(np.median(errors)) if errors else math.nan


def _variations(axis: int) -> list[Choice]:
    """Return the central choice with one of its three changed, first as in `CROSSED`."""
    variations = []
    for value in (*CROSSED[axis], *ALONE[axis]):
        optimizer, network, points = (*CENTER[:axis], value, *CENTER[axis + 1 :])
        variations.append((optimizer, network, points))
    return variations


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        cells: the first cells.
        medians: the median errors by problem.
    """

    cells: Sequence[str]
    medians: list[float]

    @property
    def mean(self) -> float:
        """The geometric mean over the problems."""
        return float(np.exp(np.mean(np.log(self.medians))))


def _table(
    results: Results, first: Sequence[str], choices: Sequence[tuple[Sequence[str], Choice]]
) -> str:
    """Return a table of medians by problem, the best mean first.

    Args:
        results: the results.
        first: the titles of the first cells.
        choices: the first cells of every row, and its choice.
    """
    rows = []
    for cells, choice in choices:
        rows.append(Row(cells, [_median(results, problem, choice) for problem in PROBLEMS]))
    rows.sort(key=lambda row: _last_if_nan(row.mean))
    best = []
    for i in range(len(PROBLEMS)):
        best.append(min((row.medians[i] for row in rows), key=_last_if_nan))
    lines = []
    for row in rows:
        cells = [*row.cells]
        for median, smallest in zip(row.medians, best, strict=True):
            cells.append(_bold(median) if median == smallest else _text(median))
        lines.append([*cells, _text(row.mean)])
    return markdown_table([*first, *(f"`{p}`" for p in PROBLEMS), "geometric mean"], lines)


def _last_if_nan(value: float) -> float:
    """Return a key of sorting that puts NaN last."""
    return math.inf if math.isnan(value) else value


def _text(value: float) -> str:
    if math.isnan(value):
        return "–"
    return "failed" if value >= WORST else number(value)


def _bold(value: float) -> str:
    return _text(value) if math.isnan(value) else f"**{_text(value)}**"


def _one_at_a_time(results: Results, axis: int) -> str:
    """Return the table in which one of the three choices varies."""
    others = " and ".join(f"`{value}`" for i, value in enumerate(CENTER) if i != axis)
    rows = [([f"`{choice[axis]}`"], choice) for choice in _variations(axis)]
    table = _table(results, [AXES[axis]], rows)
    return f"{AXES[axis].capitalize()}, with {others}:\n\n{table}"


def _crossed(results: Results) -> str:
    """Return the table of all combinations."""
    rows = []
    for choice in itertools.product(*CROSSED):
        rows.append(([f"`{name}`" for name in choice], choice))
    optimizers, networks, point_sets = (len(values) for values in CROSSED)
    title = f"All of {optimizers} optimizers, {networks} networks, {point_sets} points"
    return f"{title}:\n\n{_table(results, AXES, rows)}"


def _note(results: Results) -> str:
    seeds = sorted({key.rsplit("/", 1)[1] for key in results})
    return (
        f"Medians of the seeds {', '.join(seeds)} ({len(results)} runs) of the relative L2 error, "
        f"the worst of a problem's fields, after {LAST:g} seconds of one core without compilation; "
        "float64."
    )


def _picture(results: Results, choices: Sequence[Choice], axis: int, path: Path) -> None:
    """Draw errors over seconds: one panel per problem, one line per choice.

    A line is the median of the seeds, with their range.
    """
    figure = Figure(figsize=(10.5, 6.4), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True).ravel()
    times = np.geomspace(FIRST, LAST, 60)
    for panel, problem in zip(panels, PROBLEMS, strict=True):
        for i, choice in enumerate(choices):
            runs = _runs(results, problem, choice)
            if not runs:
                continue
            errors = np.array([[error_at(run, t) for t in times] for run in runs])
            median = np.nanmedian(errors, axis=0)
            color = f"C{i % 10}"
            style = "-" if choice[axis] in CROSSED[axis] else "--"
            panel.loglog(times, median, style, color=color, lw=1.4, label=choice[axis])
            panel.fill_between(
                times, errors.min(axis=0), errors.max(axis=0), color=color, alpha=0.12, lw=0
            )
        panel.set_title(problem.replace("_", " "), fontsize=10)
        panel.grid(alpha=0.3, lw=0.5)
    for panel in panels[3:]:
        panel.set_xlabel("seconds of one core")
        panel.set_xticks(TICKS, map(str, TICKS))
        panel.xaxis.set_minor_formatter(NullFormatter())
    for panel in panels[::3]:
        panel.set_ylabel("relative L2 error")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), fontsize=9, frameon=False
    )
    figure.savefig(path, dpi=130)
