"""The folder of a run: made, withdrawn, read back and checked; nothing in it is ever half written."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pinn.atomic import claim, write_atomically
from pinn.errors import InputError
from pinn.objective import Batch, LeastSquares, Objective
from pinn.record import history
from pinn.run import checkpoint
from pinn.runtime import configure
from pinn.setup.config import setup
from pinn.setup.setup import Setup
from pinn.training.progress import Progress
from pinn.weights import Weighting

LOSS = ("problem", "points", "weights", "constraints", "derivatives", "data", "seed")
"""Top-level keys of a configuration that change the loss as a function of the flat vector."""


def read(folder: Path, overrides: Sequence[str] = ()) -> tuple[Setup, Progress, dict[str, Any]]:
    """Return the setup, the progress and the configuration that a run folder holds; nothing is written."""
    file = folder / "config.yaml"
    if not file.is_file():
        raise InputError(
            f"{folder}: is no run folder (no config.yaml); name one such as outputs/burgers/<time>."
        )
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file}: is no valid YAML ({' '.join(str(error).split())}); restore the file."
        ) from None
    if not isinstance(config, dict):
        raise InputError(
            f"{file}: holds {_kind(config)}, not the settings of a run; restore the file."
        )
    for override in overrides:
        _change(config, override)
    progress = checkpoint.load(folder / "checkpoint.npz")
    configure(dtype=config.get("dtype", "float64"), device=config.get("device", "auto"))
    try:
        network: Any = keras.saving.load_model(folder / "network.keras", compile=False)
    except Exception as error:  # Keras lists none, and a damaged archive fails in many ways
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{folder / 'network.keras'}: cannot be loaded ({reason}); restore the file."
        ) from None
    made = setup(config, network=network)
    changed = {_top(override) for override in overrides}
    if changed & {*LOSS, "phases"} and progress.records:
        progress.reopen(stale=bool(changed & {*LOSS}))
    return made, progress, config


def check(progress: Progress, made: Setup, objective: Objective, folder: Any) -> None:
    """Raise an InputError where a checkpoint is not one of a setup."""
    phases = made.phases_of(progress.stage)
    done, planned = [r.name for r in progress.records], [p.name for p in phases]
    if not done or done != planned[: len(done)]:
        raise InputError(
            f"{folder}: the checkpoint's phases are {', '.join(done) or 'none'}, those of config.yaml "
            f"{', '.join(planned)}; restore the run's own files."
        )
    state, phase = progress.state, phases[progress.phase]
    assert state is not None
    if state.position.shape != (objective.flat.size,) or state.position.dtype != objective.dtype:
        raise InputError(
            f"{folder}: the checkpoint holds {state.position.dtype.name} weights of shape {state.position.shape}, "
            f"the network {objective.flat.size} of {objective.dtype}; restore the run's own files."
        )
    stepper = phase.optimizer.compile(
        objective.value_and_gradient,
        LeastSquares(objective),
        shapes=objective.flat.shapes,
        part=objective.part,
    )
    fresh = stepper.optimizer.memory(
        state.position, state.position, tf.ones([], state.position.dtype)
    )
    shapes = [
        {k: (v.shape, v.dtype) for k, v in memory.items()} for memory in (fresh, state.memory)
    ]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"{folder}: the checkpoint does not fit phases.{phase.name}.optimizer ({phase.optimizer.label}); "
            f"leave its settings as they were in the checkpoint's phase, or start a new run."
        )


def check_weights(
    progress: Progress, weighting: Weighting | None, batch: Batch, folder: Any
) -> None:
    """Raise an InputError where a checkpoint's memory of weights is not one of the run's scheme."""
    fits = not progress.weights if weighting is None else weighting.fits(progress.weights, batch)
    if not fits:
        label = "fixed" if weighting is None else weighting.scheme.label
        raise InputError(
            f"{folder}: the checkpoint's weights are not those of weights.scheme ({label}); leave the scheme and the "
            f"terms of the loss as they were in the checkpoint's run, or start a new run."
        )


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a run's history."""
    file = folder / "history.csv"
    try:
        return history.read(file)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{file}: is damaged ({error}); restore the file.") from None


def stored_metrics(folder: Path) -> dict[str, Any]:
    """Return what metrics.json holds; a run that was interrupted has none."""
    file = folder / "metrics.json"
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"{file}: is no valid JSON ({error}); remove it, and `pinn resume {folder}`."
        ) from None
    if not isinstance(found, dict):
        raise InputError(
            f"{file}: holds {_kind(found)}, not a run's metrics; remove it, and `pinn resume {folder}`."
        )
    return found


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _top(override: str) -> str:
    """Return the top-level key of "a.b.c=value"."""
    return override.partition("=")[0].partition(".")[0]


def _change(config: dict[str, Any], override: str) -> None:
    """Set one existing value of a config from "a.b.c=value"."""
    key, equals, text = override.partition("=")
    *path, last = key.split(".")
    node: Any = config
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    if not equals or not isinstance(node, dict) or last not in node:
        raise InputError(
            f"resume: {override!r} sets no key of the run; see its config.yaml, and write key=value."
        )
    if _top(override) in ("network", "dtype"):
        raise InputError(
            f"resume: {override!r} would change the network that the run has trained; start a new run."
        )
    several = config.get("windows", 1) != 1 or config.get("continuation")
    if _top(override) in ("windows", "continuation") or (several and _top(override) in LOSS):
        raise InputError(
            f"resume: {override!r} would change the stages that the run has gone through; start a new run."
        )
    try:
        # OmegaConf's reader as in `pinn run`: YAML 1.1 itself takes 1e-6 for text.
        node[last] = OmegaConf.to_container(OmegaConf.create(f"value: {text}"), resolve=False)[
            "value"
        ]  # type: ignore
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"resume: {override!r} is no valid YAML ({reason}); write key=value."
        ) from None


def write_config(file: Path, config: dict[str, Any]) -> None:
    """Write a configuration such that a crash leaves the old file or the new one."""
    try:
        text = yaml.safe_dump(config, sort_keys=False, default_flow_style=None, width=100)
    except yaml.YAMLError as error:
        what = error.args[-1] if error.args else error
        raise InputError(
            f"{file}: cannot hold {what!r}; use plain values and Keras schedules, or folder=None."
        ) from None
    write_atomically(file, lambda out: out.write(text.encode()))


def create(path: Path, config: dict[str, Any], network: keras.Model) -> None:
    """Make a run folder with its config and the untrained network."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if (path / "checkpoint.npz").exists():
            raise InputError(
                f"{path}: holds a run already; name another folder, or `pinn resume {path}`."
            )
        write_config(path / "config.yaml", config)
        save_network(path, network)
    except OSError as error:
        withdraw(path)
        reason = error.strerror or str(error)
        raise InputError(
            f"{path}: cannot be written ({reason}); set output to a writable folder."
        ) from None
    except Exception:
        if not (path / "checkpoint.npz").exists():
            withdraw(path)
        raise


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold a run folder for this process alone, and clear away what a killed one left half written.

    The operating system drops the lock with the process, however that ends.

    Raises:
        InputError: if another process works in the folder.
    """
    if os.name == "nt" or not folder.is_dir():  # Windows opens no folders
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if claim(handle) is False:
            raise InputError(
                f"{folder}: another process works in it; wait for its end, or stop it."
            )
        for leftover in (*folder.glob(".checkpoint.npz.*"), *folder.glob(".network.*.keras")):
            leftover.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)


def save_network(folder: Path, network: keras.Model) -> None:
    """Save a network such that a crash leaves the old file or the new one."""
    beside = folder / f".network.{os.getpid()}.keras"
    try:
        network.save(beside)
        os.replace(beside, folder / "network.keras")
    finally:
        beside.unlink(missing_ok=True)


def withdraw(folder: Path) -> None:
    """Take away the files of a run that never was, and the folder if nothing else is in it."""
    with contextlib.suppress(OSError):
        for name in ("config.yaml", "network.keras", "history.csv"):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
