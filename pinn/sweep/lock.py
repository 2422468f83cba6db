"""One process per job: a lock file that names its owner."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from filelock import lock_descriptor


class Busy(Exception):
    """Another process holds the lock; the text names it."""


class Lock:
    """A lock that is held.

    Attributes:
        handle: the open file. A process that inherits it holds the lock too, for as long as it
            lives.
    """

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def set_owner(self, process: int) -> None:
        """Write which process works at the job, for others to read."""
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, f"process {process} on {platform.node()}".encode(), 0)


@contextlib.contextmanager
def hold(file: Path) -> Iterator[Lock]:
    """Hold a lock file for this process and for those that inherit its handle.

    The operating system frees the lock when the last of these processes ends, however it ends, so
    no lock is ever stale. On a file system without locks, the name in the file decides: the lock
    is stale if its process on this machine has ended.

    Raises:
        Busy: if another process holds it.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        owner = os.pread(handle, 300, 0).decode(errors="replace")
        try:
            busy = not lock_descriptor(handle, blocking=False)
            remedy = ""
        except OSError:  # the file system has no locks
            busy = _may_be_alive(owner)
            remedy = f" (if it does not, remove {file})"
        if busy:
            raise Busy(f"{owner or 'another process'} works at it{remedy}")
        lock = Lock(handle)
        lock.set_owner(os.getpid())
        yield lock
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def wait_until_free(file: Path) -> None:
    """Wait until no process holds a lock file; do not wait where there are no locks."""
    if not file.exists():
        return
    with open(file, "rb") as opened, contextlib.suppress(OSError):
        lock_descriptor(opened.fileno())


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; wait while another one holds it.

    There is no lock on Windows, which opens no folders, nor on a file system that has none.
    """
    if os.name == "nt":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            lock_descriptor(handle)
        yield
    finally:
        os.close(handle)


def _may_be_alive(owner: str) -> bool:
    """Return whether "process 4711 on host" may be alive; it always may be on another host."""
    words = owner.split()
    if len(words) != 4 or not words[1].isdigit():
        return False
    process = int(words[1])
    host = words[3]
    if host != platform.node():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it exists and belongs to another user
        return True
    return True
