"""All pictures of a run, drawn and written to its folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pinn.plotting.collocation import points_figure
from pinn.plotting.convergence import convergence_figure
from pinn.plotting.field import evolution_figure, field_figure
from pinn.plotting.phases import History
from pinn.plotting.slices import slices_figure
from pinn.plotting.style import Fields, journal, symbol
from pinn.plotting.unknowns import unknowns_figure
from pinn.plotting.weights import weights_figure

Columns = dict[str, np.ndarray]
"""Name to values [n]: coordinates on the way in, fields on the way out."""

_SIZE = 201  # grid points along each axis: one pixel or two of the printed panel
_TIMES = 4  # of the evolution, the first and the last one included
_DPI = 150


def save_figures(
    folder: Path,
    *,
    coordinates: Sequence[str],
    bounds: tuple[np.ndarray, np.ndarray],
    fields: Sequence[str],
    evaluate: Callable[[Columns], Columns],
    reference: Callable[[Columns], Columns | None] | None,
    history: History,
    points: Mapping[str, np.ndarray],
    truths: Mapping[str, float | None],
    distance: Callable[[Columns], np.ndarray] | None = None,
    weights: Mapping[str, tuple[np.ndarray, np.ndarray]] = {},
) -> list[Path]:
    """Write solution, slices, evolution, convergence, points, unknowns and weights as PNG files and return their paths.

    A picture that has nothing to show (no history, no points, no unknowns, fixed weights) is left
    out.  Over the first two coordinates the solution is drawn on a grid; further ones are fixed in
    the middle of their range, and time at its end, where errors have grown.  Where two coordinates
    in space leave no axis to time, the evolution has it.

    Args:
        folder: where the pictures go; made if need be.
        coordinates: names, time last.
        bounds: lower and upper corner of the domain, [d] each, in the coordinates' own units.
        fields: names of the fields to show, in order.
        evaluate: from coordinates [n] by name to predictions [n] by field; NaN outside the domain.
        reference: the same for the reference; None, or returns None, where there is none.
        history: columns of history.csv, one value per report.
        points: coordinates [n, d] by region.
        truths: true value of each unknown, None where it is not known.
        distance: from coordinates [n] by name to the signed distance [n] to the domain's boundary,
            positive inside; the boundary is drawn where it does not coincide with the picture's
            frame.
        weights: points [n, d] and their weights [n], by term, where points have weights of their
            own.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def drawn() -> Iterator[tuple[str, Figure]]:
        names, grids, shown, note = _on_grid(coordinates, bounds, fields, evaluate, reference)
        depth = (
            _depth(coordinates, bounds, distance)
            if distance is not None and len(names) == 2
            else None
        )
        if len(names) == 2:
            yield "solution", field_figure(names, grids, shown, note=note, distance=depth)
            yield "slices", slices_figure(names, grids, shown, note=note)
        else:
            yield "solution", slices_figure(names, grids, shown, note=note)
        if len(coordinates) > 2 and coordinates[-1] == "t":
            yield "evolution", _evolution(coordinates, bounds, fields, evaluate, reference, depth)
        if len(history.get("loss", ())):
            yield "convergence", convergence_figure(history)
        if points:
            yield "points", points_figure(points, names)
        if any(c.startswith("unknown_") for c in history) and len(history["iteration"]):
            yield "unknowns", unknowns_figure(history, truths)
        if any(c.startswith("weight_") for c in history) and len(history["iteration"]):
            yield "weights", weights_figure(history, weights, names)

    return [_save(figure, folder / f"{name}.png") for name, figure in drawn()]


def _on_grid(
    coordinates: Sequence[str],
    bounds: tuple[np.ndarray, np.ndarray],
    fields: Sequence[str],
    evaluate: Callable[[Columns], Columns],
    reference: Callable[[Columns], Columns | None] | None,
    time: float | None = None,
) -> tuple[list[str], list[np.ndarray], Fields, str]:
    """Return the names and grids of the axes, (prediction, reference) by field on the grid, and what is fixed.

    Time is fixed at `time`, or where that is None at its end.
    """
    lower, upper = (np.asarray(b, float) for b in bounds)
    names = list(coordinates[:2])
    grids = [np.linspace(a, b, _SIZE) for a, b in zip(lower[:2], upper[:2], strict=True)]
    mesh = np.meshgrid(*grids, indexing="ij")
    fixed = {c: (lower[i] + upper[i]) / 2 for i, c in enumerate(coordinates) if i >= 2}
    if "t" in fixed:
        fixed["t"] = upper[-1] if time is None else time
    at = {c: m.ravel() for c, m in zip(names, mesh, strict=True)}
    at |= {c: np.full(mesh[0].size, value) for c, value in fixed.items()}
    predictions = evaluate(dict(at))
    references = (reference(dict(at)) if reference is not None else None) or {}

    def shaped(values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, float), mesh[0].size).reshape(mesh[0].shape)

    shown = {
        n: (shaped(predictions[n]), shaped(references[n]) if n in references else None)
        for n in fields
    }
    note = ", ".join(f"{symbol(c)} = {value:.3g}" for c, value in fixed.items())
    return names, grids, shown, f"${note}$" if note else ""


def _depth(
    coordinates: Sequence[str],
    bounds: tuple[np.ndarray, np.ndarray],
    distance: Callable[[Columns], np.ndarray],
) -> np.ndarray:
    """Return the signed distance to the boundary on the grid."""
    _, _, shown, _ = _on_grid(
        coordinates, bounds, ["distance"], lambda at: {"distance": distance(at)}, None
    )
    return shown["distance"][0]


def _evolution(
    coordinates: Sequence[str],
    bounds: tuple[np.ndarray, np.ndarray],
    fields: Sequence[str],
    evaluate: Callable[[Columns], Columns],
    reference: Callable[[Columns], Columns | None] | None,
    distance: np.ndarray | None,
) -> Figure:
    """Return the picture of what time does to fields over the first two coordinates, both in space."""
    times = np.linspace(bounds[0][-1], bounds[1][-1], _TIMES)
    frames = [_on_grid(coordinates, bounds, fields, evaluate, reference, t) for t in times]
    names, grids, _, _ = frames[0]
    shown: dict[str, tuple[np.ndarray, np.ndarray | None]] = {}
    for field in fields:
        found, truths = zip(*(frame[2][field] for frame in frames), strict=True)
        shown[field] = np.stack(found), None if any(t is None for t in truths) else np.stack(truths)
    middle = {
        c: (bounds[0][i] + bounds[1][i]) / 2 for i, c in enumerate(coordinates[:-1]) if i >= 2
    }
    note = ", ".join(f"{symbol(c)} = {value:.3g}" for c, value in middle.items())
    return evolution_figure(
        names, grids, times, shown, note=f"${note}$" if note else "", distance=distance
    )


@journal()
def _save(figure: Figure, path: Path) -> Path:
    """Write a figure whole or not at all: a reader never meets half a picture."""
    unfinished = path.with_name(f".{path.name}.part")
    figure.savefig(unfinished, format="png", dpi=_DPI, bbox_inches="tight", pad_inches=0.06)
    os.replace(unfinished, path)
    return path
