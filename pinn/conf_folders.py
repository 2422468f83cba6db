"""The folders of configuration files: the user's, this package's, and those of installed packages.

A file `<folder>/<group>/<name>.yaml` is chosen by `group=name`. Of two files of one name the first
in the list of folders counts; `check_names` refuses those that do not say so. Nothing here needs
Hydra, which takes longer to import than a listing may take.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

import pinn
from pinn.errors import InputError

LOCAL = Path("conf")
"""The user's folder of configuration files in the working folder."""
WHOLE_RUNS = ("experiment", "hparams_search")
"""The groups whose files may set everything, and that have no choice by default."""
ENTRY_POINTS = "pinn.problems"
"""The group of entry points by which an installed package registers its problems."""
REPLACES = "# @replaces pinn"
"""The line at the top of a user's file that may have the name of one of this package's."""

_HEADER = re.compile(r"#\s*@\w+\b")
"""A line such as `# @package _global_`, which is no description."""


class Package(NamedTuple):
    """An installed package that registers problems.

    Attributes:
        name: the name of the distribution.
        version: its version.
        problems: "module:Class" by name, as its entry points have them.
    """

    name: str
    version: str
    problems: Mapping[str, str]

    @property
    def title(self) -> str:
        """Its name and version."""
        return f"{self.name} {self.version}"

    @property
    def module(self) -> str:
        """Its top-level module."""
        return next(iter(self.problems.values())).partition(":")[0].partition(".")[0]

    @property
    def conf(self) -> Path:
        """The folder `conf` in its module, whether or not there is one; nothing is imported."""
        locations = [*_locations(self.module), self.module]
        return Path(locations[0]).resolve() / "conf"


class ConfFolder(NamedTuple):
    """A folder of configuration files.

    Attributes:
        path: the folder, absolute.
        title: what messages and listings call it.
        kind: "user", "pinn" or "package".
        problems: "module:Class" by name, of problems without a file.
    """

    path: Path
    title: str
    kind: str
    problems: Mapping[str, str] = {}

    def files(self, group: str) -> dict[str, Path]:
        """Return the files of a group by name, as Hydra takes the names."""
        folder = self.path / group
        found: dict[str, Path] = {}
        for path in sorted(folder.rglob("*.yaml")):
            found[path.relative_to(folder).with_suffix("").as_posix()] = path
        return found

    def names(self, group: str) -> list[str]:
        """Return what can be chosen in a group: files, and the problems of a package."""
        registered = self.problems if group == "problem" else ()
        return [*self.files(group), *registered]

    def groups(self) -> list[str]:
        """Return its groups."""
        if not self.path.is_dir():
            return []
        folders = sorted(path for path in self.path.iterdir() if path.is_dir())
        return [path.name for path in folders if any(path.rglob("*.yaml"))]


def conf_folder() -> Path:
    """Return this package's folder of files: in the installed package, else in the repository."""
    package = Path(pinn.__file__).resolve().parent
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def conf_folders(more: Sequence[str] = (), *, local: bool = True) -> list[ConfFolder]:
    """Return all folders of configuration files; of two files of one name the first counts.

    Args:
        more: folders that the user names, as with --config-dir; "pkg://module" is a package's.
        local: whether `conf/` in the working folder is among them.

    Raises:
        InputError: for a folder that is none.
    """
    own = ConfFolder(conf_folder(), "pinn", "pinn")
    found: list[ConfFolder] = []
    for name in more:
        found.append(ConfFolder(_folder(name), name, "user"))
    if local and LOCAL.is_dir():
        folder = ConfFolder(LOCAL.resolve(), f"{LOCAL}/", "user")
        # The folder conf/ of a program that has nothing to do with this one has other groups.
        if set(folder.groups()) & set(own.groups()):
            found.append(folder)
    found.append(own)
    for package in packages():
        folder = ConfFolder(package.conf, package.title, "package")
        files = folder.files("problem")
        bare = {name: at for name, at in package.problems.items() if name not in files}
        found.append(folder._replace(problems=bare))
    return _distinct(found)


def user_folders(folders: Sequence[ConfFolder]) -> list[ConfFolder]:
    """Return the folders that are the user's."""
    return [folder for folder in folders if folder.kind == "user"]


def packages() -> list[Package]:
    """Return the installed packages that register problems, by name; none is imported."""
    problems: dict[tuple[str, str], dict[str, str]] = {}
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        if entry.dist is not None:
            key = (entry.dist.name, entry.dist.version)
            problems.setdefault(key, {})[entry.name] = entry.value.replace(" ", "")
    return [Package(*key, problems[key]) for key in sorted(problems)]


def package_of(module: str) -> Package | None:
    """Return the installed package that registers problems and has a module, or None."""
    top = module.partition(".")[0]
    return next((package for package in packages() if package.module == top), None)


def choices(folders: Sequence[ConfFolder], group: str) -> list[str]:
    """Return what can be chosen in a group, each name once."""
    names: dict[str, None] = {}
    for folder in folders:
        names |= dict.fromkeys(folder.names(group))
    return list(names)


def files(folders: Sequence[ConfFolder], group: str) -> dict[str, Path]:
    """Return the file that each name of a group stands for."""
    found: dict[str, Path] = {}
    for folder in folders:
        for name, path in folder.files(group).items():
            found.setdefault(name, path)
    return found


def check_names(folders: Sequence[ConfFolder]) -> None:
    """Raise an InputError for a user's file that has the name of one of this package's.

    It may have the name if it says so in a line at its top.
    """
    others = [folder for folder in folders if folder.kind == "pinn"]
    for folder in user_folders(folders):
        for path in folder.path.rglob("*.yaml"):
            relative = path.relative_to(folder.path)
            taken = any((other.path / relative).is_file() for other in others)
            if taken and REPLACES not in headers(path):
                is_local = folder.path == LOCAL.resolve()
                hint = ", or leave conf/ out with --no-local-conf" if is_local else ""
                raise InputError(
                    f"{shown(path)}: pinn has a file of this name; rename it, or write "
                    f"{REPLACES!r} at its top{hint}."
                )


def check_choice(folders: Sequence[ConfFolder], group: str, name: str) -> None:
    """Raise an InputError for a choice that this package and an installed one offer."""
    if any(name in folder.names(group) for folder in user_folders(folders)):
        return
    offers = [folder for folder in folders if name in folder.names(group)]
    if len(offers) > 1:
        titles = " and ".join(folder.title for folder in offers)
        raise InputError(
            f"{group}={name}: {titles} have one each; choose by `pinn run MODULE:Class`, or by a "
            f"file of your own in conf/{group}/."
        )


def headers(path: Path) -> list[str]:
    """Return the lines such as `# @package _global_` at the top of a file."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        text = " ".join(line.split())
        if text and not _HEADER.match(text):
            break
        if text:
            found.append(re.sub(r"^#\s*", "# ", text))
    return found


def described(path: Path) -> list[str]:
    """Return the lines of the comment at the top of a file, without those such as `# @package`."""
    lines = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            break
        text = line.strip().removeprefix("#").strip()
        if text and not _HEADER.match(line.strip()):
            lines.append(text)
    return lines


def content(path: Path) -> dict[str, Any]:
    """Return what a file holds, before composition; empty where it holds no mapping.

    Raises:
        InputError: if it is no valid YAML.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(broken(path, error)) from error
    return found if isinstance(found, dict) else {}


def broken(path: Path, error: Exception) -> str:
    """Return what is said of a file that is no valid YAML: file, line and reason."""
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or str(error)
    line = f":{mark.line + 1}" if mark else ""
    return f"{shown(path)}{line}: is no valid YAML: {' '.join(reason.split())}; correct the file."


def shown(path: Path) -> str:
    """Return a path as messages have it: relative to the working folder where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _folder(name: str) -> Path:
    """Return a folder that the user names.

    Raises:
        InputError: if there is none.
    """
    if name.startswith("pkg://"):
        module = name.removeprefix("pkg://").replace("/", ".")
        for location in _locations(module):
            return Path(location).resolve()
        raise InputError(f"{name}: no such package; name one that is installed, or a folder.")
    path = Path(name.removeprefix("file://")).expanduser()
    if not path.is_dir():
        raise InputError(f"{name}: no such folder; give one with files <group>/<name>.yaml.")
    return path.resolve()


def _locations(module: str) -> Iterator[str]:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    yield from (spec and spec.submodule_search_locations) or ()


def _distinct(folders: Sequence[ConfFolder]) -> list[ConfFolder]:
    """Return folders without repetitions; this package's own is no user's, wherever one works."""
    kept: list[ConfFolder] = []
    own = conf_folder().resolve()
    for folder in folders:
        is_own = folder.path == own and folder.kind != "pinn"
        if not is_own and folder.path not in [other.path for other in kept]:
            kept.append(folder)
    return kept
