"""Curves of the ledger: errors over seconds, thinned, stored as CSV and drawn."""

from __future__ import annotations

import bisect
import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pinn.atomic import write_atomically
from pinn.record import History
from pinn.record.columns import SECONDS
from pinn.reporting.ledger import Row
from pinn.sweep.job import Attempt

_POINTS = 100  # per curve: as many as its picture can show
_DIGITS = 4
_PIXELS = 900  # the largest width of a solution's picture
_DPI = 100
_SEED = "seed"  # the first column of the file; the others are those of a curve

Curve = dict[str, list[float]]
"""Columns by name: seconds, and the error of each field and unknown."""


def read(file: Path) -> dict[int, Curve]:
    """Return the curves of a file by seed; none where there is no file."""
    curves: dict[int, Curve] = {}
    if not file.exists():
        return curves
    for row in History.read(file).rows:
        curve = curves.setdefault(int(row.pop(_SEED)), {})
        for name, value in row.items():
            curve.setdefault(name, []).append(value)
    return curves


def of(attempt: Attempt, names: Sequence[str]) -> Curve:
    """Return the errors of a run over seconds, thinned."""
    curve = _whole(attempt, names)
    count = len(curve.get(SECONDS, ()))
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
    last = bisect.bisect_right(curve.get(SECONDS, []), seconds) - 1
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
    writer.writerow([_SEED, *names])
    for seed, curve in curves.items():
        missing = [math.nan] * len(curve[SECONDS])
        columns = [curve.get(name, missing) for name in names]
        for values in zip(*columns, strict=True):
            writer.writerow([seed, *values])
    return file.getvalue()


def draw(curves: Mapping[int, Curve], row: Row, file: Path) -> None:
    """Draw the errors of all seeds over seconds, with the published values."""
    from pinn.plotting.seeds import seeds_figure
    from pinn.plotting.style import journal

    errors: dict[str, dict[int, tuple[list[float], list[float]]]] = {}
    published: dict[str, dict[str, float]] = {}
    for name, quantity in row.get("quantities", {}).items():
        by_seed = {s: (c[SECONDS], c[name]) for s, c in curves.items() if name in c}
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
    """Return the errors of a run over seconds; NaN where its history has none of that name."""
    metrics = attempt.metrics
    run = attempt.run
    if metrics is None or run is None or not run.history.is_file():
        return {}
    history = run.read_history()
    errors = {**history.errors(), **history.unknown_errors(metrics.truths)}
    seconds = history.numbers(SECONDS)
    missing = np.full(len(seconds), np.nan)
    curve = {SECONDS: seconds.tolist()}
    for name in names:
        curve[name] = errors.get(name, missing).tolist()
    return curve
