"""The exit codes of pinn's commands."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit code of a command says.

    Attributes:
        OK: everything went well.
        FAILED: a check or a job failed; with --strict, the answer of a run.
        BAD_INPUT: the input was wrong, and one line said so.
        DOUBTFUL: with --strict, the answer of a run is doubtful.
        INTERRUPTED: Ctrl-C, SIGTERM or SIGHUP, and the work is saved; 128 + SIGINT, as shells have
            it.
    """

    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    DOUBTFUL = 3
    INTERRUPTED = 130
