"""A job of a sweep: one experiment with one seed, and a folder that tells how far it is.

    <folder>/lock                   held while a process works at the job
    <folder>/<n>/job.json           the n-th attempt: its settings, and the processes that worked at it
    <folder>/<n>/log.txt            what they printed
    <folder>/<n>/<name>/<time>/     the run folder

Most jobs have one attempt: a process that was killed is followed by one that resumes its run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pinn.atomic import claim, write_atomically
from pinn.sweep.lock import Busy, hold
from pinn.sweep.process import PROGRAM, Ending, execute
from pinn.versions import machine


@dataclass(frozen=True)
class Attempt:
    """One way through a job, in as many processes as it takes."""

    folder: Path

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration that it was begun with."""
        return self._notes["settings"]

    @property
    def pieces(self) -> list[dict[str, Any]]:
        """The processes that worked at it: command, machine, and (None if it was killed with its parent) ending."""
        return self._notes["pieces"]

    @property
    def run(self) -> Path | None:
        """The run folder that can be gone on with, or is finished."""
        found = [p.parent for p in self.folder.glob("*/*/checkpoint.npz")]
        return max(found, key=lambda p: p.name, default=None)

    @property
    def metrics(self) -> dict[str, Any] | None:
        """What the run has found, once its metrics.json says that it is finished."""
        try:
            found = (
                json.loads((self.run / "metrics.json").read_text(encoding="utf-8"))
                if self.run
                else None
            )
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("finished") else None

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do: the run is finished, and its pictures are drawn."""
        return (
            self.metrics is not None
            and self.run is not None
            and (self.run / "figures" / "solution.png").is_file()
        )

    @property
    def trouble(self) -> tuple[str, str] | None:
        """How the last process ended, if not well: state and reason in one line."""
        if not self.pieces or self.complete:
            return None
        last = self.pieces[-1]
        if last["state"] == "done":
            return "done", "its pictures are gone; the next `pinn reproduce` draws them"
        return last["state"] or "unfinished", last["reason"] or "at work, or killed"

    def note(self, piece: Mapping[str, Any], *, instead: bool = False) -> None:
        """Add a process to the notes, or put it in place of the last one."""
        pieces = self.pieces[:-1] if instead else self.pieces
        _write(self.folder, {"settings": self.settings, "pieces": [*pieces, piece]})

    @property
    def _notes(self) -> dict[str, Any]:
        return json.loads((self.folder / "job.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Job:
    """An experiment with a seed.

    Attributes:
        experiment: its name in conf/experiment.
        seed: the seed.
        folder: where it keeps its attempts.
        settings: the experiment's configuration as it is now.
        program: what runs pinn's commands.
    """

    experiment: str
    seed: int
    folder: Path
    settings: Mapping[str, Any]
    program: Sequence[str] = PROGRAM

    @property
    def attempts(self) -> list[Attempt]:
        """All attempts, oldest first."""
        found = [p.parent for p in self.folder.glob("*/job.json") if p.parent.name.isdigit()]
        return [Attempt(p) for p in sorted(found, key=lambda p: int(p.name))]

    @property
    def result(self) -> Attempt | None:
        """The newest finished attempt: of the settings as they are now, else of earlier ones."""
        finished = [a for a in self.attempts if a.metrics is not None]
        now = [a for a in finished if a.settings == self.settings]
        return (now or finished or [None])[-1]

    @property
    def left(self) -> bool:
        """Whether there is anything to do.  A result of earlier settings stands until it is asked for anew."""
        attempts = self.attempts
        return not attempts or not attempts[-1].complete

    def renew(self) -> Attempt:
        """Begin a new attempt, and return it."""
        number = max((int(a.folder.name) for a in self.attempts), default=0)
        while True:
            number += 1
            folder = self.folder / str(number)
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            _write(folder, {"settings": self.settings, "pieces": []})
            return Attempt(folder)

    def advance(self) -> Ending:
        """Do what is left of the job in a process of its own, and return how that ended.

        The ending's state may also be "busy" (another process works at it) or "finished" (nothing
        was left).
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with hold(self.folder / "lock") as lock:
                if not self.left:
                    return Ending("finished")
                attempt = (self.attempts or [None])[-1]
                if attempt is None or (
                    attempt.metrics is None and attempt.settings != self.settings
                ):
                    attempt = self.renew()
                arguments = self._arguments(attempt)
                piece: dict[str, Any] = {"command": arguments[0], "machine": machine()}
                attempt.note({**piece, "state": None, "reason": None, "seconds": None})
                ending = execute(self.program, arguments, log=attempt.folder / "log.txt", lock=lock)
                if ending.state == "done" and not attempt.complete:
                    ending = ending._replace(
                        state="failed", reason="it ended well, but left no metrics or pictures"
                    )
                attempt.note(
                    {
                        **piece,
                        "state": ending.state,
                        "reason": ending.reason,
                        "seconds": ending.seconds,
                    },
                    instead=True,
                )
                return ending
        except Busy as busy:
            return Ending("busy", str(busy))

    def wait(self) -> None:
        """Wait until no process works at the job."""
        if (self.folder / "lock").exists():
            with open(self.folder / "lock", "rb") as file:
                claim(file.fileno(), wait=True)

    def _arguments(self, attempt: Attempt) -> list[str]:
        """Return the command that does what is left of an attempt."""
        if attempt.run is not None:
            return ["plot" if attempt.metrics is not None else "resume", str(attempt.run)]
        output = str(attempt.folder).replace("\\", "\\\\").replace("'", "\\'")
        return ["run", f"experiment={self.experiment}", f"seed={self.seed}", f"output='{output}'"]


def _write(folder: Path, notes: Mapping[str, Any]) -> None:
    text = json.dumps(notes, indent=1) + "\n"
    write_atomically(folder / "job.json", lambda file: file.write(text.encode()))
