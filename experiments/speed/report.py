"""The table, the verdict and the figure of this study, from its result files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

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


def write(folder: Path) -> None:
    """Write what the result files say into the README, between its markers, and draw the figure."""
    parts = []
    results, memory = folder / "results.json", folder / "memory.json"
    if results.is_file():
        found = json.loads(results.read_text())
        parts += table(found)
        draw(found, folder / "speed.png")
    if memory.is_file():
        parts += [remembered(json.loads(memory.read_text()))]
    readme = folder / "README.md"
    body = "\n".join(["<!-- results -->", *parts, "<!-- /results -->"])
    text = re.sub(
        r"<!-- results -->.*<!-- /results -->", lambda _: body, readme.read_text(), flags=re.S
    )
    readme.write_text(text)


def summary(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return by variant the median and least milliseconds, and the median over rounds of its ratio to ours."""
    own = np.array(found["variants"][OURS]["ms"])
    return {
        name: {
            "median": float(np.median(v["ms"])),
            "least": float(np.min(v["ms"])),
            "ratio": float(np.median(np.array(v["ms"]) / own)),
            "first": v["first_call_s"],
        }
        for name, v in found["variants"].items()
    }


def table(found: dict[str, Any]) -> list[str]:
    """Return the table and the verdict in Markdown."""
    rows = summary(found)
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    return [
        "| variant | median (ms) | least (ms) | × ours | first call (s) |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {NAMES.get(name, name)} | {r['median']:.1f} | {r['least']:.1f} | {r['ratio']:.2f} | {r['first']:.1f} |"
            for name, r in rows.items()
        ),
        "",
        f"Median and least over {found['rounds']} rounds, in each of which every variant was called {found['calls']} "
        f"times in a row; × ours is the median of the ratios within a round. {found['network']}, "
        f"{found['points']:,} points, float64; {found['machine']}; {versions}.",
        "",
        "![Milliseconds per loss and gradient by variant](speed.png)",
        "",
        verdict(rows),
    ]


def verdict(rows: dict[str, dict[str, float]]) -> str:
    """Return the answer in a sentence."""
    text = f"**Verdict.** One loss and gradient take us {rows[OURS]['median']:.1f} ms"
    rivals = []
    for family, words in (("DeepXDE", "DeepXDE"), ("nested tapes", "plain nested tapes")):
        members = [name for name in rows if name.startswith(family)]
        if members:
            best = min(members, key=lambda name: rows[name]["median"])
            rivals.append(
                f"{rows[best]['ratio']:.1f} times as fast as {words} at best ({best.split(', ')[1]})"
            )
    without = "" if any("DeepXDE" in r for r in rivals) else "; DeepXDE was not installed"
    return f"{text}: {', '.join(rivals)}{without}."


def remembered(found: dict[str, Any]) -> str:
    """Return a sentence on memory."""
    kept = "under" if found["peak_gb"] < found["limit_gb"] else "**above**"
    return (
        f"\n**Memory.** One loss and gradient over {found['points']:,} points take {found['peak_gb']:.2f} GB at most, "
        f"{found['before_gb']:.2f} GB of which TensorFlow takes before the first point: {kept} the limit of "
        f"{found['limit_gb']:g} GB."
    )


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw the medians as bars and the least times as marks."""
    from pinn.plotting import style

    rows = summary(found)
    with style.journal():
        figure, axes = style.panels(1, 1, width=5.2, height=0.34 * len(rows) + 0.75)
        ax, places = axes[0, 0], np.arange(len(rows))[::-1]
        medians = [r["median"] for r in rows.values()]
        colors = [style.COLORS[0] if name.startswith("ours") else "#BBBBBB" for name in rows]
        ax.barh(places, medians, height=0.62, color=colors)
        ax.plot(
            [r["least"] for r in rows.values()],
            places,
            "|",
            color="black",
            markersize=9,
            markeredgewidth=1,
        )
        for place, median in zip(places, medians, strict=True):
            ax.annotate(
                f"{median:.1f}",
                (median, place),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        ax.set_yticks(places, list(rows))
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.set_xlim(0, 1.12 * max(medians))
        ax.set_xlabel("time of one loss and gradient (ms); bar: median, mark: least")
        figure.savefig(path, dpi=200)
