"""Setups as plain values and back: what `config.yaml` of a run holds, and what Hydra composes."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import keras
import numpy as np

from pinn.errors import InputError, did_you_mean
from pinn.measurements.file import DataFile
from pinn.measurements.synthetic import Synthetic
from pinn.networks import OPTIONS, mlp
from pinn.objective import PointSet
from pinn.optimizers import Optimizer
from pinn.problem import Problem
from pinn.setup.build import TARGET, Schedule, build, locate, plain
from pinn.setup.points import Points
from pinn.setup.setup import Setup, default_network
from pinn.setup.stages import stages
from pinn.training.stopping import StopRule
from pinn.training.trainer import Phase
from pinn.weights import Scheme

KEYS = (
    *(
        "problem",
        "network",
        "phases",
        "points",
        "weights",
        "constraints",
        "derivatives",
        "data",
        "windows",
    ),
    *("continuation", "last_layer", "published", "seed", "dtype", "device", "output", "name"),
)
"""Top-level keys of a run's configuration."""


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
        raise InputError(
            "problem: none; choose one, such as problem=burgers (`pinn list` shows all)."
        )
    seed = config.get("seed", 0)
    problem = build(config["problem"], Problem, "problem")
    course = {"windows": config.get("windows", 1), "continuation": config.get("continuation") or {}}
    first = stages(problem, **course)[0].problem
    network = network or _network(config.get("network") or {}, first, seed)
    phases = [
        _phase(name, node)
        for name, node in (config.get("phases") or {}).items()
        if node is not None
    ]
    data = config.get("data")
    weights = dict(config.get("weights") or {})
    return Setup(
        problem=problem,
        network=network,
        phases=phases,
        points=plain(Points, config.get("points") or {}, "points"),
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
            phase.name: {k: _described(v) for k, v in _fields(phase).items() if k != "name"}
            for phase in made.phases
        },
        **{
            key: _described(getattr(made, key))
            for key in ("points", "weights", "constraints", "derivatives")
        },
        **{
            key: _described(getattr(made, key))
            for key in ("data", "windows", "continuation", "last_layer")
        },
        **{key: _described(getattr(made, key)) for key in ("published", "seed")},
    }
    if made.scheme is not None:
        found["weights"] = {"scheme": _described(made.scheme), **found["weights"]}
    for key in ("points", "data"):
        if isinstance(found[key], dict):
            found[key].pop(TARGET, None)
    for node in (
        *(phase["stop"] for phase in found["phases"].values()),
        *found["problem"]["unknowns"].values(),
    ):
        node.pop(TARGET, None)
    return found


def _network(node: Mapping[str, Any], problem: Problem, seed: int) -> keras.Model:
    """Return the network that a node describes, made for a problem's coordinates and fields."""
    settings = {str(k): v for k, v in node.items() if k != TARGET}
    target = node.get(TARGET)
    if target in (None, "pinn.networks.mlp", "pinn.mlp"):
        known = [
            p
            for p in inspect.signature(mlp).parameters
            if p not in ("lower", "upper", "outputs", "seed")
        ]
        known.append("symmetric")
        for key, value in settings.items():
            if key not in known:
                raise InputError(f"network.{key}: unknown setting.{did_you_mean(key, known)}")
            if key == "periodic" and isinstance(value, Sequence) and not isinstance(value, str):
                settings[key] = {"coordinates": value}  # periodic: [x] for short
            if key in OPTIONS and value is not None:
                settings[key] = plain(OPTIONS[key], settings[key], f"network.{key}")
        return default_network(problem, seed=seed, **settings)
    make = kind = locate(target, "network")
    if inspect.isfunction(make):
        with contextlib.suppress(
            NameError
        ):  # an annotation may name what only type checkers import
            kind = get_type_hints(make).get("return")
    if not (inspect.isclass(kind) and issubclass(kind, keras.Model)):
        raise InputError(
            f"network.{TARGET}={target}: is no network; name a subclass of keras.Model, or a function whose "
            f"annotation says that it returns one."
        )
    lower, upper = problem.bounds
    try:
        shape = {
            "lower": lower.tolist(),
            "upper": upper.tolist(),
            "outputs": len(problem.functions),
        }
        made: Any = make(**shape, seed=seed, **settings)
        return made
    except TypeError as error:
        raise InputError(
            f"network.{TARGET}={target}: {error}; it must take lower, upper, outputs, seed and its settings."
        ) from error


def _phase(name: str, node: Any) -> Phase:
    where = f"phases.{name}"
    if not isinstance(node, Mapping):
        raise InputError(
            f"{where}={node!r}; choose an optimizer with optimizer@{where}=lbfgs, or give null."
        )
    known = [f.name for f in dataclasses.fields(Phase) if f.name != "name"]
    for key in node:
        if key not in known:
            raise InputError(f"{where}.{key}: unknown setting.{did_you_mean(str(key), known)}")
    if "optimizer" not in node:
        raise InputError(f"{where}: lacks an optimizer; choose one with optimizer@{where}=lbfgs.")
    settings = {k: v for k, v in node.items() if k not in ("optimizer", "stop")}
    optimizer = build(node["optimizer"], Optimizer, f"{where}.optimizer")
    stop = plain(StopRule, node.get("stop") or {}, f"{where}.stop")
    return Phase(name=name, optimizer=optimizer, stop=stop, **settings)


def _scheme(node: Any) -> Scheme | None:
    if node is not None and not isinstance(node, Mapping):
        raise InputError(
            f"weights.scheme={node!r}; choose a scheme, such as weights=gradient_norm, or give null."
        )
    return None if node is None else build(node, Scheme, "weights.scheme")


def _data(node: Mapping[str, Any]) -> Synthetic | DataFile | PointSet:
    if "path" in node:
        return plain(DataFile, node, "data")
    if "coordinates" in node:
        values = {k: np.asarray(v, float) for k, v in node["values"].items()}
        return PointSet(np.asarray(node["coordinates"], float), None, values)
    return plain(Synthetic, node, "data")


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
        return {
            "coordinates": value.coordinates.tolist(),
            "values": {k: v.tolist() for k, v in value.values.items()},
        }
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
