"""Several finished runs side by side, and what their configurations differ in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pinn.errors import InputError
from pinn.reporting.published import comparisons, number, ratio_text
from pinn.reporting.summary import count, plain_table, seconds

_ABSENT = "–"


def compare(folders: Sequence[Path | str]) -> RenderableType:
    """Return one row per run, and below it the configuration keys in which the runs differ.

    Raises:
        InputError: for a folder that holds no finished run, or a file that cannot be read.
    """
    if not folders:
        raise InputError(
            "compare: no folder; give the folders of finished runs, such as outputs/burgers/*."
        )
    paths = [Path(f) for f in folders]
    runs = [_metrics(p) for p in paths]
    names = [str(p) for p in paths]
    table = plain_table(
        *(
            "run",
            "problem",
            "relative L2",
            "max error",
            "published",
            "iterations",
            "evaluations",
            "seconds",
            "seed",
        ),
        right=(4, 5, 6, 7, 8),
    )
    for name, run in zip(names, runs, strict=True):
        table.add_row(Text(name), *_cells(run))
    configs = [
        _flat(_read_yaml(p / "config.yaml")) if (p / "config.yaml").exists() else {} for p in paths
    ]
    return Group(table, _differences(names, configs))


def _cells(run: Mapping[str, Any]) -> list[str | Text]:
    beside = comparisons(run)
    several = len({c.name for c in beside}) > 1
    ratios = "\n".join(" ".join([c.name] * several + [c.kind, ratio_text(c.ratio)]) for c in beside)
    phases = run.get("phases") or []
    errors = run.get("relative_l2") or {
        k: (v or {}).get("relative_error") for k, v in (run.get("unknowns") or {}).items()
    }
    return [
        Text(str(run.get("problem", _ABSENT))),
        _by_name(errors, run.get("reference_error") or {}),
        _by_name(run.get("max_error") or {}),
        ratios or _ABSENT,
        count(sum(p.get("iterations") or 0 for p in phases)),
        count(sum(p.get("evaluations") or 0 for p in phases)),
        seconds((run.get("seconds") or {}).get("total")),
        str(run.get("seed", _ABSENT)),
    ]


def _by_name(values: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> str:
    """Return a line for each name, with the error of the reference's own where it has one."""
    shown = {name: f" ± {number(error)}" for name, error in (own or {}).items()}
    return (
        "\n".join(
            f"{name} {number(value, 3)}{shown.get(name, '')}" for name, value in values.items()
        )
        or _ABSENT
    )


def _differences(names: Sequence[str], configs: Sequence[Mapping[str, str]]) -> RenderableType:
    if len(configs) < 2:
        return Text("")
    keys = list(dict.fromkeys(k for config in configs for k in config))
    rows = {k: [config.get(k, _ABSENT) for config in configs] for k in keys}
    rows = {k: values for k, values in rows.items() if len(set(values)) > 1}
    if not rows:
        return Text("the configurations are equal", style="dim")
    if len(rows) > len(names):
        return _text_table(["differs", *names], [[k, *values] for k, values in rows.items()])
    return _text_table(
        ["run", *rows], [list(cells) for cells in zip(names, *rows.values(), strict=True)]
    )


def _text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = plain_table(*header)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _metrics(folder: Path) -> dict[str, Any]:
    path = folder / "metrics.json"
    if not folder.is_dir():
        raise InputError(f"{folder} is no finished run; there is no such folder.")
    if not path.is_file():
        remedy = (
            f"finish it with `pinn resume {folder}`"
            if (folder / "checkpoint.npz").exists()
            else "give the folder that holds metrics.json"
        )
        raise InputError(f"{folder} is no finished run; it has no metrics.json; {remedy}.")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is no valid JSON: {error}; run again or remove the folder."
        ) from error
    if not isinstance(found, dict):
        raise InputError(
            f"{path} holds a {type(found).__name__}, no mapping; run again or remove the folder."
        )
    return found


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is no valid YAML: {' '.join(str(error).split())}; correct the file."
        ) from error


def _flat(node: Any, prefix: str = "") -> dict[str, str]:
    """Return a nested configuration as text by dotted key."""
    if not isinstance(node, Mapping) or not node:
        return {prefix: str(node)} if prefix else {}
    found: dict[str, str] = {}
    for key, value in node.items():
        found |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return found
