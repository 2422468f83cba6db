"""Curves of the ledger: errors over seconds, thinned, stored as CSV and drawn."""

from __future__ import annotations

import bisect
import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pinn.atomic import write_atomically
from pinn.record import history
from pinn.sweep.job import Attempt

_POINTS = 100  # per curve: as many as its picture can show
_DIGITS = 4
_PIXELS = 900  # the largest width of a solution's picture
_DPI = 100

Curve = dict[str, list[float]]
"""Columns by name: seconds, and the error of each field and unknown."""


def read(file: Path) -> dict[int, Curve]:
    """Return the curves of a file by seed; none where there is no file."""
    curves: dict[int, Curve] = {}
    if not file.exists():
        return curves
    for row in history.read(file):
        curve = curves.setdefault(int(row.pop("seed")), {})
        for name, value in row.items():
            curve.setdefault(name, []).append(value)
    return curves


def of(attempt: Attempt, names: Sequence[str]) -> Curve:
    """Return the errors of a run over seconds, thinned."""
    curve = _whole(attempt, names)
    count = len(curve.get("seconds", ()))
    chosen = list(range(count))
    if count > _POINTS:
        step = (count - 1) / (_POINTS - 1)
        chosen = [round(i * step) for i in range(_POINTS)]
    thinned: Curve = {}
    for name, values in curve.items():
        thinned[name] = [float(f"{values[i]:.{_DIGITS}g}") for i in chosen]
    return thinned


def errors_at(attempt: Attempt, names: Sequence[str], seconds: float) -> dict[str, float | None]:
    """Return the errors of the last report before a time in seconds; None where there is none."""
    curve = _whole(attempt, names)
    last = bisect.bisect_right(curve.get("seconds", []), seconds) - 1
    errors: dict[str, float | None] = {}
    for name in names:
        error = curve[name][last] if last >= 0 else math.nan
        errors[name] = error if math.isfinite(error) else None
    return errors


def text(curves: Mapping[int, Curve]) -> str:
    """Return curves as CSV, one line per seed and report."""
    names: dict[str, None] = {}
    for curve in curves.values():
        names |= dict.fromkeys(curve)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["seed", *names])
    for seed, curve in curves.items():
        missing = [math.nan] * len(curve["seconds"])
        columns = [curve.get(name, missing) for name in names]
        for values in zip(*columns, strict=True):
            writer.writerow([seed, *values])
    return file.getvalue()


def draw(curves: Mapping[int, Curve], row: Mapping[str, Any], file: Path) -> None:
    """Draw the errors of all seeds over seconds, with the published values."""
    from pinn.plotting.seeds import seeds_figure
    from pinn.plotting.style import journal

    errors: dict[str, dict[int, tuple[list[float], list[float]]]] = {}
    published: dict[str, dict[str, float]] = {}
    for name, quantity in row["quantities"].items():
        by_seed = {s: (c["seconds"], c[name]) for s, c in curves.items() if name in c}
        if by_seed:
            errors[name] = by_seed
            published[name] = {k: quantity[k] for k in row["published"] if quantity.get(k)}
    if not errors:
        return
    with journal():
        figure = seeds_figure(errors, published)
        write_atomically(
            file, lambda out: figure.savefig(out, format="png", dpi=_DPI, bbox_inches="tight")
        )


def save_small(picture: Path, file: Path) -> None:
    """Save a picture at most `_PIXELS` wide and with 256 dithered colors: a quarter of its size."""
    from PIL import Image

    with Image.open(picture) as original:
        image = original.convert("RGB")
    image.thumbnail((_PIXELS, _PIXELS * 4), Image.Resampling.LANCZOS)
    # The octree keeps the ends of color maps, which the median cut merges with their neighbors.
    palette = image.quantize(256, method=Image.Quantize.FASTOCTREE)
    small = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    write_atomically(file, lambda out: small.save(out, format="PNG", optimize=True))


def _whole(attempt: Attempt, names: Sequence[str]) -> Curve:
    """Return the errors of a run over seconds, from the errors and the unknowns in its history."""
    metrics = attempt.metrics
    run = attempt.run
    if metrics is None or run is None or not (run / "history.csv").is_file():
        return {}
    rows = history.read(run / "history.csv")
    unknowns = metrics.get("unknowns") or {}
    curve: Curve = {"seconds": [row["seconds"] for row in rows]}
    for name in names:
        if rows and f"unknown_{name}" in rows[0]:
            truth = unknowns[name]["truth"]
            values = [row[f"unknown_{name}"] for row in rows]
            curve[name] = [abs(value - truth) / (abs(truth) or 1.0) for value in values]
        else:
            curve[name] = [row.get(f"error_{name}", math.nan) for row in rows]
    return curve
