"""Ways to work through jobs: one after another, or by one of Hydra's launchers."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pinn.errors import InputError, did_you_mean
from pinn.sweep.job import Job
from pinn.sweep.process import Ending

LAUNCHERS = {
    "joblib": "hydra_joblib_launcher",
    "submitit_local": "hydra_submitit_launcher",
    "submitit_slurm": "hydra_submitit_launcher",
}
"""Hydra's launchers and their plugins, which are optional."""

_RAISE = "HYDRA_FULL_ERROR"  # else Hydra prints its errors over many lines, and exits


def one_by_one(jobs: Iterable[Job], tell: Callable[[Job, Ending | None], None]) -> bool:
    """Work through jobs in order, whatever becomes of each; return whether the user asked to stop.

    `tell` is called before each job with None, and after it with its ending.
    """
    for job in jobs:
        tell(job, None)
        ending = job.advance()
        tell(job, ending)
        if ending.stop:
            return True
    return False


def check_launcher(launcher: str, overrides: Sequence[str]) -> None:
    """Raise an InputError for an unknown launcher, one that is not installed here, or settings of something else."""
    if launcher not in LAUNCHERS:
        raise InputError(
            f"reproduce: unknown launcher {launcher!r}.{did_you_mean(launcher, LAUNCHERS)}"
        )
    for override in overrides:
        if not override.lstrip("+").startswith("hydra.launcher."):
            raise InputError(
                f"reproduce: {override!r} is no setting of the launcher; write hydra.launcher.key=value."
            )
    plugin = LAUNCHERS[launcher]
    if not _installed(plugin):
        package = plugin.replace("_", "-")
        raise InputError(
            f"reproduce: the launcher {launcher} is not installed; pip install {package}."
        )
    if launcher == "submitit_slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
        raise InputError(
            "reproduce: submitit_slurm finds no sbatch and srun here; call it where the cluster takes jobs."
        )


def by_hydra(
    jobs: Sequence[Job], launcher: str, *, folder: str, overrides: Sequence[str] = ()
) -> None:
    """Give every job to one of Hydra's launchers, and wait for the last; the jobs' folders tell what became of them.

    Ctrl-C ends the wait.  Jobs of this machine have got it too, save, and are waited for; a
    cluster's go on.

    Args:
        jobs: the jobs.
        launcher: a name in `LAUNCHERS`.
        folder: where the launcher keeps its own files.
        overrides: the launcher's settings, such as hydra.launcher.n_jobs=2.

    Raises:
        InputError: for settings that are not the launcher's.
    """
    from hydra.errors import HydraException

    def work(config: Any) -> None:
        if jobs[config.job].advance().stop:
            raise KeyboardInterrupt  # which the launcher must hear of: it has other jobs

    quoted = folder.replace("\\", "\\\\").replace("'", "\\'")
    arguments = [
        *("-m", f"hydra/launcher={launcher}", f"+job={','.join(map(str, range(len(jobs))))}"),
        *(f"hydra.sweep.dir='{quoted}'", "hydra.sweep.subdir=.", "hydra.output_subdir=null"),
        *("hydra/job_logging=none", "hydra/hydra_logging=none", *overrides),
    ]
    try:
        multirun(work, arguments)
    except KeyboardInterrupt:
        if launcher != "submitit_slurm":
            for job in jobs:
                job.wait()
        raise
    except HydraException as error:
        raise InputError(
            f"reproduce: {' '.join(str(error).split())}; correct the launcher's settings."
        ) from None


def multirun(
    job: Callable[[Any], None],
    arguments: Sequence[str],
    *,
    config_path: str | None = None,
    config_name: str | None = None,
) -> None:
    """Have Hydra call a function for every job that the arguments of its command line describe.

    A launcher of processes calls it in those; what it raises comes back after the last job.

    Raises:
        HydraException: for arguments that Hydra refuses.
    """
    import hydra

    given, sys.argv = sys.argv, ["pinn", *arguments]
    kept = os.environ.get(_RAISE)
    os.environ[_RAISE] = "1"
    try:
        hydra.main(version_base="1.3", config_path=config_path, config_name=config_name)(job)()
    finally:
        sys.argv = given
        os.environ.pop(_RAISE)
        if kept is not None:
            os.environ[_RAISE] = kept


def _installed(plugin: str) -> bool:
    try:
        return importlib.util.find_spec(f"hydra_plugins.{plugin}") is not None
    except ModuleNotFoundError:
        return False
