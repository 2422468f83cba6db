"""A command of pinn in a process of its own, with a log, that Ctrl-C ends cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pinn.exit_codes import ExitCode
from pinn.sweep.lock import Lock
from pinn.versions import peak_memory

PROGRAM = (sys.executable, "-m", "pinn")
_LONGEST_REASON = 200  # characters
_WATCH = 1.0  # second between looks at a process that is watched
_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP")
_FROM_OUTSIDE = ("SIGKILL", *_FORWARDED)  # whoever sends these means the process to end


def quoted(text: str) -> str:
    """Return a text in the quotes of Hydra's overrides."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Ending(NamedTuple):
    """How a process ended.

    Attributes:
        state: "done", "failed", "killed" (from outside), "interrupted" (Ctrl-C, or a request to
            end) or "pruned" (ended by what watched it).
        reason: one line, empty where all went well.
        seconds: wall-clock seconds of the process.
        stop: whether the user asked for an end meanwhile, so that no other job should begin.
        peak_memory: the most memory that the process had, in bytes, but no less than its parent had
            when it began; None where the system does not count it.
    """

    state: str
    reason: str = ""
    seconds: float = 0.0
    stop: bool = False
    peak_memory: float | None = None


def execute(
    program: Sequence[str],
    arguments: Sequence[str],
    *,
    log: Path,
    lock: Lock,
    working_folder: Path | None = None,
    watch: Callable[[], str | None] | None = None,
) -> Ending:
    """Run a command, append its output to a log, and return how it ended.

    While it runs, `watch` is called again and again; once it returns a reason, the process ends as
    by Ctrl-C.

    The process has a session of its own, so that Ctrl-C reaches only this process, which forwards
    it: the first Ctrl-C makes a run save and end, the second ends it at once. The process also
    holds the lock, in case this process is killed.
    """
    with open(log, "ab") as file, _SignalForwarding() as signals:
        file.write(f"$ pinn {' '.join(arguments)}\n".encode())
        file.flush()
        log_start = file.tell()
        begin = time.perf_counter()
        process = subprocess.Popen(
            [*program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            pass_fds=() if os.name == "nt" else (lock.handle,),
            cwd=working_folder,
        )
        signals.forward_to(process)
        lock.set_owner(process.pid)
        reason = None if watch is None else _watch(process, watch)
        memory = _wait(process)
        seconds = time.perf_counter() - begin
    code = process.returncode
    if code == ExitCode.OK:
        return Ending("done", "", seconds, signals.received, memory)
    if reason and code == ExitCode.INTERRUPTED and not signals.received:
        return Ending("pruned", reason, seconds, False, memory)
    if signals.received or code == ExitCode.INTERRUPTED:
        return Ending("interrupted", "interrupted", seconds, signals.received, memory)
    output = log.read_bytes()[log_start:].decode(errors="replace")
    return _failure(code, output, seconds)._replace(peak_memory=memory)


def _watch(process: subprocess.Popen[bytes], watch: Callable[[], str | None]) -> str | None:
    """Wait until a process ends or is to end, and return why it is to end; None if it ended."""
    while True:
        has_ended = _has_ended(process)
        reason = watch()  # once more after the end: what watches may have seen nothing of it
        if has_ended:
            return None
        if reason:
            _interrupt(process)
            return reason
        time.sleep(_WATCH)


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """End a process as by Ctrl-C; one that has ended keeps its status, and with it its number."""
    if os.name == "nt":
        process.send_signal(signal.SIGINT)
    elif process.returncode is None:
        os.kill(process.pid, signal.SIGINT)  # send_signal would read the status


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has ended, and leave its status to be read."""
    if os.name == "nt":
        return process.poll() is not None
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None


def _wait(process: subprocess.Popen[bytes]) -> float | None:
    """Wait for the end of a process, and return the most memory that it had, in bytes."""
    if os.name == "nt":
        process.wait()
        return None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return peak_memory(usage)


def _failure(code: int, output: str, seconds: float) -> Ending:
    """Return the ending of a process that neither succeeded nor was interrupted."""
    reason = _last_words(output)
    if code < 0:  # the process was ended by a signal
        name = signal.Signals(-code).name
        if name in _FROM_OUTSIDE:
            return Ending("killed", f"killed by {name}", seconds)
        reason = f"{name}: {reason}"
    return Ending("failed", reason[:_LONGEST_REASON], seconds)


def _last_words(output: str) -> str:
    """Return the line that explains why a command ended: pinn's own message, else the last line."""
    message = last_line = ""
    for line in output.splitlines():
        line = line.strip()
        last_line = line or last_line
        if line.startswith("pinn: "):
            message = line.removeprefix("pinn: ")
    return message or last_line or "it ended without a word"


class _SignalForwarding:
    """Forwards Ctrl-C and requests to end to a process, as Ctrl-C.

    Attributes:
        received: whether a signal has come.
    """

    def __init__(self) -> None:
        self.received = False
        self._process: subprocess.Popen[bytes] | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _SignalForwarding:
        if threading.current_thread() is not threading.main_thread():
            return self  # Python lets only the main thread handle signals
        for name in _FORWARDED:
            number = getattr(signal, name, None)
            if number is None:  # Windows has no SIGHUP
                continue
            if name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN:
                continue  # under nohup
            self._previous[number] = signal.signal(number, self._forward)
        return self

    def forward_to(self, process: subprocess.Popen[bytes]) -> None:
        """Forward signals to this process, including one that has come already."""
        self._process = process
        if self.received:
            _interrupt(process)

    def _forward(self, *_: object) -> None:
        self.received = True
        if self._process is not None:
            _interrupt(self._process)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
