"""What Hydra's own machinery runs or shows, with the folders that this program finds."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pinn.cli.arguments import Line, announced, parser
from pinn.cli.compose import PRIMARY, check_whole_runs, one_line
from pinn.conf_folders import ConfFolder, conf_folder
from pinn.errors import InputError
from pinn.exit_codes import ExitCode
from pinn.sweep.launch import full_errors


def announce(folders: Sequence[ConfFolder], file: Any = None) -> None:
    """Print which configuration of the user's own is in use."""
    text = announced(folders)
    if text:
        print(text, file=file or sys.stdout, flush=True)


def by_hydra(
    line: Line, folders: Sequence[ConfFolder], task: Callable[[Any], object] | None = None
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
    check_whole_runs(line.overrides, folders)
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
        announce(folders, sys.stderr)
    return ExitCode.OK


def _nothing(_: Any) -> None:
    """Do nothing, where Hydra wants a function."""


@contextlib.contextmanager
def restored_logging() -> Iterator[None]:
    """Leave the log of a host program as it was; Hydra adds handlers to it."""
    root = logging.getLogger()
    level = root.level
    handlers = list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
