"""Files that are never half written, and locks that end with their process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Call `write(binary file)` on a file beside `path`, make it durable, and put it in place of `path`."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def claim(handle: int, *, wait: bool = False) -> bool | None:
    """Lock an open file or folder for this process and those that inherit the handle.

    The operating system drops the lock when the last of them ends, however it ends.

    Args:
        handle: a file descriptor.
        wait: whether to wait until it is free.

    Returns:
        True; False if another process holds it; None where the file system (or Windows) has no such
        locks.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
