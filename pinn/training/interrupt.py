"""Ctrl-C, and what systems send to end a process, as a request that a run answers in order."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from pinn.training.stopping import StopReason, interrupted

SIGNALS = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}
"""The signals that ask a run to end, and what people call them; Windows has no SIGHUP."""


class Interrupt:
    """Turns the first signal into a request, and ends the process at the second one.

    A signal that the process was told to ignore, as SIGHUP by nohup, stays ignored, but for Ctrl-C:
    shells let their background jobs ignore it, and sweeps end runs by it.

    Attributes:
        reason: why the run is to end; None before.
    """

    def __init__(self) -> None:
        self.reason: StopReason | None = None

    def __enter__(self) -> Interrupt:
        self._previous: dict[int, Any] = {}
        if threading.current_thread() is not threading.main_thread():
            return self
        for name in SIGNALS:
            number = getattr(signal, name, None)
            if number is None:
                continue
            if name == "SIGINT" or signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._ask)
        return self

    def _ask(self, number: int, _: FrameType | None) -> None:
        if self.reason:
            raise KeyboardInterrupt
        self.reason = interrupted(SIGNALS[signal.Signals(number).name])

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
