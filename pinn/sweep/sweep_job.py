"""A run of a sweep, carried out in a process of its own and recorded in `sweep.json`.

<sweep>/<folder>/           the run folder
<sweep>/<folder>/log.txt    the output of its processes
<sweep>/<folder>/.lock      held while a process works at the run
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pinn.errors import InputError
from pinn.record import RunFolder, Sweep, SweepFolder, SweepRun
from pinn.sweep.lock import Busy, hold, hold_folder, wait_until_free
from pinn.sweep.process import PROGRAM, Ending, execute, quoted

_LOCK = ".lock"
_LOG = "log.txt"


@dataclass(frozen=True)
class SweepJob:
    """A run of a sweep that is to be carried out.

    Attributes:
        folder: the folder of the sweep.
        sweep: the sweep, as it is recorded with its first run.
        run: the run, before it begins.
        places: options that say where its configuration files are.
        program: the program that runs pinn's commands.
        watch: a function of no arguments that says why the run should end, or None; it is called
            again and again while the run goes.
    """

    folder: SweepFolder
    sweep: Sweep
    run: SweepRun
    places: Sequence[str] = ()
    program: Sequence[str] = PROGRAM
    watch: Callable[[], str | None] | None = None

    @property
    def record(self) -> RunFolder:
        """The folder of the run."""
        return self.folder.run(self.run)

    @property
    def log(self) -> Path:
        """The file with the output of its processes."""
        return self.record.path / _LOG

    def advance(self) -> tuple[SweepRun, Ending]:
        """Do the rest of the run in a process, and return the run and how the process ended.

        A run that is complete is left alone.  The ending's state is "busy" where another process
        works at the run.

        Raises:
            InputError: if its folder holds another run.
        """
        self.record.path.mkdir(parents=True, exist_ok=True)
        try:
            with hold(self.record.path / _LOCK) as lock:
                self._check_folder()
                arguments = self._arguments()
                ending = Ending("done")
                if arguments:
                    _write(self.folder, self.sweep, self.run)
                    working_folder = Path(self.sweep.working_folder)
                    ending = execute(
                        self.program,
                        arguments,
                        log=self.log,
                        lock=lock,
                        working_folder=working_folder,
                        watch=self.watch,
                    )
                ended = self._ended(ending)
                _write(self.folder, self.sweep, ended)
                return ended, ending
        except Busy as busy:
            return self.run, Ending("busy", str(busy))

    def _check_folder(self) -> None:
        """Raise an InputError if the folder of the run holds another one, or one of no sweep."""
        owner = _present(self.folder, self.sweep).in_folder(self.run.folder)
        is_own = owner is not None and owner.arguments == self.run.arguments
        if not is_own and (owner is not None or self.record.begun):
            raise InputError(
                f"{self.record.path}: holds another run; name another hydra.sweep.dir, or let "
                "hydra.sweep.subdir contain what differs, as in ${hydra.job.num}."
            )

    def _arguments(self) -> list[str]:
        """Return the command that does the rest of the run; none where nothing is left to do."""
        path = str(self.record.path)
        if self.record.complete:
            return []
        if self.record.finished_metrics() is not None:
            return ["plot", path]
        if self.record.begun:
            return ["resume", path]
        # A file of the configuration may ask for sweeps, and this is one run.
        own = ["hydra.mode=RUN", f"hydra.run.dir={quoted(path)}"]
        return ["run", *self.places, *self.run.arguments, *own]

    def _ended(self, ending: Ending) -> SweepRun:
        """Return the run after a process has ended."""
        peak = max(self.run.peak_memory or 0.0, ending.peak_memory or 0.0)
        run = replace(self.run, peak_memory=peak or None, seconds=ending.seconds)
        return _judged(self.folder, run, ending)


def settle(folder: SweepFolder, *, wait: bool = True) -> None:
    """Record how those runs ended whose processes lost the process that started them.

    Args:
        folder: the folder of the sweep.
        wait: whether to wait for those at work; else they are left as they are.
    """
    sweep = folder.read()
    for run in sweep.runs:
        if run.state != "running":
            continue
        lock = folder.run(run).path / _LOCK
        if wait:
            wait_until_free(lock)
        try:
            with hold(lock):
                _write(folder, sweep, _judged(folder, run, Ending("interrupted")))
        except Busy:
            continue


def _judged(folder: SweepFolder, run: SweepRun, ending: Ending) -> SweepRun:
    """Return a run with its results, and the state that they and the end of a process leave."""
    record = folder.run(run)
    state = ending.state
    reason = ending.reason
    if record.complete:
        state = "done"
        reason = ""
    elif state == "done":
        state = "failed"
        reason = "it ended well, but left no metrics or pictures"
    judged = replace(run, state=state, reason="" if reason == state else reason)
    if state == "pruned":  # as far as it came; its metrics say that the user interrupted it
        metrics = record.read_metrics()
        return judged if metrics is None else replace(judged.with_result(metrics), stop_reason=None)
    metrics = record.finished_metrics()
    return judged if metrics is None else judged.with_result(metrics)


def _write(folder: SweepFolder, sweep: Sweep, run: SweepRun) -> None:
    """Record a run of a sweep; other processes may do so at the same time."""
    with hold_folder(folder.path):
        folder.write(_present(folder, sweep).with_run(run))


def _present(folder: SweepFolder, sweep: Sweep) -> Sweep:
    """Return a sweep with the runs that have begun since."""
    return folder.read() if folder.data.exists() else sweep
