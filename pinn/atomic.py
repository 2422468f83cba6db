"""Files that are never half written, and that a power cut does not take back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file such that a crash at any moment leaves the old file or the new one.

    After the return the new one is on the disk, and so is its name in the folder.

    Args:
        path: the file.
        write: called with a binary file in the same folder, which replaces `path` once its content
            is on the disk.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(unfinished, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
        sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text in UTF-8 such that a crash at any moment leaves the old file or the new one."""
    write_atomically(path, lambda file: file.write(text.encode()))


def sync(path: Path) -> None:
    """Put the content of a file, or the names in a folder, on the disk.

    Systems and file systems that cannot do so for folders are left as they are.
    """
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sync_names(path: Path) -> None:
    """Put a folder on the disk: its names, and its own name in all folders above it."""
    for folder in (path.absolute(), *path.absolute().parents):
        sync(folder)
