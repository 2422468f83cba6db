"""What can be run: the experiments and the problems of a configuration folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from rich.console import Group, RenderableType
from rich.text import Text

from pinn.errors import InputError
from pinn.reporting.published import number, published_source, published_values
from pinn.reporting.summary import plain_table


def listing(conf: Path) -> RenderableType:
    """Return the experiments with their published values, and the problems, of a configuration folder.

    A file's description is its first line of comment (after Hydra's `# @package`).

    Raises:
        InputError: if there is no such folder, or a file is no valid YAML.
    """
    if not conf.is_dir():
        raise InputError(f"{conf}: no such configuration folder; reinstall pinn, or run from the repository.")
    experiments = plain_table("experiment", "description", "problem", "published", "source", right=(3,))
    for name, path in _files(conf / "experiment"):
        content = _content(path)
        published = content.get("published")
        published = published if isinstance(published, Mapping) else None
        experiments.add_row(
            Text(name, style="bold"),
            Text(_description(path)),
            Text(_problem(content)),
            _values(published),
            Text(published_source(published), style="dim"),
        )
    problems = plain_table("problem", "description")
    for name, path in _files(conf / "problem"):
        problems.add_row(Text(name, style="bold"), Text(_description(path) or str(_content(path).get("_target_", ""))))
    hint = Text("run one with `pinn run experiment=<name>` or `pinn run problem=<name>`", style="dim")
    return Group(experiments, problems, hint)


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Return the names (as Hydra takes them) and paths of a folder's YAML files."""
    return [(p.relative_to(folder).with_suffix("").as_posix(), p) for p in sorted(folder.rglob("*.yaml"))]


def _content(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is no valid YAML: {' '.join(str(error).split())}; correct the file.") from error
    return found if isinstance(found, dict) else {}


def _description(path: Path) -> str:
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("#") and not text.removeprefix("#").strip().startswith("@package"):
            return text.removeprefix("#").strip()
        if text and not text.startswith("#"):
            break
    return ""


def _problem(content: Mapping[str, Any]) -> str:
    for entry in content.get("defaults") or ():
        if isinstance(entry, Mapping):
            for group, choice in entry.items():
                if str(group).split()[-1].lstrip("/") == "problem":
                    return str(choice)
    return ""


def _values(published: Mapping[str, Any] | None) -> str:
    value = published_values(published)
    if isinstance(value, dict):
        return "\n".join(f"{k} {number(v)}" for k, v in value.items())
    return number(value)
