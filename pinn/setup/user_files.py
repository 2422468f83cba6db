"""Files and modules of users: imported, and kept in the folder of a run."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    SOURCE_SUFFIXES,
    FileFinder,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType
from typing import IO

from pinn import trust
from pinn.atomic import sync, write_atomically
from pinn.errors import InputError
from pinn.problem.user_code import innermost, shown

_beside: dict[str, Path] = {}
"""The modules that files imported from beside them, with their folder."""
_files: dict[Path, dict[Path, bytes]] = {}
"""What was ever imported from a folder: the contents of files, as they were run."""
_kept: list[Path] = []
"""Where files are looked for that are no longer in their place: of the run that is being read."""


def import_file(path: Path) -> ModuleType:
    """Return the module of a Python file, which may import modules from its folder.

    Raises:
        InputError: if it cannot be imported.
    """
    # The module name depends on the path, so that files of the same name do not shadow each other.
    unique = f"pinn_user_{path.stem}_{hashlib.sha1(str(path.resolve()).encode()).hexdigest()[:8]}"
    home = path.resolve().parent
    if unique in sys.modules:
        trust.admit_content(path.resolve(), home, _files[home][path.resolve()])
        return sys.modules[unique]
    loader = _Loader(unique, os.path.abspath(path))
    loader.home = home
    spec = importlib.util.spec_from_file_location(unique, path, loader=loader)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module
    try:
        with _folder_on_path(home):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[unique]
        if isinstance(error, InputError):
            raise
        raise InputError(f"{_told(error, path)}; correct the file.") from error
    return module


def import_module(name: str) -> ModuleType:
    """Return a module, which may be in the working folder, as with `python -m`.

    Raises:
        ImportError: if there is none, or it cannot be imported.
    """
    home = _home_of(name)
    if home is None:
        return importlib.import_module(name)
    with _folder_on_path(home):
        return importlib.import_module(name)


def file_of(name: str) -> Path | None:
    """Return the file of a module, if it is in the working folder or kept; nothing is imported."""
    home = _home_of(name)
    if home is None:
        return None
    place = home.joinpath(*name.split("."))
    files = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _home_of(name: str) -> Path | None:
    """Return the folder in which a module is found: the working folder, or one of kept files."""
    top = name.partition(".")[0]
    if top in sys.modules and top not in _beside:
        return None
    places = [place for place in (Path.cwd(), *_kept) if _holds(place, top)]
    return places[0].resolve() if places else None


def in_place(path: Path) -> Path:
    """Return the path of a file, or of the copy in the run that is being read if it has moved."""
    copies = [folder / path.name for folder in _kept]
    return next((place for place in (path, *copies) if place.is_file()), path)


@contextlib.contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Find files and modules in a folder to which `keep` copied them, if they have moved."""
    _kept.append(folder)
    try:
        yield
    finally:
        _kept.remove(folder)


def keep(targets: Iterable[str], folder: Path) -> None:
    """Copy what targets name to a folder: the user's files, and what these imported from beside.

    Args:
        targets: "file.py:Name", or "module.Name"; installed modules are not copied.
        folder: where to; it is made where there is anything to copy.
    """
    written: set[Path] = set()
    for target in targets:
        path, _, _ = target.partition(":")
        if path.endswith(".py"):
            file = Path(path).resolve()
            contents = {file: file.read_bytes()} if file.is_file() else {}
            home = file.parent
        else:
            top = target.partition(".")[0]
            if top not in _beside:
                _remember_installed(target)
                continue
            contents = {}
            home = _beside[top]
        for file, content in (contents | _files.get(home, {})).items():
            trust.remember(content, file)
            copy = folder / file.relative_to(home)
            if file != copy.resolve():
                copy.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(copy, partial(_write, content))
                written.update(parent for parent in copy.parents if parent != folder.parent)
    for place in written:
        if place.is_relative_to(folder.parent):
            sync(place)


def _write(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def _remember_installed(target: str) -> None:
    """Note that the user has run an installed module, unless it is known anyhow."""
    module = sys.modules.get(target.rpartition(".")[0])
    file = getattr(module, "__file__", None)
    if file and file.endswith(".py"):
        trust.remember(Path(file).read_bytes(), Path(file))


class _Loader(SourceFileLoader):
    """Loads a user's module from its text, never from compiled code that lies beside it.

    Attributes:
        home: the folder from which its modules are imported.
    """

    home: Path

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module.

        Raises:
            InputError: if it may not run.
        """
        file = self.get_filename(fullname)
        content = self.get_data(file)
        path = Path(file).resolve()
        trust.admit_content(path, self.home, content)
        _files.setdefault(self.home, {})[path] = content
        return self.source_to_code(content, file)


class _Finder(MetaPathFinder):
    """Finds the modules of a folder and of the packages in it.

    Args:
        folder: the folder.
        alone: whether nothing else finds modules there.
    """

    def __init__(self, folder: Path, *, alone: bool) -> None:
        self._folder = folder
        self._alone = alone

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification of a module of the folder."""
        for place in [str(self._folder)] if path is None else path:
            if not Path(place).resolve().is_relative_to(self._folder):
                continue
            spec = FileFinder(place, (_Loader, SOURCE_SUFFIXES)).find_spec(fullname)
            if spec is None:
                continue
            if isinstance(spec.loader, _Loader):
                spec.loader.home = self._folder
                return spec
            if self._alone:  # a package without __init__.py, which gives way to an installed one
                return spec
        return None


def _holds(folder: Path, module: str) -> bool:
    """Return whether a folder holds a module of a name."""
    return (folder / f"{module}.py").is_file() or (folder / module).is_dir()


@contextlib.contextmanager
def _folder_on_path(folder: Path) -> Iterator[None]:
    """Let a file import the modules of its folder, and none that another folder's file imported."""
    for name, home in list(_beside.items()):
        if home != folder:
            sys.modules.pop(name, None)
            del _beside[name]
    importlib.invalidate_caches()  # a file may be as new as the folder's listing
    before = set(sys.modules)
    alone = trust.is_doubted()  # then compiled modules, which nobody can read, are not found
    finder = _Finder(folder, alone=alone)
    sys.meta_path.insert(sys.meta_path.index(PathFinder), finder)
    if not alone:
        sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if not alone:
            sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if _is_beside(sys.modules[name], name, folder):
                _beside[name] = folder


def _is_beside(module: ModuleType, name: str, folder: Path) -> bool:
    """Return whether a module is a file of a folder, or belongs to a package there."""
    top = name.split(".")[0]
    file = getattr(module, "__file__", None)
    if not file:  # a folder without __init__.py
        return str(folder / top) in [
            str(Path(p).resolve()) for p in getattr(module, "__path__", ())
        ]
    path = Path(file).resolve()
    return path == folder / f"{top}.py" or path.is_relative_to(folder / top)


def _told(error: BaseException, path: Path) -> str:
    """Return what is said of an exception at the import of a file."""
    place = shown(str(path))
    found = innermost(error.__traceback__, os.path.abspath(path))
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        place = f"{shown(error.filename)}:{error.lineno}"
    elif found:
        place = f"{shown(found[0].f_code.co_filename)}:{found[1]}"
    message = " ".join(str(error).split())
    return f"{place}: cannot be imported: {type(error).__name__}: {message}"
