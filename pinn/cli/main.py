"""`pinn <command>`: dispatch to the subcommands; each of them imports heavy packages itself."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pinn import __version__
from pinn.cli.commands import (
    COMPLETION,
    HELP_OPTIONS,
    PARSERS,
    compare_parser,
    diagnose_parser,
    doctor_parser,
    list_parser,
    named_folders,
    plot_parser,
    resume_parser,
)
from pinn.errors import InputError, did_you_mean
from pinn.exit_codes import ExitCode
from pinn.runtime import prepare_process

if TYPE_CHECKING:
    from rich.console import RenderableType

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG, errno.ESTALE)
_RUN_FOLDER = "outputs/burgers/2026-01-31_12-00-00"  # an example for messages


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand and return the exit code, which `ExitCode` explains."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    prepare_process()
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        print("pinn: interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except Exception as error:
        input_error = _input_error(error)
        if input_error is None:
            raise
        print(f"pinn: {' '.join(str(input_error).split())}", file=sys.stderr)
        return ExitCode.BAD_INPUT


def _dispatch(arguments: list[str]) -> int:
    if not arguments:
        print(_help())
        return ExitCode.BAD_INPUT
    name, *rest = arguments
    if name in (*HELP_OPTIONS, "help"):
        print(_help())
        return ExitCode.OK
    if name in ("-V", "--version"):
        print(f"pinn {__version__}")
        return ExitCode.OK
    if name in COMPLETION or (name == "run" and rest and rest[0] in COMPLETION):
        from pinn.cli.completion import shell_completion

        shell_completion(rest if name in COMPLETION else rest[1:])
        return ExitCode.OK
    if name not in _COMMANDS:
        kind = "option" if name.startswith("-") else "command"
        known = [*_COMMANDS, "--help", "--version", "--shell-completion"]
        raise InputError(f"unknown {kind} {name!r}.{did_you_mean(name, known)}")
    if name != "run" and any(argument in HELP_OPTIONS for argument in rest):
        PARSERS[name]().print_help()
        return ExitCode.OK
    return _COMMANDS[name](rest)


def _help() -> str:
    """Return the help of `pinn` itself: one line per subcommand."""
    width = max(len(name) for name in PARSERS)
    commands = [f"  {name:{width}}  {parser().purpose}" for name, parser in PARSERS.items()]
    return "\n".join(
        [
            "usage: pinn <command> [arguments]",
            "",
            "Solve differential equations with neural networks.",
            "",
            *commands,
            "",
            "`pinn <command> --help` explains a command; `pinn --version` shows the version.",
        ]
    )


def _input_error(error: BaseException) -> InputError | None:
    """Return the InputError behind an exception, or None; Hydra wraps those of constructors."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, InputError):
        # NumPy raises the first of these, TensorFlow the second.
        if isinstance(cause, MemoryError) or type(cause).__name__ == "ResourceExhaustedError":
            message = (str(cause).splitlines() or [""])[0]
            return InputError(
                f"out of memory: {message}; use a smaller network or fewer points; "
                "a run can be resumed."
            )
        if isinstance(cause, OSError) and cause.errno in _DISK:
            where = f"{cause.filename}: " if cause.filename else ""
            return InputError(
                f"{where}cannot be written ({cause.strerror}); give the disk room, or set output "
                "to another folder; a run can be resumed from what is saved."
            )
        cause = cause.__cause__
    return cause


def _run(arguments: list[str]) -> int:
    from pinn.cli.run import run

    return run(arguments)


def _check(arguments: list[str]) -> int:
    from pinn.cli.run import check

    return check(arguments)


def _resume(arguments: list[str]) -> int:
    options = resume_parser().parse(arguments)
    folders, overrides = _split(options.arguments)
    if len(folders) != 1:
        raise InputError(f"resume: {len(folders)} folders; give one, such as {_RUN_FOLDER}.")
    from pinn.cli.run import resume

    return resume(folders[0], overrides, strict=options.strict, trust=options.trust)


def _plot(arguments: list[str]) -> int:
    options = plot_parser().parse(arguments)
    folders = _folders_of_runs("plot", options.arguments)
    from pinn.cli.run import plot

    return max(plot(folder, trust=options.trust) for folder in folders)


def _diagnose(arguments: list[str]) -> int:
    options = diagnose_parser().parse(arguments)
    folders = _folders_of_runs("diagnose", options.folders)
    from pinn.cli.run import diagnose

    exit_codes: list[int] = []
    for folder in folders:
        exit_codes.append(diagnose(folder, strict=options.strict, trust=options.trust))
    return max(exit_codes)


def _compare(arguments: list[str]) -> int:
    folders = compare_parser().parse(arguments).folders
    from pinn.reporting.compare import compare

    return _show(compare([Path(folder) for folder in folders]))


def _reproduce(arguments: list[str]) -> int:
    from pinn.cli.reproduce import reproduce

    return reproduce(arguments)


def _list(arguments: list[str]) -> int:
    options = list_parser().parse(arguments)
    from pinn.conf_folders import conf_folders
    from pinn.reporting.listing import listing

    folders = conf_folders(named_folders(options), local=not options.no_local_conf)
    return _show(listing(folders, options.names))


def _new(arguments: list[str]) -> int:
    from pinn.cli.new import new

    return new(arguments)


def _doctor(arguments: list[str]) -> int:
    doctor_parser().parse(arguments)
    from pinn.cli.doctor import doctor

    return doctor()


def _folders_of_runs(command: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a command that takes folders of runs alone, at least one."""
    folders, overrides = _split(arguments)
    if not folders or overrides:
        raise InputError(
            f"{command}: give the folders of runs, such as {_RUN_FOLDER}, and no more."
        )
    return folders


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the folders and the overrides (key=value, +key=value, ~key) among the arguments.

    A folder may have "=" in its name, so what exists is a folder.
    """
    folders = []
    overrides = []
    for argument in arguments:
        if not Path(argument).exists() and ("=" in argument or argument.startswith(("+", "~"))):
            overrides.append(argument)
        elif Path(argument).is_dir():
            folders.append(argument)
        else:
            raise InputError(f"{argument}: no such folder; give the folder of a run or of a sweep.")
    return folders, overrides


def _show(renderable: RenderableType) -> int:
    from pinn.reporting.tables import wide_console

    wide_console().print(renderable)
    return ExitCode.OK


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "run": _run,
    "check": _check,
    "resume": _resume,
    "plot": _plot,
    "diagnose": _diagnose,
    "compare": _compare,
    "reproduce": _reproduce,
    "list": _list,
    "new": _new,
    "doctor": _doctor,
}
