"""Ways to work through jobs: one after another, or by one of Hydra's launchers."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pinn.errors import InputError, did_you_mean
from pinn.sweep.job import Job
from pinn.sweep.process import Ending, quoted

LAUNCHERS = {
    "joblib": "hydra_joblib_launcher",
    "submitit_local": "hydra_submitit_launcher",
    "submitit_slurm": "hydra_submitit_launcher",
}
"""Hydra's launchers and their plugins, which are optional."""

_FULL_ERRORS = "HYDRA_FULL_ERROR"


def one_by_one(jobs: Iterable[Job], report: Callable[[Job, Ending | None], None]) -> bool:
    """Work through all jobs in order; return whether the user asked to stop.

    `report` is called before each job with None, and after it with its ending.
    """
    for job in jobs:
        report(job, None)
        ending = job.advance()
        report(job, ending)
        if ending.stop:
            return True
    return False


def check_launcher(launcher: str, overrides: Sequence[str]) -> None:
    """Raise an InputError for a launcher that is unknown or not installed, or foreign settings."""
    if launcher not in LAUNCHERS:
        raise InputError(
            f"reproduce: unknown launcher {launcher!r}.{did_you_mean(launcher, LAUNCHERS)}"
        )
    for override in overrides:
        if not override.lstrip("+").startswith("hydra.launcher."):
            raise InputError(
                f"reproduce: {override!r} is no setting of the launcher; "
                "write hydra.launcher.key=value."
            )
    plugin = LAUNCHERS[launcher]
    if not _is_installed(plugin):
        package = plugin.replace("_", "-")
        raise InputError(
            f"reproduce: the launcher {launcher} is not installed; pip install {package}."
        )
    if launcher == "submitit_slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
        raise InputError(
            "reproduce: submitit_slurm needs sbatch and srun, which are not on this machine; "
            "call it where the cluster takes jobs."
        )


def by_hydra(
    jobs: Sequence[Job], launcher: str, *, folder: str, overrides: Sequence[str] = ()
) -> None:
    """Give every job to one of Hydra's launchers, and wait for the last.

    The folders of the jobs record how they ended. Ctrl-C ends the wait: jobs on this machine
    receive it too and save, and this function waits for them; jobs on a cluster continue.

    Args:
        jobs: the jobs.
        launcher: a name in `LAUNCHERS`.
        folder: the folder for the launcher's own files.
        overrides: the launcher's settings, such as hydra.launcher.n_jobs=2.

    Raises:
        InputError: for settings that are not the launcher's.
    """
    from hydra.errors import HydraException

    def work(config: Any) -> None:
        if jobs[config.job].advance().stop:
            raise KeyboardInterrupt  # so that the launcher, which has other jobs, stops too

    numbers = ",".join(str(number) for number in range(len(jobs)))
    arguments = [
        "-m",
        f"hydra/launcher={launcher}",
        f"+job={numbers}",
        f"hydra.sweep.dir={quoted(folder)}",
        "hydra.sweep.subdir=.",
        "hydra.output_subdir=null",
        "hydra/job_logging=none",
        "hydra/hydra_logging=none",
        *overrides,
    ]
    try:
        multirun(work, arguments)
    except KeyboardInterrupt:
        if launcher != "submitit_slurm":
            for job in jobs:
                job.wait()
        raise
    except HydraException as error:
        reason = " ".join(str(error).split())
        raise InputError(f"reproduce: {reason}; correct the launcher's settings.") from None


def multirun(job: Callable[[Any], None], arguments: Sequence[str]) -> None:
    """Have Hydra call a function for every job that the arguments of its command line describe.

    A launcher that starts processes calls the function there; an exception that it raises arrives
    here after the last job.

    Raises:
        HydraException: for arguments that Hydra refuses.
    """
    import hydra

    previous = sys.argv
    sys.argv = ["pinn", *arguments]
    try:
        with full_errors():
            hydra.main(version_base="1.3", config_path=None, config_name=None)(job)()
    finally:
        sys.argv = previous


@contextlib.contextmanager
def full_errors() -> Iterator[None]:
    """Have Hydra raise its errors; otherwise it prints them over many lines and exits."""
    previous = os.environ.get(_FULL_ERRORS)
    os.environ[_FULL_ERRORS] = "1"
    try:
        yield
    finally:
        os.environ.pop(_FULL_ERRORS)
        if previous is not None:
            os.environ[_FULL_ERRORS] = previous


def _is_installed(plugin: str) -> bool:
    try:
        return importlib.util.find_spec(f"hydra_plugins.{plugin}") is not None
    except ModuleNotFoundError:
        return False
