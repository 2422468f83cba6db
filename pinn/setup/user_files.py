"""Files and modules of users: imported, and kept in the folder of a run."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from pinn.errors import InputError
from pinn.problem.user_code import innermost, shown

_beside: dict[str, Path] = {}
"""The modules that files imported from beside them, with their folder."""
_files: dict[Path, set[Path]] = {}
"""The files of all modules that were ever imported from a folder."""
_kept: list[Path] = []
"""Where files are looked for that are no longer in their place: of the run that is being read."""


def import_file(path: Path) -> ModuleType:
    """Return the module of a Python file, which may import modules from its folder.

    Raises:
        InputError: if it cannot be imported.
    """
    # The module name depends on the path, so that files of the same name do not shadow each other.
    unique = f"pinn_user_{path.stem}_{hashlib.sha1(str(path.resolve()).encode()).hexdigest()[:8]}"
    if unique in sys.modules:
        return sys.modules[unique]
    spec = importlib.util.spec_from_file_location(unique, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module
    try:
        with _folder_on_path(path.resolve().parent):
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
    top = name.partition(".")[0]
    if top in sys.modules and top not in _beside:
        return importlib.import_module(name)
    places = [place for place in (Path.cwd(), *_kept) if _holds(place, top)]
    if not places:
        return importlib.import_module(name)
    with _folder_on_path(places[0].resolve()):
        return importlib.import_module(name)


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
    for target in targets:
        path, _, _ = target.partition(":")
        if path.endswith(".py"):
            file = Path(path).resolve()
            home = file.parent
            files = {file, *_files.get(home, ())}
        else:
            top = target.partition(".")[0]
            if top not in _beside:
                continue
            home = _beside[top]
            files = _files.get(home, set())
        for file in files:
            copy = folder / file.relative_to(home)
            if file.is_file() and file != copy.resolve():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)


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
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if _is_beside(sys.modules[name], name, folder):
                _beside[name] = folder
                file = getattr(sys.modules[name], "__file__", None)
                if file:
                    _files.setdefault(folder, set()).add(Path(file).resolve())


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
