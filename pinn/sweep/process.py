"""A command of pinn in a process of its own, with a log, that Ctrl-C ends cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pinn.sweep.lock import Lock

PROGRAM = (sys.executable, "-m", "pinn")
_LONGEST = 200  # letters of a reason
_INTERRUPTED = 130  # the exit code of a run that Ctrl-C ended
_OUTSIDE = {
    getattr(signal, name)
    for name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
    if hasattr(signal, name)
}


class Ending(NamedTuple):
    """How a process ended.

    Attributes:
        state: "done", "failed", "killed" (from outside) or "interrupted" (Ctrl-C, or a request to
            end).
        reason: one line, empty where all went well.
        seconds: wall-clock seconds of the process.
        stop: whether the user asked for an end meanwhile, so that no other job should begin.
    """

    state: str
    reason: str = ""
    seconds: float = 0.0
    stop: bool = False


def execute(program: Sequence[str], arguments: Sequence[str], *, log: Path, lock: Lock) -> Ending:
    """Run a command, append what it prints to a log, and return how it ended.

    The process has a session of its own, so that Ctrl-C reaches this process alone, which hands it
    on: the first has a run save and end, the second ends it at once.  It holds the lock too, in
    case that this process is killed.
    """
    with open(log, "ab") as file, _HandOn() as signals:
        file.write(f"$ pinn {' '.join(arguments)}\n".encode())
        file.flush()
        begin, start = time.perf_counter(), file.tell()
        process = subprocess.Popen(
            [*program, *arguments], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"}, start_new_session=True,
            pass_fds=() if os.name == "nt" else (lock.handle,),
        )  # fmt: skip
        signals.to(process)
        lock.name(process.pid)
        code = process.wait()
        seconds = time.perf_counter() - begin
    if code == 0:
        return Ending("done", "", seconds, signals.asked)
    if signals.asked or code == _INTERRUPTED:
        return Ending("interrupted", "interrupted", seconds, signals.asked)
    said = _last_words(log.read_bytes()[start:].decode(errors="replace"))
    if -code in _OUTSIDE:
        return Ending("killed", f"killed by {signal.Signals(-code).name}", seconds)
    if code < 0:
        said = f"{signal.Signals(-code).name}: {said}"
    return Ending("failed", said[:_LONGEST], seconds)


def _last_words(text: str) -> str:
    """Return the line that tells why a command ended: pinn's own, else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    own = [line.removeprefix("pinn: ") for line in lines if line.startswith("pinn: ")]
    return (own or lines or ["it ended without a word"])[-1]


class _HandOn:
    """Hands Ctrl-C and requests to end on to a process, as Ctrl-C."""

    def __init__(self) -> None:
        self.asked = False
        self.process: subprocess.Popen | None = None
        self.previous: dict[int, Any] = {}

    def __enter__(self) -> _HandOn:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)
                if number is not None and (
                    name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN
                ):  # nohup
                    self.previous[number] = signal.signal(number, self._hand_on)
        return self

    def to(self, process: subprocess.Popen) -> None:
        """Hand on to this process, also what has come already."""
        self.process = process
        if self.asked:
            process.send_signal(signal.SIGINT)

    def _hand_on(self, *_: Any) -> None:
        self.asked = True
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)

    def __exit__(self, *_: object) -> None:
        for number, previous in self.previous.items():
            signal.signal(number, previous)
