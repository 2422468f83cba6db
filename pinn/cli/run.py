"""`pinn run`, `check`, `resume` and `plot`: from Hydra's configuration to a solved problem."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pinn.cli.arguments import Line, announced, parse, parser
from pinn.cli.compose import (
    PRIMARY,
    check_experiment,
    compose,
    composed,
    one_line,
    resolved,
    session,
)
from pinn.cli.quiet import quiet
from pinn.conf_folders import ConfFolder, conf_folder
from pinn.errors import InputError
from pinn.exit_codes import ExitCode
from pinn.reporting.published import check_published
from pinn.sweep.launch import full_errors
from pinn.sweep.process import PROGRAM, quoted

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from pinn.run.solution import Solution
    from pinn.setup import Setup

__all__ = ["check", "compose", "plot", "resume", "run"]

_SHOWING = ("help", "hydra_help", "cfg", "resolve", "info", "shell_completion")
"""Options of Hydra that show something and run nothing."""

_OF_THE_SWEEP = re.compile(r"hydra[./](mode|sweep|sweeper|launcher|run|job\.config)\b")
"""Settings of Hydra for a sweep as a whole, which its runs do not get."""


def run(argv: Sequence[str]) -> int:
    """Run what Hydra's command line describes, or sweep over it, and return the exit code.

    A file or a module that defines the problem (`problem.py`, `problem.py:Name`, `module:Name`),
    and a file of an experiment (`mine.yaml`), may be among the overrides.
    """
    try:
        line = parse("run", argv)
    except SystemExit as end:  # after --version
        return int(end.code or 0)
    if line.experimental_rerun:
        raise InputError(
            f"--experimental-rerun {line.experimental_rerun}: runs are not pickled; continue one "
            "by `pinn resume FOLDER`, or repeat it by `pinn run --config-path FOLDER`."
        )
    with line.folders() as folders, _restored_logging():
        if any(getattr(line, option) for option in _SHOWING):
            return _by_hydra(line, folders)
        with session(folders, line.overrides, line.config_path):
            if not line.multirun and not _is_sweep(line):
                config = composed(line.overrides, folders, line.config_name)
                _announce(folders)
                return _job(config, line)
        _announce(folders)
        return _sweep(line, folders)


def check(argv: Sequence[str]) -> int:
    """Show what is known of the problem that a command line describes, and return the exit code.

    The arguments are those of `run`, without the options that show or sweep, and with --picture.
    """
    line = parse("check", argv)
    for option in (*_SHOWING, "multirun", "experimental_rerun"):
        if getattr(line, option):
            name = option.replace("_", "-")
            raise InputError(f"check: --{name} is an option of `pinn run`; leave it out.")
    with line.folders() as folders:
        with session(folders, line.overrides, line.config_path):
            config, _ = resolved(composed(line.overrides, folders, line.config_name))
        _announce(folders)
        check_published(config.get("published"))
        with quiet():
            from pinn.checking import check_setup

        report = check_setup(_setup(config), picture=line.picture)
    Console().print("\n".join(report.lines()), highlight=False, markup=False, soft_wrap=True)
    return ExitCode.OK


def _announce(folders: Sequence[ConfFolder], file: Any = None) -> None:
    """Print which configuration of the user's own is in use."""
    text = announced(folders)
    if text:
        print(text, file=file or sys.stdout, flush=True)


def _is_sweep(line: Line) -> bool:
    """Return whether hydra.mode asks for a sweep, within a `session`."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    hydra: Any = GlobalHydra.instance().hydra
    # Hydra returns None where there is no mode, or an error, which composing tells.
    return hydra.get_mode(line.config_name or PRIMARY, line.overrides) == RunMode.MULTIRUN


def _by_hydra(
    line: Line, folders: Sequence[ConfFolder], task: Callable[[Any], None] | None = None
) -> int:
    """Have Hydra do what its options say, and return the exit code.

    Args:
        line: the command line.
        folders: the folders of configuration files.
        task: what is called for each run of a sweep, or None where nothing runs.
    """
    from hydra import version
    from hydra._internal.utils import _run_hydra

    from pinn.cli.hydra_plugins import search_path

    version.setbase("1.3")
    check_experiment(line.overrides, folders)
    line.config_dir = None  # it is among the folders
    if line.hydra_help:  # composed without the primary configuration, so its keys are unknown
        silent = ["hydra/hydra_logging=none", "hydra/job_logging=none"]
        line.overrides = [*silent, *(o for o in line.overrides if o.startswith("hydra"))]
    errors = sys.stderr if task else io.StringIO()
    try:
        with (
            one_line(folders, line.overrides),
            search_path(folders),
            full_errors(),
            contextlib.redirect_stderr(errors),
        ):
            _run_hydra(
                args=line,
                args_parser=parser("run"),
                task_function=task or _nothing,
                config_path=line.config_path or str(conf_folder()),
                config_name=PRIMARY,
            )
    except SystemExit as end:
        if end.code:
            assert isinstance(errors, io.StringIO)
            raise InputError(f"run: {errors.getvalue()}; see `pinn run --help`.") from None
    if task is None:
        _announce(folders, sys.stderr)
    return ExitCode.OK


def _nothing(_: Any) -> None:
    """Do nothing, where Hydra wants a function."""


def _job(config: DictConfig, line: Line) -> int:
    """Run what a configuration describes as a job of Hydra's, and return the exit code.

    This is `Hydra.run`, but for the folder, which no two runs may share.
    """
    from hydra._internal.callbacks import Callbacks
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.utils import run_job
    from hydra.types import HydraContext, RunMode

    hydra: Any = GlobalHydra.instance().hydra
    name = line.config_name or PRIMARY
    outcome: list[int | Exception] = []

    with _new_folder(config) as folder:

        def task(values: DictConfig) -> None:
            try:
                outcome.append(_solve(resolved(values)[0], folder))
            except Exception as error:  # Hydra would print more about it
                outcome.append(error)

        _log(config, line)
        config.hydra.run.dir = str(folder)
        config.hydra.mode = RunMode.RUN
        callbacks = Callbacks(config)
        callbacks.on_run_start(config=config, config_name=name)
        done = run_job(
            task_function=task,
            config=config,
            job_dir_key="hydra.run.dir",
            job_subdir_key=None,
            hydra_context=HydraContext(config_loader=hydra.config_loader, callbacks=callbacks),
        )
        callbacks.on_run_end(config=config, config_name=name, job_return=done)
        result = outcome[0]
        if isinstance(result, Exception):
            raise result
    return result


def _log(config: DictConfig, line: Line) -> None:
    """Show the log that hydra.verbose asks for; the files of configuration ask for none."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.utils import simple_stdout_log_config
    from hydra.types import RunMode

    if config.hydra.verbose is False:
        return
    simple_stdout_log_config()
    hydra: Any = GlobalHydra.instance().hydra
    name = line.config_name or PRIMARY
    hydra.compose_config(name, line.overrides, RunMode.RUN, with_log_configuration=True)


@contextlib.contextmanager
def _restored_logging() -> Iterator[None]:
    """Leave the log of a host program as it was; Hydra adds handlers to it."""
    root = logging.getLogger()
    level = root.level
    handlers = list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


def _setup(config: Mapping[str, Any]) -> Setup:
    """Return the setup of a configuration, on the device that it names."""
    with quiet():
        from pinn.runtime import configure
        from pinn.setup import config as configuration

    configuration.check_keys(config)
    configure(device=config.get("device", "auto"))
    return configuration.setup(config)


def _solve(config: dict[str, Any], folder: Path) -> int:
    """Solve the problem of a configuration, show the result, and return the exit code."""
    check_published(config.get("published"))
    with quiet():  # TensorFlow is loaded only once Hydra has found no fault with the configuration
        from pinn.run import execute

    setup = _setup(config)
    # Settings that the setup does not hold, but the run's config.yaml does.
    more_settings = {"network": config.get("network"), "device": config.get("device", "auto")}
    return _show(execute(setup, folder=folder, config=more_settings))


def resume(folder: str, overrides: Sequence[str] = ()) -> int:
    """Continue a run from its last checkpoint, and return the exit code.

    Overrides, such as a larger budget, reopen its last phase.
    """
    with quiet():
        from pinn.run import resume as resume_run

    return _show(resume_run(folder, overrides=overrides))


def plot(folder: str) -> int:
    """Draw a run's figures again from its folder."""
    with quiet():
        from pinn.run import load

    for path in load(folder).save_figures():
        print(path)
    return ExitCode.OK


@contextlib.contextmanager
def _new_folder(config: DictConfig) -> Iterator[Path]:
    """Make the folder of a run; remove it and its new parents if it stays empty."""
    from omegaconf import OmegaConf

    output = config.get("output")
    pattern = str(OmegaConf.to_container(config.hydra.run, resolve=False)["dir"])  # type: ignore
    where = "hydra.run.dir"
    if "${output}" in pattern:
        if not isinstance(output, str) or not output:
            raise InputError(f"output={output!r}; give the path of a folder.")
        where = "output"
    path = Path(str(config.hydra.run.dir))
    if config.hydra.job.chdir:
        path = path.absolute()
    new_folders = [p for p in (path, *path.parents) if not p.exists()]
    # A folder that is named by the time gets a number where two runs begin in one second.
    is_numbered = "${now:" in pattern
    name = f"{where}={output if where == 'output' else path}"
    try:
        made = _make_folder(path, is_numbered, name)
        if made != path:
            new_folders.insert(0, made)
        yield made
    finally:
        for folder in new_folders:
            with contextlib.suppress(OSError):  # it is not empty
                folder.rmdir()


def _make_folder(path: Path, is_numbered: bool, where: str) -> Path:
    """Make a folder, and return it; a numbered one is one that no other run has."""
    for number in range(1000):
        folder = path if number == 0 else path.with_name(f"{path.name}_{number}")
        try:
            folder.mkdir(parents=True, exist_ok=not is_numbered)
        except (FileExistsError, NotADirectoryError):
            if not folder.is_dir():
                raise InputError(
                    f"{where}: is a file, or holds one named as a folder; name a folder."
                ) from None
            continue
        except OSError as error:
            raise InputError(
                f"{where}: cannot be written ({error.strerror}); set {where.partition('=')[0]} to "
                "a writable folder."
            ) from None
        return folder
    raise InputError(f"{where}: a thousand runs in one second; wait a moment.")


class _JobFailed(Exception):
    """A job of a sweep failed; the text is its overrides."""


def _sweep(line: Line, folders: Sequence[ConfFolder]) -> int:
    """Run every job of Hydra's multirun in a process of its own.

    Memory, precision and seeds belong to a process.
    """
    from hydra.core.hydra_config import HydraConfig

    failed: list[str] = []
    line.multirun = True
    line.overrides += _names_of_jobs(line.overrides)
    more = line.for_another_process()

    def job(_: Any) -> None:
        hydra = HydraConfig.get()
        overrides = [
            *hydra.overrides.task,
            *(override for override in hydra.overrides.hydra if not _OF_THE_SWEEP.search(override)),
        ]
        text = " ".join(overrides)
        print(f"pinn run {text}", flush=True)
        folder = Path(hydra.runtime.output_dir)
        command = [*PROGRAM, "run", *more, *overrides, f"hydra.run.dir={quoted(str(folder))}"]
        if subprocess.run(command, check=False, cwd=hydra.runtime.cwd).returncode != ExitCode.OK:
            with contextlib.suppress(OSError):  # it is not empty
                folder.rmdir()
            failed.append(text)
            # For launchers that call this in another process; Hydra raises it after the last job.
            raise _JobFailed(text)

    try:
        return _by_hydra(line, folders, job)
    except _JobFailed as error:
        for text in failed or [str(error)]:
            print(f"pinn: failed: pinn run {text}", file=sys.stderr)
        return ExitCode.FAILED


def _names_of_jobs(overrides: Sequence[str]) -> list[str]:
    """Return the setting by which the folder of a job is named by what differs from job to job."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    if any("override_dirname.exclude_keys" in override for override in overrides):
        return []
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    same = [o.key_or_group for o in parsed if not o.is_sweep_override() and o.key_or_group]
    keys = ",".join(dict.fromkeys(f"'{key}'" for key in same if not key.startswith("hydra")))
    return [f"hydra.job.config.override_dirname.exclude_keys=[{keys}]"]


def _show(solution: Solution) -> int:
    """Show the summary of a run, and return the exit code."""
    from pinn.record import Metrics
    from pinn.reporting.summary import summary

    console = Console()
    metrics = Metrics.from_json(solution.metrics)
    console.print(summary(metrics, solution.folder))
    if not metrics.finished:
        console.print(f"continue with: pinn resume {solution.folder}", highlight=False)
        return ExitCode.INTERRUPTED
    return ExitCode.OK
