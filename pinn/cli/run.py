"""Commands on one run or sweep: from Hydra's configuration to a solved problem, and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pinn.cli.arguments import Line, parse
from pinn.cli.by_hydra import announce, by_hydra, restored_logging
from pinn.cli.compose import PRIMARY, compose, composed, one_line, resolved, session
from pinn.cli.new_folders import new_folder
from pinn.cli.quiet import quiet
from pinn.cli.sweep import plot_sweep, resume_sweep, sweep
from pinn.errors import InputError
from pinn.exit_codes import ExitCode
from pinn.record import RunFolder, SweepFolder
from pinn.reporting.published import check_published
from pinn.trust import asked_by

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from pinn.conf_folders import ConfFolder
    from pinn.run.solution import Solution
    from pinn.setup import Setup

__all__ = ["check", "compose", "diagnose", "plot", "resume", "run"]

_SHOWING = ("help", "hydra_help", "cfg", "resolve", "info", "shell_completion")
"""Options of Hydra that show something and run nothing."""


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
    with line.folders() as folders, restored_logging():
        if any(getattr(line, option) for option in _SHOWING):
            return by_hydra(line, folders)
        with session(folders, line.overrides, line.config_path):
            config = None if line.multirun else _config_of_run(line, folders)
            result = None
            if config is not None:
                announce(folders)
                result = _job(config, line, folders)
        if isinstance(result, Exception):
            raise result  # out of the session, which takes errors for Hydra's
        if result is not None:
            return result
        if line.strict:
            raise InputError("--strict is for one run; look at the runs of a sweep one by one.")
        announce(folders)
        return sweep(line, folders, argv)


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
        announce(folders)
        check_published(config.get("published"))
        with quiet():
            from pinn.checking import check_setup

        with asked_by(line.source(folders)):
            report = check_setup(_setup(config), picture=line.picture)
    Console().print("\n".join(report.lines()), highlight=False, markup=False, soft_wrap=True)
    return ExitCode.OK


def _config_of_run(line: Line, folders: Sequence[ConfFolder]) -> DictConfig | None:
    """Return the configuration of one run; None where hydra.mode asks for a sweep.

    Called within a `session`.
    """
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    try:
        config = composed(line.overrides, folders, line.config_name)
    except Exception:  # several values are no configuration of one run, but may be one of a sweep
        hydra: Any = GlobalHydra.instance().hydra
        if hydra.get_mode(line.config_name or PRIMARY, line.overrides) == RunMode.MULTIRUN:
            return None
        raise
    return None if config.hydra.mode == RunMode.MULTIRUN else config


def _job(config: DictConfig, line: Line, folders: Sequence[ConfFolder]) -> int | Exception:
    """Run what a configuration describes as a job of Hydra's; return the exit code or the error.

    This is `Hydra.run`, but for the folder, which no two runs may share.
    """
    from hydra._internal.callbacks import Callbacks
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.utils import run_job
    from hydra.types import HydraContext, RunMode

    hydra: Any = GlobalHydra.instance().hydra
    name = line.config_name or PRIMARY
    outcome: list[int | Exception] = []

    with new_folder(config) as folder:

        def task(values: DictConfig) -> None:
            try:
                with one_line(folders, line.overrides):
                    settings, _ = resolved(values)
                with asked_by(line.source(folders)):
                    outcome.append(_solve(settings, folder, strict=line.strict))
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
    return outcome[0]


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


def _setup(config: Mapping[str, Any]) -> Setup:
    """Return the setup of a configuration, on the device that it names."""
    with quiet():
        from pinn.runtime import configure
        from pinn.setup import config as configuration

    configuration.check_keys(config)
    configure(device=config.get("device", "auto"))
    return configuration.setup(config)


def _solve(config: dict[str, Any], folder: Path, *, strict: bool) -> int:
    """Solve the problem of a configuration, show the result, and return the exit code."""
    check_published(config.get("published"))
    with quiet():  # TensorFlow is loaded only once Hydra has found no fault with the configuration
        from pinn.run import execute

    setup = _setup(config)
    # Settings that the setup does not hold, but the run's config.yaml does.
    more_settings = {"network": config.get("network"), "device": config.get("device", "auto")}
    return _show(execute(setup, folder=folder, config=more_settings), strict=strict)


def resume(
    folder: str, overrides: Sequence[str] = (), *, strict: bool = False, trust: bool = False
) -> int:
    """Continue a run from its last checkpoint, or a sweep, and return the exit code.

    Overrides, such as a larger budget, reopen the last phase of a run; `trust` lets code run that
    the folder asks for.
    """
    if SweepFolder(Path(folder)).exists:
        if overrides:
            raise InputError(
                f"resume: {overrides[0]!r} would change the runs of a sweep; resume one of them, "
                "or start another sweep."
            )
        return resume_sweep(Path(folder), trust=trust)
    with quiet():
        from pinn.run import resume as resume_run

    return _show(resume_run(folder, overrides=overrides, trust=trust), strict=strict)


def plot(folder: str, *, trust: bool = False) -> int:
    """Draw the figures of a run or of a sweep again from its folder, and return the exit code."""
    if SweepFolder(Path(folder)).exists:
        return plot_sweep(Path(folder))
    with quiet():
        from pinn.run import load

    for path in load(folder, trust=trust).save_figures():
        print(path)
    return ExitCode.OK


def diagnose(folder: str, *, strict: bool, trust: bool = False) -> int:
    """Show how far the answer of a run can be trusted, and return the exit code."""
    if SweepFolder(Path(folder)).exists:
        raise InputError(f"diagnose: {folder} is a sweep; give the folder of one of its runs.")
    with quiet():
        from pinn.run import load

    solution = load(folder, trust=trust)
    lines = [f"{folder}:", *solution.diagnose()]
    picture = RunFolder(Path(folder)).figures / "undetermined.png"
    lines += [str(picture)] if picture.exists() else []
    Console().print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
    return _trust(solution.metrics.get("verdict")) if strict else ExitCode.OK


def _trust(verdict: str | None) -> int:
    """Return the exit code that --strict asks for."""
    codes = {"trusted": ExitCode.OK, "doubtful": ExitCode.DOUBTFUL}
    return codes.get(verdict or "", ExitCode.FAILED)


def _show(solution: Solution, *, strict: bool = False) -> int:
    """Show the summary of a run, and return the exit code."""
    from pinn.record import Metrics
    from pinn.reporting.summary import summary

    console = Console()
    metrics = Metrics.from_json(solution.metrics)
    console.print(summary(metrics, solution.folder))
    if not metrics.finished:
        console.print(f"continue with: pinn resume {solution.folder}", highlight=False)
        return ExitCode.INTERRUPTED
    return _trust(metrics.verdict) if strict else ExitCode.OK
