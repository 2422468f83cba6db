"""Files of users, imported as modules."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from pinn.errors import InputError
from pinn.problem.user_code import innermost, shown

_beside: dict[str, Path] = {}
"""The modules that files imported from beside them, with their folder."""


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


def _is_beside(module: ModuleType, name: str, folder: Path) -> bool:
    """Return whether a module is a file of a folder, or belongs to a package there."""
    file = getattr(module, "__file__", None)
    if not file:
        return False
    top = name.split(".")[0]
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
