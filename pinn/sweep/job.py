"""A job of a sweep: one experiment with one seed, in a folder that records its progress.

    <folder>/lock                   held while a process works at the job
    <folder>/<n>/job.json           the n-th attempt: its settings, and its processes
    <folder>/<n>/log.txt            their output
    <folder>/<n>/<name>/<time>/     the run folder

Most jobs have one attempt: when a process is killed, the next one resumes its run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pinn.atomic import write_text_atomically
from pinn.record import Metrics, RunFolder
from pinn.sweep.lock import Busy, Lock, hold, wait_until_free
from pinn.sweep.process import PROGRAM, Ending, execute, quoted
from pinn.versions import cores, machine

_NOTES = "job.json"
_LOCK = "lock"


@dataclass(frozen=True)
class ProcessRecord:
    """A process that worked at an attempt.

    Attributes:
        command: the command of pinn: "run", "resume" or "plot".
        machine: the processor, its cores and the system, in words.
        cores: the number of cores that the process could use.
        state: how it ended (`Ending.state`); None while it works, or if it was killed together
            with its parent.
        reason: why it ended so, in one line; None like `state`.
        seconds: wall-clock seconds; None like `state`.
    """

    command: str
    machine: str
    cores: int
    state: str | None = None
    reason: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Attempt:
    """One pass through a job, in as many processes as it takes."""

    folder: Path

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration with which it began."""
        return self._notes["settings"]

    @property
    def processes(self) -> list[ProcessRecord]:
        """The processes that worked at it, oldest first."""
        return [ProcessRecord(**notes) for notes in self._notes["processes"]]

    @property
    def log(self) -> Path:
        """The file with the output of the processes."""
        return self.folder / "log.txt"

    @property
    def run(self) -> RunFolder | None:
        """The run folder that can be continued, or is finished."""
        runs = RunFolder.search(self.folder)
        return runs[-1] if runs else None

    @property
    def metrics(self) -> Metrics | None:
        """The metrics of the run, once it is finished."""
        run = self.run
        return None if run is None else run.finished_metrics()

    @property
    def picture(self) -> Path | None:
        """The picture of the solution, once it is drawn."""
        run = self.run
        if run is None or not run.solution_figure.is_file():
            return None
        return run.solution_figure

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do: the run is finished, and its pictures are drawn."""
        run = self.run
        return run is not None and run.complete

    @property
    def trouble(self) -> tuple[str, str] | None:
        """The state and the reason (one line) of the last process, if it did not end well."""
        processes = self.processes
        if not processes or self.complete:
            return None
        last = processes[-1]
        if last.state == "done":
            return "done", "its pictures are gone; the next `pinn reproduce` draws them"
        return last.state or "unfinished", last.reason or "at work, or killed"

    def add(self, process: ProcessRecord) -> None:
        """Record that a process has begun."""
        self.write(self.settings, [*self.processes, process])

    def replace_last(self, process: ProcessRecord) -> None:
        """Record how the last process has ended."""
        self.write(self.settings, [*self.processes[:-1], process])

    def write(self, settings: Mapping[str, Any], processes: Sequence[ProcessRecord]) -> None:
        """Write the notes of the attempt."""
        notes = {"settings": settings, "processes": [asdict(p) for p in processes]}
        text = json.dumps(notes, indent=1) + "\n"
        write_text_atomically(self.folder / _NOTES, text)

    @property
    def _notes(self) -> dict[str, Any]:
        return json.loads((self.folder / _NOTES).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Job:
    """An experiment with a seed.

    Attributes:
        experiment: its name in conf/experiment.
        seed: the seed.
        folder: the folder of its attempts.
        settings: the present configuration of the experiment.
        program: the program that runs pinn's commands.
        places: options that say where its configuration files are.
    """

    experiment: str
    seed: int
    folder: Path
    settings: Mapping[str, Any]
    program: Sequence[str] = PROGRAM
    places: Sequence[str] = ()

    @property
    def attempts(self) -> list[Attempt]:
        """All attempts, oldest first."""
        folders = [p.parent for p in self.folder.glob(f"*/{_NOTES}") if p.parent.name.isdigit()]
        return [Attempt(p) for p in sorted(folders, key=lambda p: int(p.name))]

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        attempts = self.attempts
        return attempts[-1] if attempts else None

    @property
    def result(self) -> Attempt | None:
        """The newest finished attempt with the present settings, else with earlier ones."""
        finished = [a for a in self.attempts if a.metrics is not None]
        current = [a for a in finished if a.settings == self.settings]
        candidates = current or finished
        return candidates[-1] if candidates else None

    @property
    def unfinished(self) -> bool:
        """Whether there is anything to do.

        A result with earlier settings counts as finished until a new attempt is asked for.
        """
        return self.last is None or not self.last.complete

    def renew(self) -> Attempt:
        """Begin a new attempt, and return it."""
        number = max((int(a.folder.name) for a in self.attempts), default=0)
        while True:
            number += 1
            attempt = Attempt(self.folder / str(number))
            try:
                attempt.folder.mkdir(parents=True)
            except FileExistsError:  # another process has begun one at the same time
                continue
            attempt.write(self.settings, [])
            return attempt

    def advance(self) -> Ending:
        """Do the rest of the job in a process of its own, and return how that ended.

        The ending's state may also be "busy" (another process works at the job) or "finished"
        (nothing was left to do).
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with hold(self.folder / _LOCK) as lock:
                if not self.unfinished:
                    return Ending("finished")
                return self._work(self._attempt(), lock)
        except Busy as busy:
            return Ending("busy", str(busy))

    def wait(self) -> None:
        """Wait until no process works at the job."""
        wait_until_free(self.folder / _LOCK)

    def _attempt(self) -> Attempt:
        """Return the attempt to continue; a new one if the last was begun with other settings."""
        attempt = self.last
        if attempt is None:
            return self.renew()
        outdated = attempt.metrics is None and attempt.settings != self.settings
        return self.renew() if outdated else attempt

    def _work(self, attempt: Attempt, lock: Lock) -> Ending:
        """Do the rest of an attempt in a process, record it, and return how it ended."""
        arguments = self._arguments(attempt)
        process = ProcessRecord(arguments[0], machine(), cores())
        attempt.add(process)
        ending = execute(self.program, arguments, log=attempt.log, lock=lock)
        if ending.state == "done" and not attempt.complete:
            reason = "it ended well, but left no metrics or pictures"
            ending = ending._replace(state="failed", reason=reason)
        attempt.replace_last(
            replace(process, state=ending.state, reason=ending.reason, seconds=ending.seconds)
        )
        return ending

    def _arguments(self, attempt: Attempt) -> list[str]:
        """Return the command that does the rest of an attempt."""
        if attempt.run is not None:
            command = "resume" if attempt.metrics is None else "plot"
            return [command, str(attempt.run.path)]
        output = quoted(str(attempt.folder))
        overrides = [f"experiment={self.experiment}", f"seed={self.seed}", f"output={output}"]
        return ["run", *self.places, *overrides]
