"""What can be run: the experiments and problems of a configuration folder, in short or in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pinn.errors import InputError, guess
from pinn.reporting.published import (
    KINDS,
    Published,
    as_given,
    number,
    published,
    values_text,
)
from pinn.reporting.tables import plain_table

_HINT = (
    "baseline, record: published relative errors, the largest where there are several (≤); "
    "`pinn list NAME` shows one in full, with the sources; `pinn run experiment=NAME` or "
    "`pinn run problem=NAME` runs it"
)
_GROUPS = ("experiment", "problem")

Rows = list[tuple[str, str]]
"""The rows of a table: a label and a text each."""


def listing(conf: Path, names: Sequence[str] = ()) -> RenderableType:
    """Return one line per experiment and problem of a configuration folder, or some in full.

    The description of a file is the comment at its top (after Hydra's `# @package`); in short, the
    first line of it.

    Raises:
        InputError: if there is no such folder or name, or a file is no valid YAML.
    """
    if not conf.is_dir():
        raise InputError(
            f"{conf}: no such configuration folder; reinstall pinn, or run from the repository."
        )
    groups = {group: dict(files(conf / group)) for group in _GROUPS}
    if names:
        return Group(*(_in_full(name, groups) for name in names))
    experiments = plain_table(["experiment", "description", *KINDS], right=KINDS)
    for name, path in groups["experiment"].items():
        entries = {entry.kind: entry for entry in published(composed(path).published)}
        largest = [_largest(entries.get(kind)) for kind in KINDS]
        experiments.add_row(_name(name), _one_line(_first_line(path)), *largest)
    problems = plain_table(["problem", "description"])
    for name, path in groups["problem"].items():
        description = _first_line(path) or str(_content(path).get("_target_", ""))
        problems.add_row(_name(name), _one_line(description))
    return Group(experiments, problems, Text(_HINT, style="dim"))


def files(folder: Path) -> list[tuple[str, Path]]:
    """Return the names (as Hydra takes them) and paths of a folder's YAML files."""
    paths = sorted(folder.rglob("*.yaml"))
    return [(path.relative_to(folder).with_suffix("").as_posix(), path) for path in paths]


def described(path: Path) -> list[str]:
    """Return the lines of the comment at the top of a file, without Hydra's `# @package`."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            break
        text = line.strip().removeprefix("#").strip()
        if text and not text.startswith("@package"):
            lines.append(text)
    return lines


def description(path: Path) -> str:
    """Return the description of a file as Markdown: its first line, then one paragraph."""
    lines = described(path)
    if not lines:
        return ""
    paragraphs = [lines[0]]
    if len(lines) > 1:
        paragraphs.append("\n".join(lines[1:]))
    return "\n\n".join(paragraphs)


class ComposedExperiment(NamedTuple):
    """What an experiment states or inherits.

    Attributes:
        published: its `published` block.
        problem: the name of its problem; "" where none is chosen.
    """

    published: Mapping[str, Any]
    problem: str


def composed(path: Path, heirs: Sequence[Path] = ()) -> ComposedExperiment:
    """Return an experiment together with what it inherits from those that its defaults name.

    This is a small part of Hydra's composition. Hydra itself takes most of a second to start, and
    as long again for each experiment.

    Args:
        path: the file of the experiment.
        heirs: the files that inherit from it.

    Raises:
        InputError: if the file inherits from itself, or is no valid YAML.
    """
    if path in heirs:
        raise InputError(f"{path}: its defaults lead back to itself; correct the file.")
    content = _content(path)
    defaults = list(content.get("defaults") or [])
    if "_self_" not in defaults:
        defaults.append("_self_")
    block: Any = {}
    problem = ""
    for entry in defaults:
        if entry == "_self_":
            block = _merged(block, content.get("published", block))
        elif isinstance(entry, str):
            parent = path.parent / f"{entry}.yaml"
            if parent.is_file():
                inherited = composed(parent, [*heirs, path])
                block = _merged(block, inherited.published)
                problem = inherited.problem or problem
        elif isinstance(entry, Mapping):
            problem = _chosen_problem(entry) or problem
    return ComposedExperiment(block if isinstance(block, Mapping) else {}, problem)


def _chosen_problem(entry: Mapping[Any, Any]) -> str:
    """Return "wave" for an entry of the defaults such as {"override /problem": "wave"}, or ""."""
    for group, choice in entry.items():
        if str(group).split()[-1].lstrip("/") == "problem":
            return str(choice)
    return ""


def _merged(old: Any, new: Any) -> Any:
    """Return a new value on top of an old one, key by key where both are mappings."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    merged = dict(old)
    for key, value in new.items():
        merged[key] = _merged(old.get(key), value)
    return merged


def _content(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is no valid YAML: {reason}; correct the file.") from error
    return content if isinstance(content, dict) else {}


def _in_full(name: str, groups: Mapping[str, Mapping[str, Path]]) -> RenderableType:
    """Return all about an experiment or a problem, or about both where they share a name."""
    parts: list[RenderableType] = []
    for group, paths in groups.items():
        if name in paths:
            parts += _section(name, group, paths[name])
    if not parts:
        known = [known_name for paths in groups.values() for known_name in paths]
        raise InputError(
            f"list: no experiment or problem {name!r}; see `pinn list`.{guess(name, known)}"
        )
    return Group(*parts)


def _section(name: str, group: str, path: Path) -> list[RenderableType]:
    """Return all about an experiment or a problem: title, description and table."""
    parts: list[RenderableType] = [Text.assemble((name, "bold"), (f"  {group}", "dim"))]
    description = " ".join(described(path))
    if description:
        parts.append(Text(description))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows = _experiment(path) if group == "experiment" else _problem(path)
    rows += [("file", str(path)), ("run it", f"pinn run {group}={name}")]
    for label, text in rows:
        table.add_row(label, Text(text))
    return [*parts, table, Text("")]


def _experiment(path: Path) -> Rows:
    """Return the problem and the published values of an experiment."""
    experiment = composed(path)
    rows = [("problem", experiment.problem)] if experiment.problem else []
    for entry in published(experiment.published):
        rows += [(entry.kind, values_text(entry.value)), ("", entry.source)]
    return rows


def _problem(path: Path) -> Rows:
    """Return the class and the coefficients of a problem."""
    content = _content(path)
    rows = [("class", str(content.pop("_target_", "")))]
    for key, value in content.items():
        if key != "unknowns":
            rows.append((str(key), str(value)))
    return rows


def _first_line(path: Path) -> str:
    """Return the first line of the description of a file."""
    lines = described(path)
    return lines[0] if lines else ""


def _name(name: str) -> Text:
    return Text(name, style="bold", no_wrap=True)


def _one_line(text: str) -> Text:
    """Return a text that is cut short where it has no room, and never takes a second line."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def _largest(entry: Published | None) -> Text:
    """Return the published number, or the largest of several."""
    value = entry.value if entry else None
    if not isinstance(value, Mapping):
        return Text(as_given(value), no_wrap=True)
    numbers = [v for v in value.values() if v is not None]
    if not numbers:
        return Text(number(None), no_wrap=True)
    sign = "≤ " if len(numbers) > 1 else ""
    return Text(f"{sign}{as_given(max(numbers))}", no_wrap=True)
