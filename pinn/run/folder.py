"""The folder of a run: created, locked, read and checked; no file in it is ever half written."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras
import yaml
from filelock import lock_descriptor
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pinn.atomic import sync, sync_names
from pinn.errors import InputError
from pinn.objective import Batch, Objective, Scales
from pinn.optimizers.interface import Minimization
from pinn.record import History, RunFolder
from pinn.run import checkpoint
from pinn.run.settings import check_settings, plain_settings
from pinn.runtime import configure
from pinn.setup import config as configuration
from pinn.setup.build import targets
from pinn.setup.setup import Setup
from pinn.setup.stages import AUTO
from pinn.setup.user_files import keep, kept_in
from pinn.training.progress import Progress
from pinn.trust import FolderOfARun, asked_by
from pinn.weights import Weighting

LOSS_KEYS = {"problem", "points", "weights", "constraints", "derivatives", "data", "seed"}
"""Top-level keys of a configuration that change the loss as a function of theta."""


def read(
    folder: RunFolder, overrides: Sequence[str] = (), *, trust: bool = False
) -> tuple[Setup, Progress, dict[str, Any]]:
    """Return the setup, the progress and the configuration of a run; nothing is written.

    Args:
        folder: the folder of the run.
        overrides: changes of the configuration, such as "phases.polish.stop.max_iterations=8000".
        trust: whether code may run that the folder asks for, whoever wrote it.

    Raises:
        InputError: for a folder or an override that does not fit, a damaged file, a configuration
            that was changed by hand, or code that may not run.
    """
    config = folder.read_config()
    settings = plain_settings(config)
    for override in overrides:
        _change(config, override)
    progress = checkpoint.load(folder.checkpoint)
    changed = {_top_key(override) for override in overrides}
    changes_loss = not changed.isdisjoint(LOSS_KEYS)
    if changes_loss and progress.edges:
        names = ", ".join(sorted(changed))
        raise InputError(
            f"resume: {names} would change the windows that the run has gone through; start a new "
            "run."
        )
    configure(device=config.get("device", "auto"))
    try:
        network: Any = keras.saving.load_model(folder.network, compile=False)
    except Exception as error:  # Keras documents none, and a damaged archive fails in many ways
        lines = str(error).splitlines() or [type(error).__name__]
        raise InputError(
            f"{folder.network}: cannot be loaded ({lines[0]}); restore the file."
        ) from None
    with kept_in(folder.code), asked_by(FolderOfARun(folder.code, trust)):
        setup = configuration.setup(config, network=network)
    check_settings(folder, progress.settings, settings)
    progress.settings = [settings]
    if progress.records and (changes_loss or "phases" in changed):
        linearized = tuple(f"phases.{p.name}." for p in setup.phases if p.linearized)
        if progress.nonlinear and not all(o.startswith(linearized) for o in overrides):
            # The phases before the linearized ones go on; the time that has passed remains.
            progress = replace(
                progress.nonlinear, seconds=progress.seconds, settings=progress.settings
            )
        progress.reopen(stale=changes_loss)
    return setup, progress, config


def check(
    progress: Progress,
    setup: Setup,
    minimization: Minimization[Batch],
    objective: Objective,
    folder: RunFolder,
) -> None:
    """Raise an InputError if a checkpoint does not fit a setup."""
    phases = setup.phases_of(progress.stage, returned=progress.returned)
    begun = [record.name for record in progress.records]
    planned = [phase.name for phase in phases]
    if not begun or begun != planned[: len(begun)]:
        raise InputError(
            f"{folder.path}: the checkpoint's phases are {', '.join(begun) or 'none'}, "
            f"those of config.yaml {', '.join(planned)}; restore the run's own files."
        )
    if not _same_scales(progress, setup):
        raise InputError(
            f"{folder.path}: the scales of config.yaml are not those that the checkpoint was "
            f"trained with; restore the run's own files."
        )
    state = progress.state
    phase = phases[progress.phase]
    assert state is not None
    if state.position.shape != (objective.flat.size,) or state.position.dtype != objective.dtype:
        raise InputError(
            f"{folder.path}: the checkpoint holds {state.position.dtype.name} parameters of shape "
            f"{state.position.shape}, the network {objective.flat.size} of {objective.dtype}; "
            f"restore the run's own files."
        )
    if not phase.optimizer.bind(minimization).fits(state):
        raise InputError(
            f"{folder.path}: the checkpoint does not fit phases.{phase.name}.optimizer "
            f"({phase.optimizer.label}); leave its settings as they were in the checkpoint's "
            f"phase, or start a new run."
        )


def _same_scales(progress: Progress, setup: Setup) -> bool:
    """Return whether a checkpoint was trained with the scales of a setup."""
    if progress.scales is None or not isinstance(setup.scales, Scales):
        return progress.scales is None and setup.plain_scales is None
    return setup.scales.continues(Scales.from_plain(progress.scales))


def check_weights(
    progress: Progress, weighting: Weighting | None, batch: Batch, folder: RunFolder
) -> None:
    """Raise an InputError if a checkpoint's memory of weights does not fit the run's scheme."""
    if weighting is None:
        label = "fixed"
        fits = not progress.weights
    else:
        label = weighting.scheme.label
        fits = weighting.fits(progress.weights, batch)
    if not fits:
        raise InputError(
            f"{folder.path}: the checkpoint's weights are not those of weights.scheme ({label}); "
            f"leave the scheme and the terms of the loss as they were in the checkpoint's run, "
            f"or start a new run."
        )


def _top_key(override: str) -> str:
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
            f"resume: {override!r} sets no key of the run; "
            f"see its config.yaml, and write key=value."
        )
    if _top_key(override) in ("network", "dtype", "scales"):
        raise InputError(
            f"resume: {override!r} would change the network that the run has trained; "
            f"start a new run."
        )
    has_stages = config.get("windows", 1) not in (1, AUTO) or config.get("continuation")
    changes_past = has_stages and _top_key(override) in LOSS_KEYS
    if changes_past or _top_key(override) in ("windows", "continuation"):
        raise InputError(
            f"resume: {override!r} would change the stages that the run has gone through; "
            f"start a new run."
        )
    try:
        # OmegaConf reads numbers as `pinn run` does; YAML 1.1 itself reads 1e-6 as text.
        values: Any = OmegaConf.to_container(OmegaConf.create(f"value: {text}"), resolve=False)
        node[last] = values["value"]
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"resume: {override!r} is no valid YAML ({reason}); write key=value."
        ) from None


def create(folder: RunFolder, config: dict[str, Any], network: keras.Model) -> None:
    """Create a run folder with its configuration and the untrained network.

    Raises:
        InputError: for a folder that holds a run or cannot be written; nothing is left in it.
    """
    path = folder.path
    try:
        path.mkdir(parents=True, exist_ok=True)
        if folder.begun:
            raise InputError(
                f"{path}: holds a run already; name another folder, or `pinn resume {path}`."
            )
        folder.write_config(config)
        keep(targets(config), folder.code)
        save_network(folder, network)
        sync_names(path)
    except OSError as error:
        discard(folder)
        reason = error.strerror or str(error)
        raise InputError(
            f"{path}: cannot be written ({reason}); set output to a writable folder."
        ) from None
    except Exception:
        if not folder.begun:
            discard(folder)
        raise


@contextlib.contextmanager
def new(
    folder: RunFolder, progress: Progress, config: dict[str, Any], network: keras.Model
) -> Iterator[None]:
    """Create and lock a run folder; remove it if the run fails before its first checkpoint."""
    progress.settings = [plain_settings(config)]
    create(folder, config, network)
    with locked(folder):
        try:
            yield
        except BaseException:
            if not folder.begun:
                discard(folder)
            raise


def save(folder: RunFolder, progress: Progress, history: History) -> None:
    """Save a progress, and before it the rows of the history that it counts."""
    history.sync()
    checkpoint.save(folder.checkpoint, progress)


@contextlib.contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold a run folder for this process alone, and remove the files that a killed one left behind.

    The lock is on the folder itself, so that no lock file is left in it.  The operating system
    frees it when the process ends, however it ends.  On a file system without locks, and on
    Windows, which opens no folders, nothing is locked.

    Raises:
        InputError: if another process works in the folder.
    """
    if os.name == "nt" or not folder.path.is_dir():
        yield
        return
    handle = os.open(folder.path, os.O_RDONLY)
    try:
        if _is_held(handle):
            raise InputError(
                f"{folder.path}: another process works in it; wait for its end, or stop it."
            )
        for leftover in folder.leftovers():
            leftover.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)


def _is_held(handle: int) -> bool:
    """Lock an open folder, and return whether another process holds it instead."""
    try:
        return not lock_descriptor(handle, blocking=False)
    except OSError:  # the file system has no locks
        return False


def change(folder: RunFolder, progress: Progress, config: dict[str, Any]) -> None:
    """Write the progress of a run that goes on, and its new configuration and code."""
    settings = plain_settings(config)
    # The reopened progress first, so that a kill from here on is survived.
    progress.settings = [*progress.settings, settings]
    checkpoint.save(folder.checkpoint, progress)
    folder.write_config(config)
    keep(targets(config), folder.code)
    sync(folder.path)
    progress.settings = [settings]


def save_network(folder: RunFolder, network: keras.Model) -> None:
    """Save a network; after a crash, the folder holds the old file or the new one."""
    file = folder.network
    unfinished = file.with_name(f".{file.stem}.{os.getpid()}{file.suffix}")
    try:
        network.save(unfinished)
        sync(unfinished)
        os.replace(unfinished, file)
        sync(file.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def discard(folder: RunFolder) -> None:
    """Remove the files of a run that never started, and the folder if nothing else is in it."""
    with contextlib.suppress(OSError):
        shutil.rmtree(folder.code, ignore_errors=True)
        for file in (folder.config, folder.network, folder.history, folder.data_figure):
            file.unlink(missing_ok=True)
        if folder.figures.is_dir():
            folder.figures.rmdir()
        folder.path.rmdir()
