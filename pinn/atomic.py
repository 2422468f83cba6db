"""Files that are never half written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file such that a crash at any moment leaves the old file or the new one.

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
    finally:
        unfinished.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text in UTF-8 such that a crash at any moment leaves the old file or the new one."""
    write_atomically(path, lambda file: file.write(text.encode()))
