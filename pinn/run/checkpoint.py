"""Checkpoints: an .npz of plain arrays, written atomically, without pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.arrays import AnyArray, read_npz, static_size
from pinn.atomic import write_atomically
from pinn.errors import InputError
from pinn.optimizers import State
from pinn.optimizers.memories import to_arrays
from pinn.training.progress import ARRAYS, Progress

FORMAT = "pinn checkpoint 1"
NONLINEAR = "nonlinear"  # the prefix of a second progress
MEMBERS = "members"  # the names of all other arrays; earlier checkpoints lack it


def save(path: Path, progress: Progress) -> None:
    """Write a progress to a file; a crash at any moment leaves the old file or the new one."""
    arrays: dict[str, Any] = {"format": np.array(FORMAT), **_arrays(progress)}
    if progress.nonlinear is not None:
        for name, array in _arrays(progress.nonlinear).items():
            arrays[f"{NONLINEAR}/{name}"] = array
    # A damaged directory of the archive may leave out a member without a word.
    arrays[MEMBERS] = np.array(json.dumps(sorted(arrays)))
    write_atomically(path, lambda file: np.savez(file, **arrays))


def load(path: Path, *, size: int | None = None) -> Progress:
    """Return the progress in a file; `size` is the length of the flat vector that it must fit.

    Raises:
        InputError: if the file is missing, truncated, not a checkpoint, or of another network.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: no checkpoint; the run was stopped before its first report, so run it again."
        )
    try:
        arrays = read_npz(path)
        members = json.loads(str(arrays.pop(MEMBERS))) if MEMBERS in arrays else sorted(arrays)
        if members != sorted(arrays):
            raise KeyError(MEMBERS)
        if str(arrays.pop("format")) != FORMAT:
            raise KeyError("format")
        nonlinear = _pop_group(arrays, NONLINEAR)
        progress = _progress(arrays)
        if nonlinear:
            progress.nonlinear = _progress(nonlinear)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{path}: not a checkpoint of this program, or truncated ({type(error).__name__}: "
            f"{error}); nothing was changed; restore the file or start a new run."
        ) from None
    assert progress.state is not None
    count = static_size(progress.state.position)
    if size is not None and count != size:
        raise InputError(
            f"{path}: holds {count} parameters, the run's network has {size}; nothing was changed; "
            f"restore the run's own checkpoint."
        )
    return progress


def _arrays(progress: Progress) -> dict[str, Any]:
    """Return all of a progress but its `nonlinear` as arrays by name."""
    assert progress.state is not None
    arrays: dict[str, Any] = {"progress": np.array(json.dumps(progress.to_json()))}
    for name, value in progress.state._asdict().items():
        if name != "memory":
            arrays[f"state/{name}/"] = np.asarray(value)
    for name, array in to_arrays(progress.state.memory).items():
        arrays[f"state/memory/{name}"] = array
    for group in ARRAYS:
        for name, array in getattr(progress, group).items():
            arrays[f"{group}/{name}"] = array
    return arrays


def _progress(arrays: dict[str, AnyArray]) -> Progress:
    """Return the progress that `_arrays` describes."""
    numbers = json.loads(str(arrays.pop("progress")))
    groups: dict[str, dict[str, AnyArray]] = {}
    for group in ARRAYS:
        groups[group] = _pop_group(arrays, group)
    # The memory remains arrays until the optimizer is known that can restore it.
    memory = _pop_group(arrays, "state/memory")
    fields: dict[str, tf.Tensor] = {}
    for name, array in arrays.items():
        fields[name.removeprefix("state/").removesuffix("/")] = tf.constant(array)
    return Progress.from_json(numbers, State(**fields, memory=memory), groups)


def _pop_group(arrays: dict[str, AnyArray], group: str) -> dict[str, AnyArray]:
    """Remove the arrays of a group, such as "points", and return them by their other names."""
    prefix = f"{group}/"
    members: dict[str, AnyArray] = {}
    for name in list(arrays):
        if name.startswith(prefix):
            members[name.removeprefix(prefix)] = arrays.pop(name)
    return members
