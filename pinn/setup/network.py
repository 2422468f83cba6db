"""Networks that fit a problem: from settings, or from a node of a configuration."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

import keras
import numpy as np

from pinn.errors import InputError, did_you_mean
from pinn.networks import (
    LAST_SEED,
    OPTIONS,
    Periodic,
    Subdomains,
    mlp,
    monotone,
    side_by_side,
    symmetric,
)
from pinn.problem import Problem
from pinn.runtime import precision
from pinn.settings import check_count
from pinn.setup.build import TARGET, locate, plain

# Arguments that the problem and the run give.
_FROM_PROBLEM = ("lower", "upper", "outputs", "seed", "dtype")


def default_network(
    problem: Problem,
    *,
    seed: int,
    dtype: str = "float64",
    symmetric: bool | None = None,
    **settings: Any,
) -> keras.Model:
    """Return a perceptron that fits a problem's coordinates and fields.

    Unknown fields have perceptrons with the same settings, each of the unknown field's own
    arguments. A field as an argument is seen in units of its scale. Monotone ones are networks of
    positive kernels, with the same width and depth.

    Args:
        problem: the problem.
        seed: of the initial weights.
        dtype: precision of the network, and thus of the run.
        symmetric: whether to build in the problem's mirror symmetries.
        settings: those of `pinn.networks.mlp`. Periodic coordinates may be given by name; the
            default is the problem's own.

    Raises:
        InputError: for settings out of range, or symmetries that the problem does not declare.
    """
    check_count("seed", seed, least=0, most=LAST_SEED)
    if problem.periodic and settings.get("periodic") is None:
        settings["periodic"] = Periodic(coordinates=problem.periodic)
    with precision(dtype):
        outputs = problem.outputs - len(problem.unknown_fields)
        if problem.laws and settings.get("rank") is not None:
            raise InputError(
                f"network.rank: {problem.laws[0]} is a function of fields, which does not go with "
                "a separable network; leave it out."
            )
        main = _perceptron(problem, problem.coordinates, outputs, seed, settings)
        if symmetric not in (None, False):
            main = _with_symmetries(problem, main, symmetric, seed)
        if not problem.unknown_fields:
            return main
        networks = {"fields": main}
        inputs = [problem.coordinates]
        for i, (name, unknown) in enumerate(problem.unknown_fields.items()):
            # Drawn, because the seeds next to the run's own are those of other runs.
            own_seed = int(np.random.default_rng((seed, i)).integers(LAST_SEED))
            arguments = tuple(unknown.arguments)
            if unknown.monotone is not None:
                networks[name] = _monotone(problem, arguments, own_seed, settings)
            else:
                networks[name] = _perceptron(problem, arguments, 1, own_seed, settings)
            inputs.append(arguments)
        fields = problem.fields if problem.laws else ()
        return side_by_side(networks, coordinates=problem.coordinates, seen=inputs, fields=fields)


def build_network(
    node: Mapping[str, Any], problem: Problem, *, seed: int, dtype: str
) -> keras.Model:
    """Return the network that a node describes, for a problem's coordinates and fields.

    Raises:
        InputError: for unknown settings, or a target that is no network.
    """
    settings = {str(key): value for key, value in node.items() if key != TARGET}
    target = node.get(TARGET)
    if target in (None, "pinn.networks.mlp", "pinn.mlp"):
        return default_network(problem, seed=seed, dtype=dtype, **_perceptron_settings(settings))
    make = locate(target, "network", keras.Model)
    if not _returns_network(make):
        raise InputError(
            f"network.{TARGET}={target}: is no network; name a subclass of keras.Model, or a "
            "function whose annotation says that it returns one."
        )
    lower, upper = problem.seen_bounds
    shape = {
        "lower": lower.tolist(),
        "upper": upper.tolist(),
        "outputs": problem.outputs,
    }
    try:
        with precision(dtype):
            return make(**shape, seed=seed, **settings)
    except TypeError as error:
        raise InputError(
            f"network.{TARGET}={target}: {error}; it must take lower, upper, outputs, seed and its "
            "settings."
        ) from error


def _perceptron_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a perceptron, with its groups of options as objects."""
    known = [name for name in inspect.signature(mlp).parameters if name not in _FROM_PROBLEM]
    known.append("symmetric")
    built: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in known:
            raise InputError(f"network.{key}: unknown setting.{did_you_mean(key, known)}")
        if key == "periodic" and isinstance(value, Sequence) and not isinstance(value, str):
            value = {"coordinates": value}  # periodic: [x] for short
        if key in OPTIONS and value is not None:
            value = plain(OPTIONS[key], value, f"network.{key}")
        built[key] = value
    return built


def _returns_network(make: Any) -> bool:
    """Return whether a class is a Keras model, or a function is annotated to return one."""
    kind = make
    if inspect.isfunction(make):
        # An annotation may name what only type checkers import.
        with contextlib.suppress(NameError):
            kind = get_type_hints(make).get("return")
    return inspect.isclass(kind) and issubclass(kind, keras.Model)


def _with_symmetries(
    problem: Problem, network: keras.Model, requested: object, seed: int
) -> keras.Model:
    """Return a network with a problem's mirror symmetries built in."""
    if requested is not True:
        raise InputError(f"network.symmetric={requested!r}; give true or false.")
    if not problem.symmetries:
        raise InputError(
            f"network.symmetric=true: {type(problem).__name__} declares no symmetries; leave it, "
            "or declare them, as in symmetries = (Mirror(('x',), odd=('u',)),)."
        )
    if problem.materials:
        raise InputError(
            "network.symmetric=true: does not go with materials, which need not be symmetric; "
            "leave it out."
        )
    mirrors = []
    for mirror in problem.symmetries:
        axes = [problem.coordinates.index(c) for c in mirror.coordinates]
        odd = [problem.fields.index(f) for f in mirror.odd]
        mirrors.append((axes, odd))
    lower, upper = problem.seen_bounds
    return symmetric(network, mirrors, lower=lower.tolist(), upper=upper.tolist(), seed=seed)


def _check_periodic(problem: Problem, periodic: Periodic) -> None:
    """Raise an InputError for a network that is to be periodic in a parameter of the problem."""
    for name in problem.parameters:
        if problem.coordinates.index(name) in periodic.coordinates:
            raise InputError(
                f"network.periodic.coordinates: {name} is a parameter, in which no solution is "
                "periodic; name other coordinates."
            )


def _perceptron(
    problem: Problem,
    arguments: Sequence[str],
    outputs: int,
    seed: int,
    settings: Mapping[str, Any],
) -> keras.Model:
    """Return a perceptron of some of a problem's coordinates and fields."""
    settings = dict(settings)
    axes = [problem.coordinates.index(c) for c in arguments if c in problem.coordinates]
    periodic = settings.get("periodic")
    if isinstance(periodic, Periodic):
        periodic = periodic.with_indices(problem.coordinates)
        _check_periodic(problem, periodic)
        if axes != list(range(len(problem.coordinates))):
            periodic = periodic.restricted_to(axes)
        settings["periodic"] = periodic
    subdomains = settings.get("subdomains")
    if isinstance(subdomains, Subdomains):
        settings["subdomains"] = subdomains.by_index(problem.coordinates, axes)
    lower, upper = _box(problem, arguments)
    dtype = keras.config.floatx()
    return mlp(lower=lower, upper=upper, outputs=outputs, seed=seed, dtype=dtype, **settings)


def _monotone(
    problem: Problem, arguments: Sequence[str], seed: int, settings: Mapping[str, Any]
) -> keras.Model:
    """Return a network that increases with all of some coordinates and fields."""
    sizes = {key: settings[key] for key in ("width", "depth") if key in settings}
    lower, upper = _box(problem, arguments)
    return monotone(lower=lower, upper=upper, seed=seed, **sizes)


def _box(problem: Problem, arguments: Sequence[str]) -> tuple[list[float], list[float]]:
    """Return the lower and upper corner of what a network sees of coordinates and fields."""
    lower, upper = problem.seen_bounds
    low: list[float] = []
    high: list[float] = []
    for name in arguments:
        if name in problem.coordinates:
            axis = problem.coordinates.index(name)
            low.append(float(lower[axis]))
            high.append(float(upper[axis]))
        else:  # in units of its scale
            low.append(-1.0)
            high.append(1.0)
    return low, high
