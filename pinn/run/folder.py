"""The folder of a run: made, withdrawn, read back and checked; nothing in it is ever half written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pinn.atomic import claim
from pinn.errors import InputError
from pinn.objective import Batch, Objective
from pinn.optimizers.interface import Minimization
from pinn.record import RunFolder
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
    record = RunFolder(folder)
    config = record.read_config()
    for override in overrides:
        _change(config, override)
    progress = checkpoint.load(record.checkpoint)
    configure(dtype=config.get("dtype", "float64"), device=config.get("device", "auto"))
    try:
        network: Any = keras.saving.load_model(record.network, compile=False)
    except Exception as error:  # Keras lists none, and a damaged archive fails in many ways
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{record.network}: cannot be loaded ({reason}); restore the file."
        ) from None
    made = setup(config, network=network)
    changed = {_top(override) for override in overrides}
    if changed & {*LOSS, "phases"} and progress.records:
        progress.reopen(stale=bool(changed & {*LOSS}))
    return made, progress, config


def check(
    progress: Progress,
    made: Setup,
    minimization: Minimization[Batch],
    objective: Objective,
    folder: Any,
) -> None:
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
    if not phase.optimizer.bind(minimization).fits(state):
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
        values: Any = OmegaConf.to_container(OmegaConf.create(f"value: {text}"), resolve=False)
        node[last] = values["value"]
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"resume: {override!r} is no valid YAML ({reason}); write key=value."
        ) from None


def create(path: Path, config: dict[str, Any], network: keras.Model) -> None:
    """Make a run folder with its config and the untrained network."""
    record = RunFolder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if record.begun:
            raise InputError(
                f"{path}: holds a run already; name another folder, or `pinn resume {path}`."
            )
        record.write_config(config)
        save_network(path, network)
    except OSError as error:
        withdraw(path)
        reason = error.strerror or str(error)
        raise InputError(
            f"{path}: cannot be written ({reason}); set output to a writable folder."
        ) from None
    except Exception:
        if not record.begun:
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
        for leftover in RunFolder(folder).leftovers():
            leftover.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)


def save_network(folder: Path, network: keras.Model) -> None:
    """Save a network such that a crash leaves the old file or the new one."""
    file = RunFolder(folder).network
    unfinished = file.with_name(f".{file.stem}.{os.getpid()}{file.suffix}")
    try:
        network.save(unfinished)
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


def withdraw(folder: Path) -> None:
    """Take away the files of a run that never was, and the folder if nothing else is in it."""
    record = RunFolder(folder)
    with contextlib.suppress(OSError):
        for file in (record.config, record.network, record.history):
            file.unlink(missing_ok=True)
        folder.rmdir()
