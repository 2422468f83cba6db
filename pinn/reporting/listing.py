"""What can be run: the experiments and the problems of a configuration folder, all in short or some in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pinn.errors import InputError, guess
from pinn.reporting.published import KINDS, Published, as_given, number, published
from pinn.reporting.summary import plain_table

_HINT = (
    "baseline, record: published relative errors, the largest where there are several (≤); `pinn list NAME` tells "
    "all of one, and the sources; `pinn run experiment=NAME` or `pinn run problem=NAME` runs it"
)


def listing(conf: Path, names: Sequence[str] = ()) -> RenderableType:
    """Return a line for each experiment and problem of a configuration folder, or all that is known of some.

    A file's description is its comment at the top (after Hydra's `# @package`), in short its first
    line.

    Raises:
        InputError: if there is no such folder or name, or a file is no valid YAML.
    """
    if not conf.is_dir():
        raise InputError(
            f"{conf}: no such configuration folder; reinstall pinn, or run from the repository."
        )
    groups = {group: dict(files(conf / group)) for group in ("experiment", "problem")}
    if names:
        return Group(*(_in_full(name, groups) for name in names))
    experiments = plain_table("experiment", "description", *KINDS, right=(2, 3))
    for name, path in groups["experiment"].items():
        known = {one.kind: one for one in composed(path).known}
        experiments.add_row(
            _name(name), _line(_description(path)), *(_largest(known.get(kind)) for kind in KINDS)
        )
    problems = plain_table("problem", "description")
    for name, path in groups["problem"].items():
        problems.add_row(
            _name(name), _line(_description(path) or str(_content(path).get("_target_", "")))
        )
    return Group(experiments, problems, Text(_HINT, style="dim"))


def files(folder: Path) -> list[tuple[str, Path]]:
    """Return the names (as Hydra takes them) and paths of a folder's YAML files."""
    return [
        (p.relative_to(folder).with_suffix("").as_posix(), p)
        for p in sorted(folder.rglob("*.yaml"))
    ]


def described(path: Path) -> list[str]:
    """Return the lines of comment at the top of a file, without Hydra's `# @package`."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text and not text.startswith("#"):
            break
        lines.append(text.removeprefix("#").strip())
    return [line for line in lines if line and not line.startswith("@package")]


class _Experiment(NamedTuple):
    """What an experiment says itself or inherits: its `published` block and the problem's name."""

    published: Mapping[str, Any]
    problem: str

    @property
    def known(self) -> list[Published]:
        return published(self.published)


def composed(path: Path, below: Sequence[Path] = ()) -> _Experiment:
    """Return an experiment with what it inherits from those that its defaults name.

    It is Hydra's composition in small: Hydra itself takes most of a second, for each experiment as
    much again.
    """
    if path in below:
        raise InputError(f"{path}: its defaults lead back to itself; correct the file.")
    content = _content(path)
    defaults = content.get("defaults") or []
    found, problem = {}, ""
    for entry in defaults if "_self_" in defaults else [*defaults, "_self_"]:
        if entry == "_self_":
            found = _merged(found, content.get("published", found))
        elif isinstance(entry, str) and (parent := path.parent / f"{entry}.yaml").is_file():
            inherited = composed(parent, [*below, path])
            found, problem = _merged(found, inherited.published), inherited.problem or problem
        elif isinstance(entry, Mapping):
            chosen = [
                str(choice)
                for group, choice in entry.items()
                if str(group).split()[-1].lstrip("/") == "problem"
            ]
            problem = chosen[-1] if chosen else problem
    return _Experiment(found if isinstance(found, Mapping) else {}, problem)


def _merged(old: Any, new: Any) -> Any:
    """Return a new value on top of an old one, key by key where both are mappings."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    return {**old, **{k: _merged(old.get(k), v) for k, v in new.items()}}


def _content(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(
            f"{path} is no valid YAML: {' '.join(str(error).split())}; correct the file."
        ) from error
    return found if isinstance(found, dict) else {}


def _in_full(name: str, groups: Mapping[str, Mapping[str, Path]]) -> RenderableType:
    """Return all that is known of an experiment or a problem, or of both where they share a name."""
    found = [(group, paths[name]) for group, paths in groups.items() if name in paths]
    if not found:
        hint = guess(name, {n for paths in groups.values() for n in paths})
        raise InputError(f"list: no experiment or problem {name!r}; see `pinn list`.{hint}")
    parts: list[RenderableType] = []
    for group, path in found:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for label, text in (_experiment if group == "experiment" else _problem)(path):
            table.add_row(label, Text(text))
        table.add_row("file", Text(str(path)))
        table.add_row("run it", Text(f"pinn run {group}={name}"))
        title = Text.assemble((name, "bold"), (f"  {group}", "dim"))
        parts += [
            title,
            *([Text(" ".join(lines))] if (lines := described(path)) else []),
            table,
            Text(""),
        ]
    return Group(*parts)


def _experiment(path: Path) -> list[tuple[str, str]]:
    """Return an experiment's problem and published values, a label and a text each."""
    found = composed(path)
    rows = [("problem", found.problem)] if found.problem else []
    for one in found.known:
        rows += [(one.kind, _values(one)), ("", one.source)]
    return rows


def _problem(path: Path) -> list[tuple[str, str]]:
    """Return a problem's class and coefficients, a label and a text each."""
    content = _content(path)
    coefficients = [
        (str(k), str(v)) for k, v in content.items() if k not in ("_target_", "unknowns")
    ]
    return [("class", str(content.get("_target_", ""))), *coefficients]


def _description(path: Path) -> str:
    return (described(path) or [""])[0]


def _name(name: str) -> Text:
    return Text(name, style="bold", no_wrap=True)


def _line(text: str) -> Text:
    """Return a text that is cut short where it has no room, and never takes a second line."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def _largest(one: Published | None) -> Text:
    """Return the published number, or the largest of several."""
    value = one.value if one else None
    if not isinstance(value, Mapping):
        return Text(as_given(value), no_wrap=True)
    known = [v for v in value.values() if v is not None]
    sign = "≤ " if len(known) > 1 else ""
    return Text(f"{sign}{as_given(max(known))}" if known else number(None), no_wrap=True)


def _values(one: Published) -> str:
    if isinstance(one.value, Mapping):
        return ", ".join(f"{k} {as_given(v)}" for k, v in one.value.items())
    return as_given(one.value)
