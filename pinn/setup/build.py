"""Objects from nodes of a configuration; settings are checked before anything is called.

A node with `_target_` names a class or function by "module.Name" or "file.py:Name" and holds its
arguments. It must name a class of the kind that its place requires; nothing else is ever called.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, get_type_hints

import keras

from pinn import trust
from pinn.conf_folders import package_of
from pinn.errors import InputError, did_you_mean
from pinn.optimizers import Optimizer
from pinn.problem import Problem
from pinn.problem.user_code import told
from pinn.settings import kinds
from pinn.setup.user_files import file_of, import_file, import_module, in_place
from pinn.weights import Scheme

TARGET = "_target_"
Schedule = keras.optimizers.schedules.LearningRateSchedule


def build(node: Mapping[str, Any], kind: type, where: str) -> Any:
    """Return the object that a node describes, which must be of a kind.

    Raises:
        InputError: if it cannot be found, is of another kind, or does not take the arguments.
    """
    if not isinstance(node, Mapping):
        raise InputError(f"{where}={node!r}; give settings by name, as in {where}: {{...}}.")
    arguments = {str(k): v for k, v in node.items() if k != TARGET}
    if TARGET not in node:
        raise InputError(
            f"{where}: lacks {TARGET}, the class to build; give one such as pinn.problems.Burgers."
        )
    cls: Any = locate(node[TARGET], where, kind)
    if not (inspect.isclass(cls) and issubclass(cls, kind)):
        raise InputError(
            f"{where}.{TARGET}={node[TARGET]}: is no {kind.__name__}; name a subclass of it."
        )
    known = [p for p in inspect.signature(cls).parameters if p != "self"]
    for key in arguments:
        if key not in known:
            raise InputError(
                f"{where}.{key}: unknown setting of {cls.__name__}.{did_you_mean(key, known)}"
            )
    for key, value in arguments.items():
        if isinstance(value, Mapping) and TARGET in value:
            arguments[key] = build(value, Schedule, f"{where}.{key}")
    if kind in (Optimizer, Scheme):
        _check_types(cls, arguments, where)
    try:
        value = cls(**arguments)
        if kind is Schedule:
            # Keras checks the numbers of a schedule when it is first used.
            float(value(0))  # type: ignore
        return value
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{where}: {cls.__name__} refuses its settings: {error}; correct them."
        ) from error
    except Exception as error:
        raise InputError(f"{where}: {told(error, inspect.getfile(cls))}") from error


def locate(target: str, where: str, kind: type = object) -> Any:
    """Return what "module.Name" or "file.py:Name" names ("file.py" alone: its only Problem).

    Raises:
        InputError: if it cannot be found, or may not be imported by who asks for it.
    """
    path, _, name = str(target).partition(":")
    if path.endswith(".py"):
        return _from_file(Path(path), name, str(target), where)
    module, _, name = str(target).rpartition(".")
    if not module:
        raise InputError(
            f"{where}.{TARGET}={target}: names no module; write module.Name or file.py:Name."
        )
    trust.admit_module(module, name, kind, where, file_of(module))
    try:
        imported = import_module(module)
    except InputError:
        raise
    except (ImportError, ValueError) as error:
        raise InputError(
            f"{where}.{TARGET}={target}: {error}; name an importable module or file.py:Name."
        ) from None
    except Exception as error:
        package = package_of(module)
        of = f" of {package.title}" if package else ""
        raise InputError(
            f"{where}.{TARGET}={target}: the module{of} cannot be imported: "
            f"{type(error).__name__}: {' '.join(str(error).split())}; correct it."
        ) from error
    if not hasattr(imported, name):
        public = [n for n in vars(imported) if not n.startswith("_") and n[0].isupper()]
        raise InputError(
            f"{where}.{TARGET}={target}: module {module} has no {name!r}."
            f"{did_you_mean(name, public)}"
        )
    return getattr(imported, name)


def _from_file(path: Path, name: str, target: str, where: str) -> Any:
    path = in_place(path)
    if not path.is_file():
        raise InputError(f"{where}: no such file {path}; give the path of a Python file.")
    trust.admit_file(path, name, target, where)
    module = import_file(path)
    problems = {}
    for key, value in vars(module).items():
        if (
            inspect.isclass(value)
            and issubclass(value, Problem)
            and value.__module__ == module.__name__
        ):
            problems[key] = value
    if name:
        if not hasattr(module, name):
            raise InputError(f"{path}: has no {name!r}.{did_you_mean(name, problems)}")
        return getattr(module, name)
    if len(problems) != 1:
        names = ", ".join(problems) or "none"
        raise InputError(
            f"{path}: defines {len(problems)} problems ({names}); say which, as in {path}:Name."
        )
    return next(iter(problems.values()))


def targets(node: Any) -> Iterator[str]:
    """Yield the classes and functions that a configuration names, at any depth."""
    if isinstance(node, Mapping):
        if isinstance(node.get(TARGET), str):
            yield node[TARGET]
        for value in node.values():
            yield from targets(value)


def plain(cls: type, node: Any, where: str) -> Any:
    """Return an object of a known class from its settings."""
    if not isinstance(node, Mapping):
        raise InputError(f"{where}={node!r}; give settings by name, as in {where}: {{...}}.")
    known = [f.name for f in dataclasses.fields(cls)]
    for key in node:
        if key not in known:
            raise InputError(f"{where}.{key}: unknown setting.{did_you_mean(str(key), known)}")
    _check_types(cls, node, where)
    return cls(**node)


_WORDS: dict[Any, str] = {int: "a whole number", float: "a number", str: "text", NoneType: "null"}
_WORDS |= {Mapping: "a mapping", Sequence: "a list", Callable: "a schedule"}


def _check_types(cls: type, node: Mapping[str, Any], where: str) -> None:
    """Raise an InputError for a value that is not of a type in its attribute's annotation."""
    hints = get_type_hints(cls)
    for key, value in node.items():
        allowed = kinds(hints[key])
        accepted = (*allowed, int) if float in allowed else allowed
        # In Python True is an int and text is a sequence; as settings they are not.
        is_bool = isinstance(value, bool) and bool not in allowed
        is_text = isinstance(value, str) and str not in allowed
        if is_bool or is_text or not isinstance(value, accepted):
            words = " or ".join(_WORDS.get(k, str(k)) for k in allowed)
            raise InputError(f"{where}.{key}={value!r}; give {words}.")
