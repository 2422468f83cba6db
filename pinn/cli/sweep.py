"""Sweeps of `pinn run --multirun`: run, resumed, shown; Hydra says which runs there are."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pinn.cli.arguments import Line, parse
from pinn.cli.by_hydra import announce, by_hydra, restored_logging
from pinn.cli.compose import PRIMARY, check_code, session
from pinn.cli.new_folders import new_folder
from pinn.cli.overrides import constant_keys, names_of_jobs, parsed
from pinn.conf_folders import ConfFolder
from pinn.errors import InputError
from pinn.exit_codes import ExitCode
from pinn.record import RunFolder, Setting, Sweep, SweepFolder, SweepRun
from pinn.record.sweep import AUTO, check_objective
from pinn.reporting.sweep import ended_line, progress_line, sweep_table
from pinn.reporting.tables import wide_console
from pinn.sweep import Outcome, SweepJob, settle
from pinn.sweep.process import PROGRAM, quoted
from pinn.trust import is_remembered, remember

if TYPE_CHECKING:
    from omegaconf import DictConfig

_OF_THE_SWEEP = re.compile(r"hydra[./](mode|sweep|sweeper|launcher|run|job\.config)\b")
"""Settings of Hydra for a sweep as a whole, which its runs do not get."""

_OWN_FOLDER = re.compile(r"\+{0,2}hydra\.sweep\.dir=")
_REFRESH = 1.0  # per second, of the live line


def sweep(line: Line, folders: Sequence[ConfFolder], argv: Sequence[str]) -> int:
    """Run every job of Hydra's multirun in a process of its own, and return the exit code.

    Memory, precision and seeds belong to a process.

    Args:
        line: the command line.
        folders: the folders of configuration files.
        argv: the command line as it was given, by which the sweep can be resumed.

    Raises:
        InputError: for what Hydra refuses, or a folder that holds a sweep already.
    """
    with session(folders, line.overrides, line.config_path):
        config = _config(line)
    with new_folder(config, "sweep") as path:
        folder = SweepFolder(path.absolute())
        _check_folders(path, folder, config)
        begun = _new_sweep(line, config, argv)
        _remember(folder, begun)
        try:
            return _sweep(line, folders, folder, begun, config)
        finally:
            if not folder.data.exists():  # no run has begun
                folder.multirun.unlink(missing_ok=True)


def resume_sweep(path: Path, *, trust: bool = False) -> int:
    """Do the rest of a sweep, and return the exit code.

    Unfinished and failed runs go on from their last checkpoint, runs that have not begun are
    started, and finished ones are left alone.

    Args:
        path: the folder of the sweep.
        trust: whether its command line may be called though it was not called here.

    Raises:
        InputError: for a folder whose sweep cannot be read, was called in a folder that is gone, or
            was not called here.
    """
    folder = SweepFolder(path.absolute())
    begun = folder.read()
    if not Path(begun.working_folder).is_dir():
        raise InputError(
            f"{folder.data}: the sweep was called in {begun.working_folder}, which is gone; "
            "restore that folder, or correct working_folder."
        )
    if trust:
        _remember(folder, begun)
        for run in begun.runs:
            for file in folder.run(run).code.rglob("*.py"):
                remember(file.read_bytes(), file)
    elif not is_remembered(_command(begun)):
        raise InputError(
            f"{path}: has not been begun here, and its sweep.json says which command is called "
            f"(pinn run {' '.join(begun.arguments)}); read it, and give --trust if it may be."
        )
    with contextlib.chdir(begun.working_folder):
        line = parse("run", begun.arguments)
        if not trust:
            _check_unchanged(folder, begun, line)
        with line.folders() as folders, restored_logging():
            with session(folders, line.overrides, line.config_path):
                config = _config(line)
            announce(folders)
            return _sweep(line, folders, folder, begun, config)


def plot_sweep(path: Path) -> int:
    """Draw the pictures of a sweep again from its runs, and return the exit code."""
    folder = SweepFolder(path)
    files = _save_figures(folder, folder.read())
    if not files:
        raise InputError(f"{path}: no run of this sweep is finished; `pinn resume {path}`.")
    for file in files:
        print(file)
    return ExitCode.OK


def _save_figures(folder: SweepFolder, recorded: Sweep) -> list[Path]:
    from pinn.reporting.sweep_figures import save_sweep_figures  # loads Matplotlib

    shares: dict[str, float] = {}
    if recorded.searched:
        from pinn.sweep.search import importances

        shares = importances(parsed(recorded.searched), recorded)
    return save_sweep_figures(folder, recorded, shares)


def _new_sweep(line: Line, config: DictConfig, argv: Sequence[str]) -> Sweep:
    """Return the sweep that a command line describes, before its first run."""
    from pinn.cli.search import searched_settings

    return Sweep(
        list(argv),
        os.getcwd(),
        objective=check_objective(config.get("objective", AUTO)),
        searched=searched_settings(config, line.overrides),
    )


def _remember(folder: SweepFolder, begun: Sweep) -> None:
    """Note that the user has called the command line of a sweep."""
    remember(_command(begun), folder.path)


def _check_unchanged(folder: SweepFolder, begun: Sweep, line: Line) -> None:
    """Raise an InputError if a Python file of the line is not what its runs were made with."""
    named = re.findall(r"_target_='?([^':]+\.py)", " ".join(line.overrides))
    for run in begun.runs:
        for file in map(Path, named):
            copy = folder.run(run).code / file.name
            if copy.is_file() and file.is_file() and copy.read_bytes() != file.read_bytes():
                raise InputError(
                    f"{file}: is not what the runs were made with, which is {copy}; restore it, "
                    "or give --trust to go on with it as it is."
                )


def _command(begun: Sweep) -> bytes:
    """Return the command line of a sweep and its working folder, as they are remembered."""
    return json.dumps([begun.arguments, begun.working_folder]).encode()


def _config(line: Line) -> DictConfig:
    """Return the configuration of a sweep, its own node of Hydra included, within a `session`."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    hydra: Any = GlobalHydra.instance().hydra
    config = hydra.compose_config(line.config_name or PRIMARY, line.overrides, RunMode.MULTIRUN)
    check_code(config, line.overrides)
    return config


def _check_folders(path: Path, folder: SweepFolder, config: DictConfig) -> None:
    """Raise an InputError if the folder of a new sweep is in use, or all runs would share one."""
    from omegaconf import OmegaConf

    if folder.data.exists():
        raise InputError(
            f"hydra.sweep.dir={path}: holds a sweep already; name another folder, or "
            f"`pinn resume {path}`."
        )
    for entry in folder.path.iterdir():
        if RunFolder(entry).begun:
            raise InputError(
                f"hydra.sweep.dir={path}: holds runs of no recorded sweep; name another folder."
            )
    values: Any = OmegaConf.to_container(config.hydra.sweep, resolve=False)
    if "${" not in values["subdir"]:
        raise InputError(
            f"hydra.sweep.subdir={values['subdir']}: all runs would share one folder; let it "
            "contain what differs, as in ${hydra.job.num}."
        )


def _sweep(
    line: Line,
    folders: Sequence[ConfFolder],
    folder: SweepFolder,
    begun: Sweep,
    config: DictConfig,
) -> int:
    """Do what is left to do of a sweep, show its table, and return the exit code."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    launcher = str(config.hydra.launcher._target_)
    line.multirun = True
    line.overrides = [o for o in line.overrides if not _OWN_FOLDER.match(o)]
    work = _work(line, folder, begun, is_alone=launcher.endswith("BasicLauncher"))
    line.overrides += [
        *names_of_jobs(line.overrides),
        f"hydra.sweep.dir={quoted(str(folder.path))}",
    ]
    try:
        by_hydra(line, folders, work)
    except KeyboardInterrupt:
        if folder.data.exists():
            if "slurm" not in launcher.lower():
                settle(folder)
            wide_console().print(sweep_table(folder.read()))
            console.print(f"continue with: pinn resume {folder.path}")
        return ExitCode.INTERRUPTED
    settle(folder, wait=False)  # a run may have ended that outlived an earlier `pinn run -m`
    recorded = folder.read()
    _save_figures(folder, recorded)
    wide_console().print(sweep_table(recorded))
    console.print(str(folder.path))
    is_well = all(run.state in ("done", "pruned") for run in recorded.runs)
    return ExitCode.OK if is_well else ExitCode.FAILED


def _work(
    line: Line, folder: SweepFolder, begun: Sweep, *, is_alone: bool
) -> Callable[[DictConfig], Outcome]:
    """Return the function that Hydra calls for every run, perhaps in another process.

    Args:
        line: the command line of the sweep.
        folder: the folder of the sweep.
        begun: the sweep, with the runs that have begun.
        is_alone: whether one run goes at a time, so that the terminal has a line for it.
    """
    constant = constant_keys(line.overrides)
    places = line.for_another_process()
    program = PROGRAM
    from pinn.cli.search import outcome_of, watch_of

    def work(config: DictConfig) -> Outcome:
        run = _run(config, folder, begun, constant)
        job = SweepJob(folder, begun, run, places, program, watch_of(run, folder, begun))
        console = Console(highlight=False, markup=False, soft_wrap=True)
        with _shown(job, console, is_alone=is_alone):
            ended, ending = job.advance()
        if ending.state == "busy":
            console.print(f"✗ {ended.folder} busy: {ending.reason}", style="yellow")
        else:
            console.print(ended_line(ended, job.log))
        if ending.stop:
            raise KeyboardInterrupt  # so that the launcher, which has other jobs, stops too
        return outcome_of(ended, ending, begun)

    return work


@contextlib.contextmanager
def _shown(job: SweepJob, console: Console, *, is_alone: bool) -> Iterator[None]:
    """Show a live line while a run goes; elsewhere than on a terminal, a line when it begins."""
    if not (is_alone and console.is_terminal):
        console.print(job.run.folder, style="dim")
        yield
        return

    begin = time.monotonic()

    def line() -> Text:
        text = progress_line(job.run, job.record)
        return Text(f"{text}  {time.monotonic() - begin:.0f} s")

    sys.stdout.flush()
    with Live(get_renderable=line, console=console, refresh_per_second=_REFRESH, transient=True):
        yield


def _run(
    config: DictConfig, folder: SweepFolder, begun: Sweep, constant: Sequence[str]
) -> SweepRun:
    """Return the run of the sweep that Hydra calls for: a new one, or one that has begun."""
    from hydra.core.hydra_config import HydraConfig

    hydra: Any = HydraConfig.get()
    arguments = list(hydra.overrides.task)
    for override in hydra.overrides.hydra:
        if not _OF_THE_SWEEP.search(override):
            arguments.append(override)
    swept: dict[str, Setting] = {}
    for override in parsed(hydra.overrides.task):
        key = override.get_key_element().lstrip("+")
        if key not in constant:
            swept[key] = _setting(override.value())
    run = SweepRun(
        number=int(hydra.job.num),
        folder=os.path.relpath(hydra.runtime.output_dir, folder.path),
        arguments=arguments,
        swept=swept,
        seed=config.get("seed"),
    )
    known = begun.find(arguments)
    if known is None:
        return run
    return replace(run, folder=known.folder, peak_memory=known.peak_memory)


def _setting(value: object) -> Setting:
    """Return the value of an override as a plain value; lists and mappings as text."""
    return value if isinstance(value, (bool, int, float, type(None))) else str(value)
