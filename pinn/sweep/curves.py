"""Curves of the ledger: errors over seconds, thinned, kept as CSV and drawn."""

from __future__ import annotations

import bisect
import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pinn.atomic import write_atomically
from pinn.sweep.job import Attempt

_POINTS = 100  # of a curve: as many as its picture can show
_DIGITS = 4
_PIXELS = 900  # of a solution's width
_DPI = 100

Curve = dict[str, list[float]]
"""Columns by name: seconds, and the error of each field and unknown."""


def read(file: Path) -> dict[int, Curve]:
    """Return the curves of a file by seed; none where there is no file."""
    found: dict[int, Curve] = {}
    if file.exists():
        for line in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))):
            seed = int(line.pop("seed"))
            for name, value in line.items():
                found.setdefault(seed, {}).setdefault(name, []).append(float(value))
    return found


def of(attempt: Attempt, names: Sequence[str]) -> Curve:
    """Return a run's errors over seconds, thinned."""
    curve = _whole(attempt, names)
    count = len(next(iter(curve.values()), ()))
    step = (count - 1) / (_POINTS - 1)
    kept = range(count) if count <= _POINTS else [round(i * step) for i in range(_POINTS)]
    return {
        name: [float(f"{values[i]:.{_DIGITS}g}") for i in kept] for name, values in curve.items()
    }


def errors_at(attempt: Attempt, names: Sequence[str], seconds: float) -> dict[str, float | None]:
    """Return the errors that a run had reached after so many seconds, as last reported; None where there is none."""
    curve = _whole(attempt, names)
    last = bisect.bisect_right(curve.get("seconds", []), seconds) - 1
    found = {name: curve[name][last] if last >= 0 else math.nan for name in names}
    return {name: error if math.isfinite(error) else None for name, error in found.items()}


def _whole(attempt: Attempt, names: Sequence[str]) -> Curve:
    """Return a run's errors over seconds: from its history, where fields have errors and unknowns values."""
    metrics, run = attempt.metrics, attempt.run
    if metrics is None or run is None or not (run / "history.csv").is_file():
        return {}
    truth = {k: v["truth"] for k, v in (metrics.get("unknowns") or {}).items()}
    with open(run / "history.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    def error(row: Mapping[str, str], name: str) -> float:
        if f"unknown_{name}" in row:
            return abs(float(row[f"unknown_{name}"]) - truth[name]) / (abs(truth[name]) or 1.0)
        return float(row.get(f"error_{name}", "nan"))

    return {"seconds": [float(r["seconds"]) for r in rows]} | {
        n: [error(r, n) for r in rows] for n in names
    }


def text(curves: Mapping[int, Curve]) -> str:
    """Return curves as CSV, a line per seed and report."""
    file = io.StringIO()
    names = list(dict.fromkeys(name for curve in curves.values() for name in curve))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["seed", *names])
    for seed, curve in curves.items():
        absent = [math.nan] * len(curve["seconds"])
        writer.writerows(
            [[seed, *values] for values in zip(*(curve.get(n, absent) for n in names), strict=True)]
        )
    return file.getvalue()


def draw(curves: Mapping[int, Curve], row: Mapping[str, Any], file: Path) -> None:
    """Draw the errors of all seeds over seconds, with the published values."""
    from pinn.plotting.seeds import seeds_figure
    from pinn.plotting.style import journal

    names = [name for name in row["quantities"] if any(name in curve for curve in curves.values())]
    if not names:
        return
    quantities = {n: {s: (c["seconds"], c[n]) for s, c in curves.items() if n in c} for n in names}
    known = {
        n: {k: row["quantities"][n][k] for k in row["published"] if row["quantities"][n].get(k)}
        for n in names
    }
    with journal():
        figure = seeds_figure(quantities, known)
        write_atomically(
            file, lambda out: figure.savefig(out, format="png", dpi=_DPI, bbox_inches="tight")
        )


def save_small(picture: Path, file: Path) -> None:
    """Copy a picture with at most `_PIXELS` across and 256 colors, dithered: a quarter of its size."""
    from PIL import Image

    with Image.open(picture) as image:
        image = image.convert("RGB")
        image.thumbnail((_PIXELS, _PIXELS * 4), Image.Resampling.LANCZOS)
        # The octree keeps the ends of color maps, which the median cut merges with their neighbors.
        colors = image.quantize(256, method=Image.Quantize.FASTOCTREE)
        image = image.quantize(palette=colors, dither=Image.Dither.FLOYDSTEINBERG)
        write_atomically(file, lambda out: image.save(out, format="PNG", optimize=True))
