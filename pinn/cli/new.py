"""`pinn new`: a problem, an experiment and a test, from which a user starts."""

from __future__ import annotations

import contextlib
import importlib.util
import keyword
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

import pinn
from pinn.cli.commands import KINDS, new_parser
from pinn.cli.quiet import quiet
from pinn.cli.starting_files import Files, class_name, of_kind, paths
from pinn.conf_folders import LOCAL, choices, conf_folders
from pinn.errors import InputError, did_you_mean
from pinn.exit_codes import ExitCode


def new(arguments: Sequence[str]) -> int:
    """Write the files of a new problem into the working folder, and return the exit code.

    Raises:
        InputError: for a name that cannot be used or is taken, an unknown kind, a file that exists,
            and measurements that cannot be read or have no coordinate. Nothing is written then.
    """
    options = new_parser().parse(arguments)
    name, settings = _name_and_settings(options.arguments)
    if options.kind not in (None, *KINDS):
        raise InputError(
            f"new: --kind {options.kind}: no such kind.{did_you_mean(options.kind, KINDS)}"
        )
    if settings and options.data is None:
        raise InputError("new: data.… says how a file is read; give it with --data FILE.")
    for path in paths(name):
        if path.exists() or path.is_symlink():
            raise InputError(f"new: {path} exists and is kept as it is; choose another name.")
    _check_name(name)
    guesses: list[str] = []
    if options.data is None:
        texts = of_kind(name, options.kind or "transient")
    else:
        with quiet():  # reading measurements needs all that solving does
            from pinn.cli.starting_from_data import of_data
        texts, guesses = of_data(name, options.kind, options.data, settings)
    _write(texts)
    for guess in guesses:
        print(guess)
    for path in texts:
        print(f"wrote {path}")
    print(
        f"next: pinn check experiment={name}; pinn run experiment={name}; "
        f"python -m pytest test_{name}.py"
    )
    return ExitCode.OK


def _name_and_settings(arguments: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return the name among arguments, and the settings of `DataFile` by name."""
    names = []
    settings = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals:
            names.append(argument)
        elif key.startswith("data."):
            try:
                settings[key.removeprefix("data.")] = yaml.safe_load(value)
            except yaml.YAMLError:
                raise InputError(f"new: {argument}: is no valid value; write key=value.") from None
        else:
            raise InputError(
                f"new: {argument}: is set in the experiment; edit that when it is written."
            )
    if len(names) != 1:
        raise InputError(f"new: {len(names)} names; give one, as in `pinn new plate`.")
    return names[0], settings


def _check_name(name: str) -> None:
    """Raise an InputError for a name that no module of the user's should have."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise InputError(f"new: {name!r} is no name of a module; give one such as hot_plate.")
    if name in sys.stdlib_module_names:
        raise InputError(f"new: {name}: Python has a module of this name; choose another.")
    if class_name(name) in pinn.__all__:
        raise InputError(
            f"new: {name}: its class would be called {class_name(name)}, as one of pinn's; choose "
            "another name."
        )
    origin = _origin(name)
    if origin:
        raise InputError(
            f"new: {name}: would hide a module of this name ({origin}); choose another."
        )
    if name in choices(conf_folders(), "experiment"):
        raise InputError(f"new: {name}: there is an experiment of this name; choose another.")


def _origin(name: str) -> str:
    """Return where the module of a name is, or "" where there is none."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # of a module that is no file, such as __main__
        return "no file"
    return (spec.origin or "a folder") if spec else ""


def _write(texts: Files) -> None:
    """Write files that are not there; where one cannot be written, none is left.

    Raises:
        InputError: for a folder or a file that cannot be written.
    """
    written: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for made in written:
            made.unlink()
        with contextlib.suppress(OSError):  # it is not empty, or not there
            (LOCAL / "experiment").rmdir()
            LOCAL.rmdir()
        what = error.filename or "a file"
        raise InputError(
            f"new: {what}: cannot be written ({error.strerror}); call it in a folder of your own."
        ) from None
