"""What can be run: the experiments and the problems of a configuration folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from rich.console import Group, RenderableType
from rich.text import Text

from pinn.errors import InputError
from pinn.reporting.published import Published, as_given, number, published
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
    for name, path in files(conf / "experiment"):
        content = _content(path)
        node = content.get("published")
        known = published(node if isinstance(node, Mapping) else None)
        experiments.add_row(
            Text(name, style="bold"),
            Text(_description(path)),
            Text(_problem(content)),
            "\n".join(_told(one, _values(one)) for one in known) or number(None),
            Text("\n".join(_told(one, one.source) for one in known if one.source), style="dim"),
        )
    problems = plain_table("problem", "description")
    for name, path in files(conf / "problem"):
        problems.add_row(Text(name, style="bold"), Text(_description(path) or str(_content(path).get("_target_", ""))))
    hint = Text("run one with `pinn run experiment=<name>` or `pinn run problem=<name>`", style="dim")
    return Group(experiments, problems, hint)


def files(folder: Path) -> list[tuple[str, Path]]:
    """Return the names (as Hydra takes them) and paths of a folder's YAML files."""
    return [(p.relative_to(folder).with_suffix("").as_posix(), p) for p in sorted(folder.rglob("*.yaml"))]


def _content(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is no valid YAML: {' '.join(str(error).split())}; correct the file.") from error
    return found if isinstance(found, dict) else {}


def described(path: Path) -> list[str]:
    """Return the lines of comment at the top of a file, without Hydra's `# @package`."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text and not text.startswith("#"):
            break
        lines.append(text.removeprefix("#").strip())
    return [line for line in lines if line and not line.startswith("@package")]


def _description(path: Path) -> str:
    return (described(path) or [""])[0]


def _problem(content: Mapping[str, Any]) -> str:
    for entry in content.get("defaults") or ():
        if isinstance(entry, Mapping):
            for group, choice in entry.items():
                if str(group).split()[-1].lstrip("/") == "problem":
                    return str(choice)
    return ""


def _told(one: Published, text: str) -> str:
    return text if one.kind == "published" else f"{one.kind} {text}"


def _values(one: Published) -> str:
    if isinstance(one.value, dict):
        return ", ".join(f"{k} {as_given(v)}" for k, v in one.value.items())
    return as_given(one.value)
