"""Sweeps on the screen: a line per run, and the table of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from rich.table import Table
from rich.text import Text

from pinn.errors import InputError
from pinn.record import RunFolder, Sweep, SweepRun
from pinn.record.columns import HELDOUT_LOSS, ITERATION, LOSS, PHASE
from pinn.record.sweep import short_names
from pinn.reporting.published import number
from pinn.reporting.tables import count, plain_table, seconds

Cell = Callable[[SweepRun], str]
"""What a column of the table says of a run; "" where there is nothing to say."""

_MISSING = "–"
_STYLES = {"done": "green", "running": "dim"}  # of the line of a run; others are yellow


def sweep_table(sweep: Sweep) -> Table:
    """Return the table of a sweep, its best run marked.

    What is the same in all runs, as why they stopped may be, and columns without values are left
    out.
    """
    best = sweep.best
    runs = sweep.runs
    swept: dict[str, Cell] = {}
    for run in runs:
        for key in run.swept:
            swept[key] = _swept(key)
    titles = short_names(list(swept))
    columns = {titles[key]: cell for key, cell in swept.items()} | _COLUMNS
    if any(run.state != "done" for run in runs):
        columns["state"] = _state
    elif len({run.stop_reason for run in runs}) > 1:
        columns["stopped because"] = lambda run: run.stop_reason or ""
    for title, cell in tuple(columns.items()):
        if not any(map(cell, runs)):
            del columns[title]
    table = plain_table(["", *columns], right=[*titles.values(), *_NUMERIC])
    for column in table.columns[:-1]:
        column.no_wrap = True
    for run in runs:
        is_best = run is best
        style = "bold green" if is_best else "" if run.state == "done" else "yellow"
        cells: list[Text] = []
        for cell in columns.values():
            cells.append(Text(cell(run) or _MISSING))
        table.add_row("best" if is_best else "", *cells, style=style)
    return table


def ended_line(run: SweepRun, log: Path) -> Text:
    """Return how a run ended in one line: its errors and seconds, or why it did not end well."""
    style = _STYLES.get(run.state, "yellow")
    if run.state == "done":
        parts = [_errors(run) or f"held-out loss {number(run.heldout_loss)}"]
        parts.append(f"{seconds(run.seconds)} s")
        return Text(f"✓ {run.folder}: {'; '.join(parts)}", style=style)
    text = f"{'○' if run.state == 'pruned' else '✗'} {run.folder} {_state(run)}"
    return Text(f"{text}  ({log})" if run.state == "failed" else text, style=style)


def progress_line(run: SweepRun, folder: RunFolder) -> str:
    """Return where a run is: the last report of its history."""
    parts = [run.folder]
    try:
        row = folder.read_history().rows[-1]
        parts += [f"{row[PHASE]}", f"iteration {row[ITERATION]:,}", f"loss {number(row[LOSS])}"]
        parts.append(f"held out {number(row[HELDOUT_LOSS])}")
    except (InputError, IndexError, KeyError):  # it has not reported yet
        pass
    return "  ".join(parts)


def _swept(name: str) -> Cell:
    def cell(run: SweepRun) -> str:
        value = run.swept.get(name)
        return f"{value:g}" if isinstance(value, float) else str(value)

    return cell


def _errors(run: SweepRun) -> str:
    return ", ".join(f"{name} {number(e)}" for name, e in run.errors.items() if e is not None)


def _remaining(run: SweepRun) -> str:
    """Return the largest residual over its typical size, and its name."""
    if not run.remaining:
        return ""
    name = max(run.remaining, key=run.remaining.__getitem__)
    return f"{number(run.remaining[name])} ({name})"


def _unknowns(run: SweepRun) -> str:
    lines: list[str] = []
    for name, unknown in run.unknowns.items():
        error = unknown.standard_error
        suffix = "" if error is None else f" ± {number(error)}"
        if unknown.estimate is not None:
            lines.append(f"{name} {unknown.estimate:.6g}{suffix}")
    return "\n".join(lines)


def _state(run: SweepRun) -> str:
    return f"{run.state}: {run.reason}" if run.reason else run.state


def _memory(run: SweepRun) -> str:
    return "" if run.peak_memory is None else f"{run.peak_memory / 1e9:.2g} GB"


_COLUMNS: Mapping[str, Cell] = {
    "error": _errors,
    "held out": lambda run: "" if run.heldout_loss is None else number(run.heldout_loss),
    "loss": lambda run: "" if run.loss is None else number(run.loss),
    "remaining": _remaining,
    "unknowns": _unknowns,
    "iterations": lambda run: "" if run.iterations is None else count(run.iterations),
    "seconds": lambda run: "" if run.seconds is None else seconds(run.seconds),
    "memory": _memory,
}
_NUMERIC = ("held out", "loss", "iterations", "seconds", "memory")
