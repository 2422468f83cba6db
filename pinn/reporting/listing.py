"""What can be run: the experiments and problems of a configuration folder, in short or in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pinn.conf_folders import ConfFolder, choices, content, described, shown
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
_GROUPS = ("experiment", "problem", "hparams_search")

Rows = list[tuple[str, str]]
"""The rows of a table: a label and a text each."""


def listing(folders: Sequence[ConfFolder], names: Sequence[str] = ()) -> RenderableType:
    """Return one line per experiment, problem and search of folders, or some in full.

    The description of a file is the comment at its top (after Hydra's `# @package`); in short, the
    first line of it. Folders other than this package's come last, under headings of their own.

    Raises:
        InputError: if there is no such name, or a file is no valid YAML.
    """
    own = [folder for folder in folders if folder.kind == "pinn"]
    if not all(folder.path.is_dir() for folder in own):
        raise InputError(
            f"{own[0].path}: no such configuration folder; reinstall pinn, or run from the "
            "repository."
        )
    if names:
        return Group(*(_in_full(name, folders) for name in names))
    parts: list[RenderableType] = []
    for folder in sorted(folders, key=lambda folder: folder.kind != "pinn"):
        parts += _tables(folder, folders)
    return Group(*parts, Text(_HINT, style="dim"))


def _tables(folder: ConfFolder, folders: Sequence[ConfFolder]) -> list[RenderableType]:
    """Return the tables of experiments, problems and searches of a folder, those with rows."""
    of = "" if folder.kind == "pinn" else f" of {folder.title}"
    experiments = plain_table([f"experiment{of}", "description", *KINDS], right=KINDS)
    for name, path in folder.files("experiment").items():
        entries = {entry.kind: entry for entry in published(composed(path, folders).published)}
        largest = [_largest(entries.get(kind)) for kind in KINDS]
        experiments.add_row(_name(name), _one_line(_first_line(path)), *largest)
    problems = plain_table([f"problem{of}", "description"])
    for name, path in folder.files("problem").items():
        description = _first_line(path) or str(content(path).get("_target_", ""))
        problems.add_row(_name(name), _one_line(description))
    for name, target in folder.problems.items():
        problems.add_row(_name(name), _one_line(target))
    searches = plain_table([f"hparams_search{of}", "description"])
    for name, path in folder.files("hparams_search").items():
        searches.add_row(_name(name), _one_line(_first_line(path)))
    return [table for table in (experiments, problems, searches) if table.row_count]


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


def composed(
    path: Path, folders: Sequence[ConfFolder] = (), heirs: Sequence[Path] = ()
) -> ComposedExperiment:
    """Return an experiment together with what it inherits from those that its defaults name.

    This is a small part of Hydra's composition. Hydra itself takes most of a second to start, and
    as long again for each experiment.

    Args:
        path: the file of the experiment.
        folders: where the experiments are that it may inherit from, besides its own folder.
        heirs: the files that inherit from it.

    Raises:
        InputError: if the file inherits from itself, or is no valid YAML.
    """
    if path in heirs:
        raise InputError(f"{shown(path)}: its defaults lead back to itself; correct the file.")
    found = content(path)
    defaults = list(found.get("defaults") or [])
    if "_self_" not in defaults:
        defaults.append("_self_")
    block: Any = {}
    problem = ""
    for entry in defaults:
        if entry == "_self_":
            block = _merged(block, found.get("published", block))
        elif isinstance(entry, str):
            places = [path.parent, *(folder.path / "experiment" for folder in folders)]
            parents = [place / f"{entry}.yaml" for place in places]
            for parent in [parent for parent in parents if parent.is_file()][:1]:
                inherited = composed(parent, folders, [*heirs, path])
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


def _in_full(name: str, folders: Sequence[ConfFolder]) -> RenderableType:
    """Return all about what has a name, of every group in which it is one."""
    parts: list[RenderableType] = []
    for group in _GROUPS:
        for folder in folders:
            path = folder.files(group).get(name)
            if path is not None:
                rows = _rows(group, path, folders)
                parts += _section(name, group, folder, [*rows, ("file", str(path))], path)
                break
            if group == "problem" and name in folder.problems:
                parts += _section(name, group, folder, [("class", folder.problems[name])])
                break
    if not parts:
        known = [known_name for group in _GROUPS for known_name in choices(folders, group)]
        raise InputError(
            f"list: no experiment, problem or search {name!r}; see `pinn list`.{guess(name, known)}"
        )
    return Group(*parts)


def _section(
    name: str, group: str, folder: ConfFolder, rows: Rows, path: Path | None = None
) -> list[RenderableType]:
    """Return all about one name of a group: title, description and table."""
    of = "" if folder.kind == "pinn" else f" of {folder.title}"
    parts: list[RenderableType] = [Text.assemble((name, "bold"), (f"  {group}{of}", "dim"))]
    text = " ".join(described(path)) if path else ""
    if text:
        parts.append(Text(text))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    option = "-m " if group == "hparams_search" else ""
    for label, value in [*rows, ("run it", f"pinn run {option}{group}={name}")]:
        table.add_row(label, Text(value))
    return [*parts, table, Text("")]


def _rows(group: str, path: Path, folders: Sequence[ConfFolder]) -> Rows:
    """Return what a file of a group says, in rows."""
    if group == "experiment":
        return _experiment(path, folders)
    return _problem(path) if group == "problem" else _search(path)


def _search(path: Path) -> Rows:
    """Return the settings that a search varies."""
    sweeper = (content(path).get("hydra") or {}).get("sweeper") or {}
    return [(str(key), str(value)) for key, value in (sweeper.get("params") or {}).items()]


def _experiment(path: Path, folders: Sequence[ConfFolder]) -> Rows:
    """Return the problem and the published values of an experiment."""
    experiment = composed(path, folders)
    rows = [("problem", experiment.problem)] if experiment.problem else []
    for entry in published(experiment.published):
        rows += [(entry.kind, values_text(entry.value)), ("", entry.source)]
    return rows


def _problem(path: Path) -> Rows:
    """Return the class and the coefficients of a problem."""
    found = content(path)
    rows = [("class", str(found.pop("_target_", "")))]
    for key, value in found.items():
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
