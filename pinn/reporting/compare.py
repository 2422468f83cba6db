"""Several finished runs side by side, and the settings in which they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pinn.errors import InputError
from pinn.record import Metrics, RunFolder, SweepFolder
from pinn.reporting.published import comparisons, number, ratio_text
from pinn.reporting.tables import count, plain_table, seconds

_MISSING = "–"
_NUMERIC_COLUMNS = ("published", "iterations", "evaluations", "seconds", "seed")
_COLUMNS = ("run", "problem", "relative L2", "max error", *_NUMERIC_COLUMNS)


def compare(folders: Iterable[Path | str]) -> RenderableType:
    """Return one row per run, and below it the keys of the configuration in which the runs differ.

    Args:
        folders: those of runs, and of sweeps, which stand for their finished runs.

    Raises:
        InputError: for a folder that holds no finished run, or a file that cannot be read.
    """
    runs: list[RunFolder] = []
    for folder in folders:
        runs += _runs(Path(folder))
    if not runs:
        raise InputError(
            "compare: no folder; give the folders of finished runs, such as outputs/burgers/*."
        )
    table = plain_table(_COLUMNS, right=_NUMERIC_COLUMNS)
    for run in runs:
        table.add_row(Text(str(run.path)), *_cells(_metrics(run)))
    names = [str(run.path) for run in runs]
    return Group(table, _differences(names, [_settings(run) for run in runs]))


def _runs(path: Path) -> list[RunFolder]:
    """Return the run of a folder, or the finished runs of a sweep."""
    sweep = SweepFolder(path)
    if not sweep.exists:
        return [RunFolder(path)]
    finished: list[RunFolder] = []
    for run in sweep.read().runs:
        if sweep.run(run).finished_metrics() is not None:
            finished.append(sweep.run(run))
    if not finished:
        raise InputError(f"{path}: no run of this sweep is finished; `pinn resume {path}`.")
    return finished


def _cells(metrics: Metrics) -> list[str | Text]:
    """Return a row of the table, without the name of the run."""
    return [
        Text(metrics.problem or _MISSING),
        _errors_text(metrics),
        _lines(f"{name} {number(error, 3)}" for name, error in metrics.max_error.items()),
        _ratios_text(metrics),
        count(metrics.iterations),
        count(metrics.evaluations),
        seconds(metrics.seconds.total),
        _MISSING if metrics.seed is None else str(metrics.seed),
    ]


def _errors_text(metrics: Metrics) -> str:
    """Return one line per field, with the reference's own error, or else one per unknown."""
    lines = []
    for name, error in (metrics.relative_l2 or metrics.errors).items():
        own = metrics.reference_error.get(name)
        suffix = "" if own is None else f" ± {number(own)}"
        lines.append(f"{name} {number(error, 3)}{suffix}")
    return _lines(lines)


def _ratios_text(metrics: Metrics) -> str:
    """Return one line per published value, with the name of the field where there are several."""
    compared = comparisons(metrics)
    several = len({c.name for c in compared}) > 1
    lines = []
    for comparison in compared:
        name = f"{comparison.name} " if several else ""
        lines.append(f"{name}{comparison.kind} {ratio_text(comparison.ratio)}")
    return _lines(lines)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines) or _MISSING


def _differences(names: Sequence[str], settings: Sequence[Mapping[str, str]]) -> RenderableType:
    """Return the settings in which runs differ, with the shorter list as columns."""
    if len(settings) < 2:
        return Text("")
    keys: dict[str, None] = {}
    for of_run in settings:
        keys |= dict.fromkeys(of_run)
    rows = []
    for key in keys:
        values = [of_run.get(key, _MISSING) for of_run in settings]
        if len(set(values)) > 1:
            rows.append([key, *values])
    if not rows:
        return Text("the configurations are equal", style="dim")
    if len(rows) > len(names):
        return _text_table([["differs", *names], *rows])
    columns = [["run", *names], *rows]
    return _text_table([list(row) for row in zip(*columns, strict=True)])


def _text_table(rows: Sequence[Sequence[str]]) -> Table:
    """Return a table of texts; the first row is the header."""
    table = plain_table(rows[0])
    for row in rows[1:]:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _metrics(run: RunFolder) -> Metrics:
    """Return the metrics of a finished run."""
    if not run.path.is_dir():
        raise InputError(f"{run.path} is no finished run; there is no such folder.")
    metrics = run.read_metrics()
    if metrics is None:
        remedy = f"give the folder that holds {run.metrics.name}"
        if run.begun:
            remedy = f"finish it with `pinn resume {run.path}`"
        raise InputError(f"{run.path} is no finished run; it has no {run.metrics.name}; {remedy}.")
    return metrics


def _settings(run: RunFolder) -> dict[str, str]:
    """Return the configuration of a run as text by dotted key; none where it has no file."""
    return _flat(run.read_config()) if run.config.exists() else {}


def _flat(node: object, prefix: str = "") -> dict[str, str]:
    """Return a nested configuration as text by dotted key."""
    if not isinstance(node, Mapping) or not node:
        return {prefix: str(node)} if prefix else {}
    texts: dict[str, str] = {}
    for key, value in node.items():
        texts |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return texts
