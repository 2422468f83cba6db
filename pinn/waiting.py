# pyright: strict
"""What a run is waiting for, told once it takes long: a solver, or a method that never ends."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass

PATIENCE = 10.0  # seconds before anything is said
_INTERVAL = 1.0  # seconds between looks


@dataclass
class _Wait:
    """What is being waited for.

    Attributes:
        what: in words.
        since: when it began, in seconds.
        told: whether it has been said.
    """

    what: str
    since: float
    told: bool = False


_waits: list[_Wait] = []
_watching = threading.Lock()


@contextlib.contextmanager
def waiting_for(what: str) -> Generator[None]:
    """Say on stderr what is being waited for, in this scope, once it has taken some seconds.

    Args:
        what: such as "Burgers.reference".
    """
    wait = _Wait(what, time.monotonic())
    _waits.append(wait)
    if _watching.acquire(blocking=False):
        threading.Thread(target=_watch, name="pinn waiting", daemon=True).start()
    try:
        yield
    finally:
        _waits.remove(wait)


def _watch() -> None:
    """Look at what is being waited for, until there is nothing."""
    try:
        while _waits:
            time.sleep(_INTERVAL)
            for wait in list(_waits)[-1:]:
                seconds = time.monotonic() - wait.since
                if seconds > PATIENCE and not wait.told:
                    wait.told = True
                    print(
                        f"pinn: waiting for {wait.what}, for {seconds:.0f} s by now; Ctrl-C ends "
                        "the run.",
                        file=sys.stderr,
                        flush=True,
                    )
    finally:
        _watching.release()
