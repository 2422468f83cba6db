"""Tables and pictures of the study, from its results alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jobs import ALONE, CENTER, CROSSED, MIRRORED, PROBLEMS, SEEDS
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from record import replace

from pinn.reporting.published import number

HERE = Path(__file__).parent
AXES = ("optimizer", "network", "points")
Results = dict[str, dict[str, Any]]
FIRST = 1.5  # seconds of a core before which no run has an error
TOLD = 12.0  # seconds that tables and pictures go to; the slowest runs end there
TICKS = (2, 5, 10)
WORST = 1.0  # an error of 100 %: what a run that failed or diverged counts as


def write(found: Results) -> None:
    """Write everything that the results allow."""
    found = _at_one_pace(found)
    text = "\n\n".join(
        [*(_one_at_a_time(found, axis) for axis in range(3)), _crossed(found), _note(found)]
    )
    replace(HERE / "README.md", "choosing", text)
    for axis, name in enumerate(AXES):
        _picture(found, _varied(axis), axis, HERE / f"{name}.png")
    print(text)


def _at_one_pace(found: Results) -> Results:
    """Return the results with the seconds that they would have on the core of their choice's fastest seed.

    A core of a shared machine is at times half as fast, which its clock does not tell; the
    iterations do.
    """
    fastest: dict[str, int] = {}
    for key, result in found.items():
        choice = key.rsplit("/", 1)[0]
        fastest[choice] = max(fastest.get(choice, 1), result.get("iterations", 1))
    paced = {}
    for key, result in found.items():
        pace = result.get("iterations", 1) / fastest[key.rsplit("/", 1)[0]]
        paced[key] = {**result, "seconds": [pace * s for s in result.get("seconds", [])]}
    return paced


def at(result: dict[str, Any], seconds: float = TOLD) -> float:
    """Return the error of a run after some seconds, at most 1."""
    if "failed" in result:
        return WORST
    errors = [e for s, e in zip(result["seconds"], result["error"], strict=True) if s <= seconds]
    return min(errors[-1], WORST) if errors and math.isfinite(errors[-1]) else WORST


def _runs(found: Results, problem: str, choice: Sequence[str]) -> list[dict[str, Any]]:
    optimizer, network, points = choice
    if network == "symmetric" and problem not in MIRRORED:
        network = CENTER[1]  # there are no mirror images, and the network is the plain one
    keys = ("/".join((problem, optimizer, network, points, str(seed))) for seed in range(SEEDS))
    return [found[key] for key in keys if key in found]


def _median(found: Results, problem: str, choice: Sequence[str]) -> float:
    errors = [at(run) for run in _runs(found, problem, choice)]
    return float(np.median(errors)) if errors else math.nan


def _mean(found: Results, choice: Sequence[str]) -> float:
    """Return the geometric mean over the problems of the medians."""
    return float(np.exp(np.mean(np.log([_median(found, p, choice) for p in PROBLEMS]))))


def _varied(axis: int) -> list[tuple[str, str, str]]:
    """Return the center's choices with one changed: those of `CROSSED`, then those of `ALONE`."""
    return [(*CENTER[:axis], v, *CENTER[axis + 1 :]) for v in (*CROSSED[axis], *ALONE[axis])]  # type: ignore[misc]


def _table(
    found: Results, first: Sequence[str], rows: Iterable[tuple[Sequence[str], Sequence[str]]]
) -> str:
    """Return a table of medians by problem; rows are (their first cells, their choice), best mean first."""
    heads = [*first, *(f"`{p}`" for p in PROBLEMS), "geometric mean"]
    ranked = sorted(
        ((_mean(found, choice), cells, choice) for cells, choice in rows),
        key=lambda r: _last_if_nan(r[0]),
    )
    best = {
        p: min((_median(found, p, c) for _, _, c in ranked), key=_last_if_nan) for p in PROBLEMS
    }
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for mean, cells, choice in ranked:
        medians = [(m, m == best[p]) for p in PROBLEMS for m in [_median(found, p, choice)]]
        shown = [_shown(m, bold) for m, bold in medians]
        lines.append("| " + " | ".join([*cells, *shown, _shown(mean, False)]) + " |")
    return "\n".join(lines)


def _last_if_nan(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _shown(value: float, bold: bool) -> str:
    text = "–" if math.isnan(value) else "failed" if value >= WORST else number(value)
    return f"**{text}**" if bold and not math.isnan(value) else text


def _one_at_a_time(found: Results, axis: int) -> str:
    others = " and ".join(f"`{c}`" for i, c in enumerate(CENTER) if i != axis)
    rows = [([f"`{choice[axis]}`"], choice) for choice in _varied(axis)]
    return f"{AXES[axis].capitalize()}, with {others}:\n\n{_table(found, [AXES[axis]], rows)}"


def _crossed(found: Results) -> str:
    choices = [(m, n, p) for m in CROSSED[0] for n in CROSSED[1] for p in CROSSED[2]]
    rows = [([f"`{c}`" for c in choice], choice) for choice in choices]
    return (
        f"All of {', '.join(f'{len(c)} {a}s'.replace('ss', 's') for a, c in zip(AXES, CROSSED, strict=True))}:\n\n"
        + (_table(found, AXES, rows))
    )


def _note(found: Results) -> str:
    seeds = sorted({key.rsplit("/", 1)[1] for key in found})
    return (
        f"Medians of the seeds {', '.join(seeds)} ({len(found)} runs) of the relative L2 error, the worst of a "
        f"problem's fields, after {TOLD:g} seconds of one core without compilation; float64."
    )


def _picture(
    found: Results, choices: Sequence[tuple[str, str, str]], axis: int, path: Path
) -> None:
    """Draw errors over seconds, a panel a problem, a line a choice: the median of the seeds, and their range."""
    figure = Figure(figsize=(10.5, 6.4), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True).ravel()
    times = np.geomspace(FIRST, TOLD, 60)
    for panel, problem in zip(panels, PROBLEMS, strict=True):
        for i, choice in enumerate(choices):
            runs = _runs(found, problem, choice)
            if not runs:
                continue
            errors = np.array([[at(run, t) for t in times] for run in runs])
            color, style = f"C{i % 10}", "-" if choice[axis] in CROSSED[axis] else "--"
            panel.loglog(
                times, np.nanmedian(errors, axis=0), style, color=color, lw=1.4, label=choice[axis]
            )
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
