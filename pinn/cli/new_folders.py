"""New folders of runs and sweeps, which disappear where nothing was written into them."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pinn.errors import InputError

if TYPE_CHECKING:
    from omegaconf import DictConfig


@contextlib.contextmanager
def new_folder(config: DictConfig, key: Literal["run", "sweep"] = "run") -> Iterator[Path]:
    """Make the folder of a run or of a sweep; remove it and its new parents if it stays empty.

    Raises:
        InputError: for a folder that cannot be made.
    """
    from omegaconf import OmegaConf

    output = config.get("output")
    pattern = str(OmegaConf.to_container(config.hydra[key], resolve=False)["dir"])  # type: ignore
    where = f"hydra.{key}.dir"
    if "${output}" in pattern:
        if not isinstance(output, str) or not output:
            raise InputError(f"output={output!r}; give the path of a folder.")
        where = "output"
    path = Path(str(config.hydra[key].dir))
    if config.hydra.job.chdir:
        path = path.absolute()
    name = f"{where}={output if where == 'output' else path}"
    # A folder that is named by the time gets a number where two begin in one second.
    is_numbered = "${now:" in pattern
    try:
        new_folders = [p for p in (path, *path.parents) if not p.exists()]
    except OSError as error:  # a name of more letters than the file system takes
        raise _cannot_be_written(name, error) from None
    try:
        made = _make_folder(path, is_numbered, name)
        if made != path:
            new_folders.insert(0, made)
        yield made
    finally:
        for folder in new_folders:
            with contextlib.suppress(OSError):  # it is not empty
                folder.rmdir()


def _make_folder(path: Path, is_numbered: bool, where: str) -> Path:
    """Make a folder, and return it; a numbered one is one that no other run has."""
    for number in range(1000):
        folder = path if number == 0 else path.with_name(f"{path.name}_{number}")
        try:
            folder.mkdir(parents=True, exist_ok=not is_numbered)
        except (FileExistsError, NotADirectoryError):
            if not folder.is_dir():
                raise InputError(
                    f"{where}: is a file, or holds one named as a folder; name a folder."
                ) from None
            continue
        except OSError as error:
            raise _cannot_be_written(where, error) from None
        return folder
    raise InputError(f"{where}: a thousand runs in one second; wait a moment.")


def _cannot_be_written(where: str, error: OSError) -> InputError:
    """Return the error for a folder that cannot be made."""
    key = where.partition("=")[0]
    if error.errno == errno.ENAMETOOLONG:
        return InputError(f"{where}: has a name that is too long; set name or {key} to a shorter.")
    return InputError(
        f"{where}: cannot be written ({error.strerror}); set {key} to a writable folder."
    )
