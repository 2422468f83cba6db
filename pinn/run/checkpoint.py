"""Checkpoints: an .npz of plain arrays, written atomically, without pickle."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.atomic import write_atomically
from pinn.errors import InputError
from pinn.optimizers import State
from pinn.optimizers.memories import to_arrays
from pinn.training.progress import Progress

FORMAT = "pinn checkpoint 1"
KEPT = ("points", "weights", "ends")
"""What a progress keeps as arrays by name."""


def save(path: Path, progress: Progress) -> None:
    """Write a progress to a file; a crash at any moment leaves the old file or the new one, never a part."""
    assert progress.state is not None
    arrays: dict[str, Any] = {
        "format": np.array(FORMAT),
        "progress": np.array(json.dumps(progress.to_json())),
    }
    for name, value in progress.state._asdict().items():
        if name != "memory":
            arrays[f"state/{name}/"] = np.asarray(value)
    for name, array in to_arrays(progress.state.memory).items():
        arrays[f"state/memory/{name}"] = array
    for folder in KEPT:
        arrays |= {f"{folder}/{name}": array for name, array in getattr(progress, folder).items()}
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
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if str(arrays.pop("format")) != FORMAT:
            raise KeyError("format")
        numbers = json.loads(str(arrays.pop("progress")))
        kept = {folder: _taken(arrays, f"{folder}/") for folder in KEPT}
        # The memory remains arrays until the optimizer is known that can restore it.
        memory = _taken(arrays, "state/memory/")
        fields: dict[str, tf.Tensor] = {}
        for name, array in arrays.items():
            fields[name.removeprefix("state/").removesuffix("/")] = tf.constant(array)
        progress = Progress.from_json(numbers, State(**fields, memory=memory), **kept)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise InputError(
            f"{path}: not a checkpoint of this program, or truncated ({type(error).__name__}: {error}); "
            f"nothing was changed; restore the file or start a new run."
        ) from None
    if size is not None and progress.state is not None and progress.state.position.shape[0] != size:
        raise InputError(
            f"{path}: holds {progress.state.position.shape[0]} weights, the run's network has {size}; "
            f"nothing was changed; restore the run's own checkpoint."
        )
    return progress


def _taken(arrays: dict[str, np.ndarray], folder: str) -> dict[str, np.ndarray]:
    """Take the arrays whose names begin with a folder's out of a dict, and return them without it."""
    names = [name for name in arrays if name.startswith(folder)]
    return {name.removeprefix(folder): arrays.pop(name) for name in names}
