"""Setups as plain values and back: what `config.yaml` of a run holds, and what Hydra composes."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pinn.errors import InputError, did_you_mean
from pinn.measurements import DataFile, DataSet, Synthetic, are_sets, in_set
from pinn.objective import PointSet, Scales
from pinn.optimizers import Optimizer
from pinn.problem import Problem
from pinn.runtime import check_dtype
from pinn.setup.build import TARGET, Schedule, build, plain
from pinn.setup.network import build_network
from pinn.setup.points import Points
from pinn.setup.setup import Setup
from pinn.setup.stages import stages
from pinn.training.stopping import StopRule
from pinn.training.trainer import Phase
from pinn.uncertainty import HMC
from pinn.weights import Scheme

KEYS = (
    "problem network phases points weights scales constraints derivatives data windows "
    "continuation modes last_layer uncertainty published seed dtype device output name objective"
).split()
"""Top-level keys of a run's configuration."""

_GROUPS = "problem network phases points weights data uncertainty published".split()


def check_keys(config: Mapping[str, Any]) -> None:
    """Raise an InputError for an unknown top-level key, which Hydra would add without a word."""
    for key in config:
        if key not in KEYS:
            raise InputError(f"config: unknown key {key!r}.{did_you_mean(str(key), KEYS)}")


def setup(config: Mapping[str, Any], *, network: keras.Model | None = None) -> Setup:
    """Return the setup that a configuration describes; a given network is used as it is.

    Raises:
        InputError: for unknown keys, wrong kinds or values out of range.
    """
    check_keys(config)
    for key in _GROUPS:
        if not isinstance(config.get(key), Mapping | None):
            raise InputError(f"{key}={config[key]!r}; give settings by name, as in {key}: {{...}}.")
    if not config.get("problem"):
        raise InputError(
            "problem: none; choose one, such as problem=burgers (`pinn list` shows all)."
        )
    dtype = config.get("dtype", "float64")
    check_dtype(dtype)
    seed = config.get("seed", 0)
    problem = build(config["problem"], Problem, "problem")
    windows = config.get("windows", 1)  # runs of earlier versions have no such key
    continuation = config.get("continuation") or {}
    if network is None:
        first = stages(problem, windows, continuation)[0].problem
        network = build_network(config.get("network") or {}, first, seed=seed, dtype=dtype)
    weights = dict(config.get("weights") or {})
    return Setup(
        problem=problem,
        network=network,
        phases=_phases(config.get("phases") or {}),
        points=plain(Points, config.get("points") or {}, "points"),
        scheme=_scheme(weights.pop("scheme", None)),
        weights=weights,
        # Runs of earlier versions have no such key.
        scales=_scales(config.get("scales", "none")),
        constraints=config.get("constraints", "auto"),
        derivatives=config.get("derivatives", "auto"),
        data=_data(config.get("data"), seed),
        windows=windows,
        continuation=continuation,
        modes=config.get("modes", 1),
        last_layer=config.get("last_layer"),
        uncertainty=_uncertainty(config.get("uncertainty")),
        published=config.get("published"),
        seed=seed,
    )


_DESCRIBED = (
    "points weights constraints derivatives data windows continuation modes last_layer uncertainty "
    "published seed"
).split()


def describe(setup: Setup) -> dict[str, Any]:
    """Return a setup as plain values, from which the function `setup` gives an equal one.

    The network is left out; it has a file of its own.
    """
    phases = {phase.name: _plain_phase(phase) for phase in setup.phases}
    node: dict[str, Any] = {"problem": plain_value(setup.problem), "phases": phases}
    node["scales"] = setup.plain_scales or setup.scales
    for key in _DESCRIBED:
        node[key] = plain_value(getattr(setup, key))
    if setup.scheme is not None:
        node["weights"] = {"scheme": plain_value(setup.scheme), **node["weights"]}
    # The classes of these are known from their places.
    sets = node["data"].values() if isinstance(setup.data, dict) else [node["data"]]
    _leave_out_class(node["points"], "points", Points)
    _leave_out_class(node["uncertainty"], "uncertainty", HMC)
    for settings in sets:
        _leave_out_class(settings, "data", DataFile, Synthetic)
    for value in (*node["problem"]["unknowns"].values(), *node["problem"].values()):
        if isinstance(value, dict):  # an unknown, or the range of a parameter
            value.pop(TARGET, None)
    return node


def _phases(nodes: Mapping[str, Any]) -> list[Phase]:
    """Return the phases, linearized ones last; null leaves one out."""
    phases = []
    for name, node in nodes.items():
        if node is not None:
            phases.append(_phase(name, node))
    return sorted(phases, key=lambda phase: phase.linearized)


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


def _uncertainty(node: Mapping[str, Any] | None) -> HMC | None:
    return None if node is None else plain(HMC, node, "uncertainty")


def _scheme(node: Any) -> Scheme | None:
    if node is not None and not isinstance(node, Mapping):
        raise InputError(
            f"weights.scheme={node!r}; choose a scheme, such as weights=gradient_norm, or give "
            "null."
        )
    return None if node is None else build(node, Scheme, "weights.scheme")


def _scales(node: Any) -> Any:
    """Return the scales of a node: a word, or sizes by name."""
    return Scales.from_plain(node) if isinstance(node, Mapping) else node


def _data(node: Mapping[str, Any] | None, seed: int) -> DataSet | dict[str, DataSet] | None:
    """Return the measurements of a node: one set, or several by name; null leaves one out."""
    if node is None:
        return None
    if not are_sets(node):
        return _data_set(node)
    sets = {}
    for name, settings in node.items():
        if settings is None:
            continue
        if not isinstance(settings, Mapping):
            raise InputError(f"data.{name}={settings!r}; give the settings of a set, or null.")
        if "coordinates" not in settings or "path" in settings:
            settings = {"seed": seed, **settings}
        with in_set(str(name)):
            sets[str(name)] = _data_set(settings)
    return sets or None


def _data_set(node: Mapping[str, Any]) -> DataSet:
    """Return the measurements of one set."""
    if "path" in node:
        return plain(DataFile, node, "data")
    if "coordinates" in node:  # the setup checks them
        values = node.get("values") or {}
        return PointSet(node["coordinates"], None, values, sigmas=node.get("sigmas") or {})
    return plain(Synthetic, node, "data")


def _plain_phase(phase: Phase) -> dict[str, Any]:
    node = _plain_fields(phase)
    node.pop("name")
    if not phase.linearized:  # which keeps the fingerprints of older runs
        node.pop("linearized")
    _leave_out_class(node["stop"], f"phases.{phase.name}.stop", StopRule)
    return node


def _leave_out_class(node: Any, where: str, *known: type) -> None:
    """Leave the class out of a node, as its place tells it.

    Raises:
        InputError: for a subclass, which would be read as another class.
    """
    if not isinstance(node, dict):
        return
    target = node.pop(TARGET, None)
    names = [_name(cls) for cls in known]
    if target not in (None, *names):
        raise InputError(
            f"{where}: config.yaml holds no subclass such as {target}, so that the run could not "
            f"be loaded; use {known[0].__name__}, or folder=None."
        )


def _plain_fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as plain values."""
    return {f.name: plain_value(getattr(value, f.name)) for f in dataclasses.fields(value)}


def plain_value(value: Any) -> Any:
    """Return a setting as YAML can hold it; objects become mappings that name their class."""
    if isinstance(value, Schedule):
        return {TARGET: _schedule_name(type(value)), **value.get_config()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {TARGET: _name(type(value)), **_plain_fields(value)}
    if isinstance(value, PointSet):
        node = {"coordinates": value.coordinates.tolist()}
        for key in ("values", "sigmas"):
            columns = getattr(value, key)
            if columns or key == "values":
                node[key] = {name: column.tolist() for name, column in columns.items()}
        return node
    if isinstance(value, Mapping):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _schedule_name(cls: type) -> str:
    if cls.__module__.startswith("keras."):
        return f"keras.optimizers.schedules.{cls.__name__}"
    return _name(cls)


def _name(cls: type) -> str:
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    if file and (cls.__module__ == "__main__" or cls.__module__.startswith("pinn_user_")):
        return f"{Path(file).resolve()}:{cls.__qualname__}"
    return f"{cls.__module__}.{cls.__qualname__}"
