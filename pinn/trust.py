# pyright: strict
"""Whose Python code may run: what the user names or has run before, and never what a file asks for.

A configuration names classes. Those of this package, of Keras' schedules and of packages that
register problems are known. Any other is code of a user:

- A class that the command line names is imported.
- A file of configuration may name Python files in or below the working folder and the folders that
  the command line names. That they define what is named is read from their text before they run.
- The folder of a run may come from somebody else. A file that it names runs only if the user has
  run the same content before, and if it is still what the run was made with.

What the user has run is remembered by its SHA-256 in `$XDG_STATE_HOME/pinn/known`, by default
`~/.local/state/pinn/known`.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from pinn.conf_folders import package_of, packages, shown
from pinn.errors import InputError

KNOWN = (
    *("pinn.problems", "pinn.networks", "pinn.optimizers", "pinn.weights"),
    "keras.optimizers.schedules",
)
"""The packages whose modules are imported without a question; they define classes, no more."""

_remembered: set[str] = set()
"""What this process has run, where nothing can be written."""


@dataclass(frozen=True)
class CommandLine:
    """A command line, which may name code.

    Attributes:
        arguments: its settings.
        folders: the folders in and below which files of configuration may name Python files.
    """

    arguments: Sequence[str]
    folders: Sequence[Path]

    def names(self, target: str) -> bool:
        """Return whether a setting names a class."""
        pattern = re.compile(rf"_target_\s*[=:]\s*['\"]?{re.escape(target)}['\"]?\s*(?=[,}}]|$)")
        return any(pattern.search(argument) for argument in self.arguments)

    def holds(self, path: Path) -> bool:
        """Return whether a file lies in or below one of the folders, and in no run's folder."""
        for folder in self.folders:
            if path.is_relative_to(folder):
                between = [p for p in path.parents if p.is_relative_to(folder) and p != folder]
                return not any((p / "config.yaml").is_file() for p in between)
        return False


@dataclass(frozen=True)
class FolderOfARun:
    """The folder of a run, whose files may be anybody's.

    Attributes:
        code: where it keeps the user's Python files.
        trusted: whether the user says that its code may run.
    """

    code: Path
    trusted: bool = False


_asking: list[CommandLine | FolderOfARun] = []
"""Who asks for code, the present one last; a program that asks by itself may have any."""


@contextlib.contextmanager
def asked_by(source: CommandLine | FolderOfARun) -> Generator[None]:
    """Judge what is imported by who asks for it."""
    _asking.append(source)
    try:
        yield
    finally:
        _asking.pop()


def is_doubted() -> bool:
    """Return whether the present code is asked for by a folder that is not trusted."""
    source = _source()
    return isinstance(source, FolderOfARun) and not source.trusted


def remember(content: bytes, path: Path) -> None:
    """Note that the user has run a file; `path` tells people which it was."""
    digest = hashlib.sha256(content).hexdigest()
    _remembered.add(digest)
    note = _notes() / digest
    # Where nothing can be written, the user is asked again.
    with contextlib.suppress(OSError):
        if not note.exists():
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(f"{path}\n", encoding="utf-8")


def is_remembered(content: bytes) -> bool:
    """Return whether the user has run this content before."""
    digest = hashlib.sha256(content).hexdigest()
    return digest in _remembered or (_notes() / digest).is_file()


def admit_content(path: Path, home: Path, content: bytes) -> None:
    """Raise an InputError for the content of a Python file that may not run.

    Args:
        path: the file.
        home: the folder from which its modules are imported.
        content: what it holds.
    """
    source = _source()
    if not isinstance(source, FolderOfARun) or source.trusted:
        return
    copy = source.code / path.relative_to(home)
    run = shown(source.code.parent)
    if copy.is_file() and copy.read_bytes() != content:
        raise InputError(
            f"{shown(path)}: is not what the run was made with, which is {shown(copy)}; restore "
            f"it, or give --trust (trust=True in Python) to take it as it is for {run}."
        )
    if not is_remembered(content):
        raise InputError(
            f"{shown(path)}: has not been run here before, and {run} asks for it; read it, and "
            "give --trust (trust=True in Python) if it may run."
        )


def admit_file(path: Path, name: str, target: str, where: str) -> None:
    """Raise an InputError for a Python file that a file of configuration may not name."""
    source = _source()
    if not isinstance(source, CommandLine) or source.names(target):
        return
    if not source.holds(path.resolve()):
        raise InputError(
            f"{where}._target_={target}: a file of configuration names Python files beside or "
            f"below itself alone; name this one on the command line, as in pinn run {target}."
        )
    _check_definition(path, name, where)


def admit_module(module: str, name: str, kind: type, where: str, file: Path | None) -> None:
    """Raise an InputError for a module that may not be imported.

    Args:
        module: its name.
        name: what is wanted of it.
        kind: of which it must be a subclass.
        where: the place in the configuration.
        file: the module, if it lies in the working folder or in the folder of a run.
    """
    source = _source()
    if source is None or _is_known(module):
        return
    target = f"{module}.{name}"
    if isinstance(source, CommandLine) and source.names(target):
        return
    if isinstance(source, FolderOfARun) and (source.trusted or file):
        return  # a file is judged by its content
    text = _installed(module)
    if isinstance(source, FolderOfARun) and text and is_remembered(text):
        return
    if module in sys.modules:
        found = vars(sys.modules[module]).get(name)
        if inspect.isclass(found) and issubclass(found, kind):
            return
    elif isinstance(source, CommandLine) and file and source.holds(file.resolve()):
        _check_definition(file, name, where)
        return
    remedy = (
        f"or name it on the command line, as in pinn run {module}:{name}"
        if isinstance(source, CommandLine)
        else "or give --trust (trust=True in Python)"
    )
    raise InputError(
        f"{where}._target_={target}: is no {kind.__name__} of pinn or of a package that registers "
        f"problems, and no other module is imported; name a subclass of it, {remedy}."
    )


def _source() -> CommandLine | FolderOfARun | None:
    return _asking[-1] if _asking else None


def _notes() -> Path:
    """Return the folder of what is remembered."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(base, "pinn", "known")


def _is_known(module: str) -> bool:
    """Return whether a module belongs to a package that is known, or registers problems."""
    if any(module == known or module.startswith(f"{known}.") for known in KNOWN):
        return True
    registered: list[str] = []
    for package in packages():
        registered += [at.partition(":")[0] for at in package.problems.values()]
    return module in registered or package_of(module) is not None


def _installed(module: str) -> bytes:
    """Return the text of an installed module, which is not imported; empty where there is none."""
    top, _, _ = module.partition(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return b""
    for end in [i for i, letter in enumerate(module) if letter == "."] + [len(module)]:
        if spec is not None and module[:end] != top:
            spec = PathFinder.find_spec(module[:end], spec.submodule_search_locations or ())
    origin = spec.origin if spec else None
    if not origin or not origin.endswith(".py"):
        return b""
    return Path(origin).read_bytes()


def _check_definition(path: Path, name: str, where: str) -> None:
    """Raise an InputError for a Python file whose text does not have what is wanted of it.

    That is a class with a base, a function that says what it returns, or what it imports.

    Args:
        path: the file.
        name: of the class or function; "" for any class.
        where: the place in the configuration.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # its import says what is wrong, and runs nothing
    classes: list[str] = []
    others: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.bases:
            classes.append(node.name)
        elif isinstance(node, ast.FunctionDef) and node.returns:
            others.append(node.name)
        elif isinstance(node, ast.ImportFrom):
            others += [alias.asname or alias.name for alias in node.names]
    if name not in (*classes, *others) if name else not classes:
        what = f"no class {name!r}" if name else "no class of a problem"
        raise InputError(
            f"{where}: {shown(path)} defines {what}, so that it is not run; correct the name."
        )
