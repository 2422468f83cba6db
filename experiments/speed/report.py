"""The table, the verdict and the figure of the study, from its result files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

OURS = "ours, taylor"
NAMES = {
    "ours, taylor": "**ours**: Taylor sweep, blocks side by side",
    "ours, nested": "ours, nested tapes, blocks side by side",
    "nested tapes, graph": "nested tapes, graph",
    "nested tapes, XLA": "nested tapes, XLA",
    "DeepXDE, graph": "DeepXDE, graph",
    "DeepXDE, XLA": "DeepXDE, XLA",
}


class Times(NamedTuple):
    """The times of a variant.

    Attributes:
        median: the median over the rounds, in milliseconds.
        least: the smallest, in milliseconds.
        ratio: the median over the rounds of the ratio to ours.
        first: the time of the first call, in seconds.
    """

    median: float
    least: float
    ratio: float
    first: float


def write(folder: Path) -> None:
    """Write the contents of the result files into the README, and draw the figure."""
    parts = []
    results_file = folder / "results.json"
    memory_file = folder / "memory.json"
    if results_file.is_file():
        results = json.loads(results_file.read_text())
        parts += table(results)
        draw(results, folder / "speed.png")
    if memory_file.is_file():
        parts.append(memory_sentence(json.loads(memory_file.read_text())))
    readme = folder / "README.md"
    body = "\n".join(["<!-- results -->", *parts, "<!-- /results -->"])
    pattern = r"<!-- results -->.*<!-- /results -->"
    text = re.sub(pattern, lambda _: body, readme.read_text(), flags=re.DOTALL)
    readme.write_text(text)


def summary(results: dict[str, Any]) -> dict[str, Times]:
    """Return the times by variant."""
    ours = np.array(results["variants"][OURS]["ms"])
    times = {}
    for name, variant in results["variants"].items():
        rounds = np.array(variant["ms"])
        times[name] = Times(
            median=float(np.median(rounds)),
            least=float(np.min(rounds)),
            ratio=float(np.median(rounds / ours)),
            first=variant["first_call_s"],
        )
    return times


def table(results: dict[str, Any]) -> list[str]:
    """Return the table and the verdict in Markdown, by lines."""
    lines = [
        "| variant | median (ms) | least (ms) | × ours | first call (s) |",
        "|---|--:|--:|--:|--:|",
    ]
    times = summary(results)
    for name, t in times.items():
        title = NAMES.get(name, name)
        lines.append(
            f"| {title} | {t.median:.1f} | {t.least:.1f} | {t.ratio:.2f} | {t.first:.1f} |"
        )
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    note = (
        f"Median and least over {results['rounds']} rounds, in each of which every variant was "
        f"called {results['calls']} times in a row; × ours is the median of the ratios within a "
        f"round. {results['network']}, {results['points']:,} points, float64; "
        f"{results['machine']}; {versions}."
    )
    picture = "![Milliseconds per loss and gradient by variant](speed.png)"
    return [*lines, "", note, "", picture, "", verdict(times)]


def verdict(times: dict[str, Times]) -> str:
    """Return the answer in a sentence."""
    text = f"**Verdict.** One loss and gradient take us {times[OURS].median:.1f} ms"
    rivals = []
    for family, words in (("DeepXDE", "DeepXDE"), ("nested tapes", "plain nested tapes")):
        members = [name for name in times if name.startswith(family)]
        if members:
            best = min(members, key=lambda name: times[name].median)
            way = best.split(", ")[1]
            rivals.append(f"{times[best].ratio:.1f} times as fast as {words} at best ({way})")
    missing = ""
    if not any(name.startswith("DeepXDE") for name in times):
        missing = "; DeepXDE was not installed"
    return f"{text}: {', '.join(rivals)}{missing}."


def memory_sentence(results: dict[str, Any]) -> str:
    """Return a sentence on memory."""
    relation = "under" if results["peak_gb"] < results["limit_gb"] else "**above**"
    return (
        f"\n**Memory.** One loss and gradient over {results['points']:,} points take "
        f"{results['peak_gb']:.2f} GB at most, {results['before_gb']:.2f} GB of which TensorFlow "
        f"takes before the first point: {relation} the limit of {results['limit_gb']:g} GB."
    )


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw the medians as bars and the least times as marks."""
    from pinn.plotting import style

    times = summary(results)
    with style.journal():
        figure, axes = style.panels(1, 1, width=5.2, height=0.34 * len(times) + 0.75)
        axis = axes[0, 0]
        places = np.arange(len(times))[::-1]
        medians = [t.median for t in times.values()]
        least = [t.least for t in times.values()]
        colors = [style.COLORS[0] if name.startswith("ours") else "#BBBBBB" for name in times]
        axis.barh(places, medians, height=0.62, color=colors)
        axis.plot(least, places, "|", color="black", markersize=9, markeredgewidth=1)
        for place, median in zip(places, medians, strict=True):
            axis.annotate(
                f"{median:.1f}",
                (median, place),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        axis.set_yticks(places, list(times))
        axis.tick_params(axis="y", length=0)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.set_xlim(0, 1.12 * max(medians))
        axis.set_xlabel("time of one loss and gradient (ms); bar: median, mark: least")
        figure.savefig(path, dpi=200)
