"""Setups as plain values and back: what `config.yaml` of a run holds, and what Hydra composes.

A node with `_target_` names a class or function by "module.Name" or "file.py:Name" and holds its arguments.
What is named must be of the kind that its place asks for; nothing else is ever called.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import keras
import numpy as np

from pinn.errors import InputError, did_you_mean
from pinn.networks import PARTS, mlp
from pinn.objective import PointSet
from pinn.optimizers import Minimizer
from pinn.problem import Problem
from pinn.training.data import Synthetic
from pinn.training.files import DataFile
from pinn.training.points import Points
from pinn.training.setup import Setup, default_network
from pinn.training.stages import stages
from pinn.training.stopping import StopRule
from pinn.training.trainer import Phase
from pinn.weights import Scheme

TARGET = "_target_"
KEYS = (
    *("problem", "network", "phases", "points", "weights", "constraints", "derivatives", "data", "windows"),
    *("continuation", "last_layer", "published", "seed", "dtype", "device", "output", "name"),
)
"""Top-level keys of a run's configuration."""

Schedule = keras.optimizers.schedules.LearningRateSchedule


def check_keys(config: Mapping[str, Any]) -> None:
    """Raise an InputError for a top-level key that means nothing; Hydra itself adds them in silence."""
    for key in config:
        if key not in KEYS:
            raise InputError(f"config: unknown key {key!r}.{did_you_mean(str(key), KEYS)}")


def setup(config: Mapping[str, Any], *, network: keras.Model | None = None) -> Setup:
    """Return the setup that a configuration describes; a given network is used as it is.

    Raises:
        InputError: for unknown keys, wrong kinds or values out of range.
    """
    check_keys(config)
    for key in ("problem", "network", "phases", "points", "weights", "data", "published"):
        if not isinstance(config.get(key), Mapping | None):
            raise InputError(f"{key}={config[key]!r}; give settings by name, as in {key}: {{...}}.")
    if not config.get("problem"):
        raise InputError("problem: none; choose one, such as problem=burgers (`pinn list` shows all).")
    seed = config.get("seed", 0)
    problem = build(config["problem"], Problem, "problem")
    course = {"windows": config.get("windows", 1), "continuation": config.get("continuation") or {}}
    first = stages(problem, **course)[0].problem
    network = network or _network(config.get("network") or {}, first, seed)
    phases = [_phase(name, node) for name, node in (config.get("phases") or {}).items() if node is not None]
    data = config.get("data")
    weights = dict(config.get("weights") or {})
    return Setup(
        problem=problem,
        network=network,
        phases=phases,
        points=_plain(Points, config.get("points") or {}, "points"),
        scheme=_scheme(weights.pop("scheme", None)),
        weights=weights,
        constraints=config.get("constraints", "auto"),
        derivatives=config.get("derivatives", "auto"),
        data=None if data is None else _data(data),
        **course,
        last_layer=config.get("last_layer"),
        published=config.get("published"),
        seed=seed,
    )


def describe(made: Setup) -> dict[str, Any]:
    """Return a setup as plain values, such that `setup` makes it again; the network has a file of its own."""
    found = {
        "problem": _described(made.problem),
        "phases": {
            phase.name: {k: _described(v) for k, v in _fields(phase).items() if k != "name"} for phase in made.phases
        },
        **{key: _described(getattr(made, key)) for key in ("points", "weights", "constraints", "derivatives")},
        **{key: _described(getattr(made, key)) for key in ("data", "windows", "continuation", "last_layer")},
        **{key: _described(getattr(made, key)) for key in ("published", "seed")},
    }
    if made.scheme is not None:
        found["weights"] = {"scheme": _described(made.scheme), **found["weights"]}
    for key in ("points", "data"):
        if isinstance(found[key], dict):
            found[key].pop(TARGET, None)
    for node in (*(phase["stop"] for phase in found["phases"].values()), *found["problem"]["unknowns"].values()):
        node.pop(TARGET, None)
    return found


def build(node: Mapping[str, Any], kind: type, where: str) -> Any:
    """Return the object that a node describes, which must be of a kind.

    Raises:
        InputError: if it cannot be found, is of another kind, or does not take the arguments.
    """
    arguments = {str(k): v for k, v in node.items() if k != TARGET}
    if TARGET not in node:
        raise InputError(f"{where}: lacks {TARGET}, the class to build; give one such as pinn.problems.Burgers.")
    cls: Any = locate(node[TARGET], where)
    if not (inspect.isclass(cls) and issubclass(cls, kind)):
        raise InputError(f"{where}.{TARGET}={node[TARGET]}: is no {kind.__name__}; name a subclass of it.")
    known = [p for p in inspect.signature(cls).parameters if p != "self"]
    for key in arguments:
        if key not in known:
            raise InputError(f"{where}.{key}: unknown setting of {cls.__name__}.{did_you_mean(key, known)}")
    for key, value in arguments.items():
        if isinstance(value, Mapping) and TARGET in value:
            arguments[key] = build(value, Schedule, f"{where}.{key}")
    if kind in (Minimizer, Scheme):
        _check_types(cls, arguments, where)
    try:
        made = cls(**arguments)
        if kind is Schedule:
            float(made(0))  # type: ignore  # Keras itself looks at a schedule's numbers when it is first used
        return made
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: {cls.__name__} refuses its settings: {error}; correct them.") from error


def locate(target: str, where: str) -> Any:
    """Return what "module.Name" or "file.py:Name" names ("file.py" alone: its only Problem)."""
    path, _, name = str(target).partition(":")
    if path.endswith(".py"):
        return _from_file(Path(path), name, where)
    module, _, name = str(target).rpartition(".")
    if not module:
        raise InputError(f"{where}.{TARGET}={target}: names no module; write module.Name or file.py:Name.")
    try:
        found = importlib.import_module(module)
    except (ImportError, ValueError) as error:
        raise InputError(f"{where}.{TARGET}={target}: {error}; name an importable module or file.py:Name.") from None
    if not hasattr(found, name):
        public = [n for n in vars(found) if not n.startswith("_") and n[0].isupper()]
        raise InputError(f"{where}.{TARGET}={target}: module {module} has no {name!r}.{did_you_mean(name, public)}")
    return getattr(found, name)


def _from_file(path: Path, name: str, where: str) -> Any:
    if not path.is_file():
        raise InputError(f"{where}: no such file {path}; give the path of a Python file.")
    # A name of its own per path: two files of one name must not shadow each other.
    unique = f"pinn_user_{path.stem}_{hashlib.sha1(str(path.resolve()).encode()).hexdigest()[:8]}"
    if unique not in sys.modules:
        spec = importlib.util.spec_from_file_location(unique, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[unique]
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{path}: cannot be imported: {type(error).__name__}: {error}; correct the file."
            ) from error
    module = sys.modules[unique]
    own = {
        n: v for n, v in vars(module).items()
        if inspect.isclass(v) and issubclass(v, Problem) and v.__module__ == unique
    }  # fmt: skip
    if name:
        if not hasattr(module, name):
            raise InputError(f"{path}: has no {name!r}.{did_you_mean(name, own)}")
        return getattr(module, name)
    if len(own) != 1:
        names = ", ".join(own) or "none"
        raise InputError(f"{path}: defines {len(own)} problems ({names}); say which, as in {path}:Name.")
    return next(iter(own.values()))


def _network(node: Mapping[str, Any], problem: Problem, seed: int) -> keras.Model:
    """Return the network that a node describes, made for a problem's coordinates and fields."""
    settings = {str(k): v for k, v in node.items() if k != TARGET}
    target = node.get(TARGET)
    if target in (None, "pinn.networks.mlp", "pinn.mlp"):
        known = [p for p in inspect.signature(mlp).parameters if p not in ("lower", "upper", "outputs", "seed")]
        for key, value in settings.items():
            if key not in known:
                raise InputError(f"network.{key}: unknown setting.{did_you_mean(key, known)}")
            if key == "periodic" and isinstance(value, Sequence) and not isinstance(value, str):
                settings[key] = {"coordinates": value}  # periodic: [x] for short
            if key in PARTS and value is not None:
                settings[key] = _plain(PARTS[key], settings[key], f"network.{key}")
        return default_network(problem, seed=seed, **settings)
    make = kind = locate(target, "network")
    if inspect.isfunction(make):
        with contextlib.suppress(NameError):  # an annotation may name what only type checkers import
            kind = get_type_hints(make).get("return")
    if not (inspect.isclass(kind) and issubclass(kind, keras.Model)):
        raise InputError(
            f"network.{TARGET}={target}: is no network; name a subclass of keras.Model, or a function whose "
            f"annotation says that it returns one."
        )
    lower, upper = problem.bounds
    try:
        shape = {"lower": lower.tolist(), "upper": upper.tolist(), "outputs": len(problem.functions)}
        made: Any = make(**shape, seed=seed, **settings)
        return made
    except TypeError as error:
        raise InputError(
            f"network.{TARGET}={target}: {error}; it must take lower, upper, outputs, seed and its settings."
        ) from error


def _phase(name: str, node: Any) -> Phase:
    where = f"phases.{name}"
    if not isinstance(node, Mapping):
        raise InputError(f"{where}={node!r}; choose a minimizer with optimizer@{where}=lbfgs, or give null.")
    known = [f.name for f in dataclasses.fields(Phase) if f.name != "name"]
    for key in node:
        if key not in known:
            raise InputError(f"{where}.{key}: unknown setting.{did_you_mean(str(key), known)}")
    if "minimizer" not in node:
        raise InputError(f"{where}: lacks a minimizer; choose one with optimizer@{where}=lbfgs.")
    settings = {k: v for k, v in node.items() if k not in ("minimizer", "stop")}
    minimizer = build(node["minimizer"], Minimizer, f"{where}.minimizer")
    stop = _plain(StopRule, node.get("stop") or {}, f"{where}.stop")
    return Phase(name=name, minimizer=minimizer, stop=stop, **settings)


def _scheme(node: Any) -> Scheme | None:
    if node is not None and not isinstance(node, Mapping):
        raise InputError(f"weights.scheme={node!r}; choose a scheme, such as weights=gradient_norm, or give null.")
    return None if node is None else build(node, Scheme, "weights.scheme")


def _plain(cls: type, node: Any, where: str) -> Any:
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
    """Raise an InputError for a value that is not of the kind that its attribute's annotation names."""
    hints = get_type_hints(cls)
    for key, value in node.items():
        kinds = _kinds(hints[key])
        accepted = (*kinds, int) if float in kinds else kinds
        # Python holds True for an int and text for a sequence; a setting does not.
        wrong = [k for k in (bool, str) if isinstance(value, k) and k not in kinds]
        if wrong or not isinstance(value, accepted):
            words = " or ".join(_WORDS.get(k, str(k)) for k in kinds)
            raise InputError(f"{where}.{key}={value!r}; give {words}.")


def _kinds(hint: Any) -> tuple[Any, ...]:
    """Return the classes that an annotation allows: float and NoneType for `float | None`."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(k for h in get_args(hint) for k in _kinds(h))
    if get_origin(hint) is Literal:  # which word it may be is the class's own test
        return (str,)
    return (get_origin(hint) or hint,)


def _data(node: Mapping[str, Any]) -> Synthetic | DataFile | PointSet:
    if "path" in node:
        return _plain(DataFile, node, "data")
    if "coordinates" in node:
        values = {k: np.asarray(v, float) for k, v in node["values"].items()}
        return PointSet(np.asarray(node["coordinates"], float), None, values)
    return _plain(Synthetic, node, "data")


def _fields(value: Any) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}


def _described(value: Any) -> Any:
    if isinstance(value, Schedule):
        cls = type(value)
        keras_own = cls.__module__.startswith("keras.")
        target = f"keras.optimizers.schedules.{cls.__name__}" if keras_own else _name(cls)
        return {TARGET: target, **value.get_config()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {TARGET: _name(type(value)), **{k: _described(v) for k, v in _fields(value).items()}}
    if isinstance(value, PointSet):
        return {"coordinates": value.coordinates.tolist(), "values": {k: v.tolist() for k, v in value.values.items()}}
    if isinstance(value, Mapping):
        return {str(k): _described(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_described(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def _name(cls: type) -> str:
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    if file and (cls.__module__ == "__main__" or cls.__module__.startswith("pinn_user_")):
        return f"{Path(file).resolve()}:{cls.__qualname__}"
    return f"{cls.__module__}.{cls.__qualname__}"
