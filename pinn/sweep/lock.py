"""One process at a job: a lock file that names its owner."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from pinn.atomic import claim


class Busy(Exception):
    """Another process holds the lock; the text tells which."""


class Lock:
    """A lock that is held.

    Attributes:
        handle: the open file; a process that inherits it holds the lock as well, and as long as it
            lives.
    """

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def name(self, process: int) -> None:
        """Write who holds the lock, for others to read."""
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, f"process {process} on {platform.node()}".encode(), 0)


@contextlib.contextmanager
def hold(file: Path) -> Iterator[Lock]:
    """Hold a lock file for the process and for those that it lets inherit the handle.

    The operating system frees the lock of a process that has died, so none is ever stale.  A file
    system without such locks leaves the name in the file: there a lock is stale if its process on
    this machine is gone.

    Raises:
        Busy: if another process holds it.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        owner = os.pread(handle, 300, 0).decode(errors="replace")
        claimed = claim(handle)
        if claimed is False or (claimed is None and _lives(owner)):
            remedy = "" if claimed is False else f" (if it does not, remove {file})"
            raise Busy(f"{owner or 'another process'} works at it{remedy}")
        lock = Lock(handle)
        lock.name(os.getpid())
        yield lock
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _lives(owner: str) -> bool:
    """Return whether "process 4711 on host" may be at work; of another host's processes nothing is known."""
    words = owner.split()
    if len(words) != 4 or not words[1].isdigit():
        return False
    if words[3] != platform.node():
        return True
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and another user's
        return True
    return True
