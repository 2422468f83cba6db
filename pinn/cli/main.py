"""`pinn <command>`: dispatch to the subcommands; heavy imports wait until a command needs them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pinn import __version__
from pinn.errors import InputError, did_you_mean

_BAD_INPUT = 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_HELP = ("-h", "--help")
_PIPE_WIDTH = 160  # columns of a table that goes to a file or a pipe


class Command(NamedTuple):
    """A subcommand: the arguments it takes, what it does in one line, its help, and its function."""

    arguments: str
    purpose: str
    details: str
    function: Callable[[list[str]], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand and return the exit code: 0, 1 for a failed check, 2 for bad input, 130 if interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        print("pinn: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except Exception as error:
        told = _input_error(error)
        if told is None:
            raise
        print(f"pinn: {' '.join(str(told).split())}", file=sys.stderr)
        return _BAD_INPUT


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in (*_HELP, "help"):
        print(_help())
        return 0 if arguments else _BAD_INPUT
    if arguments[0] in ("-V", "--version"):
        print(f"pinn {__version__}")
        return 0
    name, *rest = arguments
    if name not in _COMMANDS:
        kind = "option" if name.startswith("-") else "command"
        raise InputError(
            f"unknown {kind} {name!r}.{did_you_mean(name, [*_COMMANDS, '--help', '--version'])}"
        )
    command = _COMMANDS[name]
    if any(a in _HELP for a in rest):
        print(
            f"usage: pinn {name} {command.arguments}".rstrip()
            + f"\n\n{command.purpose}.\n\n{command.details}"
        )
        return 0
    return command.function(rest)


def _help() -> str:
    width = max(map(len, _COMMANDS))
    lines = "\n".join(f"  {name:{width}}  {command.purpose}" for name, command in _COMMANDS.items())
    return (
        f"usage: pinn <command> [arguments]\n\nSolve differential equations with neural networks.\n\n{lines}\n\n"
        "`pinn <command> --help` tells more; `pinn --version` tells the version."
    )


def _input_error(error: BaseException) -> InputError | None:
    """Return the bad input behind an exception: Hydra wraps what a constructor raises."""
    at: BaseException | None = error
    while at is not None and not isinstance(at, InputError):
        if (
            isinstance(at, MemoryError) or type(at).__name__ == "ResourceExhaustedError"
        ):  # NumPy's and TensorFlow's
            what = (str(at).splitlines() or [""])[0]
            return InputError(
                f"out of memory: {what}; use a smaller network or fewer points; a run can be resumed."
            )
        at = at.__cause__
    return at


def _run(arguments: list[str]) -> int:
    from pinn.cli.run import run

    return run(arguments)


def _resume(arguments: list[str]) -> int:
    folders, overrides = _split(arguments)
    if len(folders) != 1:
        raise InputError(
            f"resume: {len(folders)} folders; give one, such as outputs/burgers/2026-01-31_12-00-00."
        )
    from pinn.cli.run import resume

    return resume(folders[0], overrides)


def _plot(arguments: list[str]) -> int:
    folders, overrides = _split(arguments)
    if not folders or overrides:
        raise InputError(
            "plot: give the folders of runs, such as outputs/burgers/2026-01-31_12-00-00, and no more."
        )
    from pinn.cli.run import plot

    return max(plot(folder) for folder in folders)


def _compare(arguments: list[str]) -> int:
    folders = [Path(a) for a in _no_options("compare", arguments)]
    from pinn.reporting import compare

    return _show(compare(folders))


def _reproduce(arguments: list[str]) -> int:
    from pinn.cli.reproduce import reproduce

    return reproduce(arguments)


def _list(arguments: list[str]) -> int:
    names = _no_options("list", arguments)
    from pinn.cli.conf import conf_folder
    from pinn.reporting import listing

    return _show(listing(conf_folder(), names))


def _doctor(arguments: list[str]) -> int:
    _nothing("doctor", arguments)
    from pinn.cli.doctor import doctor

    return doctor()


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the folders and the overrides (key=value, +key=value, ~key) among the arguments."""
    overrides = [a for a in arguments if not Path(a).exists() and ("=" in a or a[:1] in "+~-")]
    folders = [a for a in arguments if a not in overrides]
    for folder in folders:
        if not Path(folder).is_dir():
            raise InputError(
                f"{folder}: no such folder; give the folder of a run, which holds config.yaml."
            )
    return folders, overrides


def _no_options(name: str, arguments: list[str]) -> list[str]:
    for argument in arguments:
        if argument.startswith("-"):
            raise InputError(f"{name}: unknown option {argument!r}; see `pinn {name} --help`.")
    return arguments


def _nothing(name: str, arguments: list[str]) -> None:
    if arguments:
        raise InputError(f"{name}: unexpected {arguments[0]!r}; `pinn {name}` takes no arguments.")


def _show(renderable: object) -> int:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)
    console.print(renderable)
    return 0


_COMMANDS = {
    "run": Command(
        "[FILE.py[:Class]] [key=value ...] [Hydra's options]",
        "Solve a problem, as the configuration says",
        "Examples:\n"
        "  pinn run experiment=burgers\n"
        "  pinn run problem=burgers network.width=40 seed=1\n"
        "  pinn run experiment=burgers --cfg job       show the configuration and stop\n"
        "  pinn run my_problem.py:MyProblem            a problem of your own, defined in a file\n"
        "  pinn run experiment=burgers seed=1,2,3 -m   a sweep, one run per seed\n\n"
        "`pinn list` tells which experiments and problems there are.  The overrides are Hydra's (hydra.cc).",
        _run,
    ),
    "resume": Command(
        "FOLDER [key=value ...]",
        "Go on with a run from its last checkpoint",
        "FOLDER is the run's folder; overrides change its configuration, say a phase's number of iterations.",
        _resume,
    ),
    "plot": Command(
        "FOLDER ...",
        "Draw a run's pictures again",
        "Writes figures/*.png in every FOLDER from its configuration, history and best weights.",
        _plot,
    ),
    "compare": Command(
        "FOLDER ...",
        "Show several runs side by side",
        "One row per finished run (errors, ratio to the published value, cost), then the keys that differ.",
        _compare,
    ),
    "reproduce": Command(
        "NAME ... | --all [--seeds N] [--again | --changed] [--launcher NAME]",
        "Run experiments over seeds, and rewrite the ledger of what they reach",
        "Every experiment and seed is a job in a process of its own, one after another.  What is finished is skipped,\n"
        "what was interrupted or killed goes on, and a job that fails stops no other; so the command can be stopped\n"
        "(Ctrl-C) and called again, or called twice at the same time.\n\n"
        "  --all            all experiments of `pinn list`, but smoke\n"
        "  --seeds N        seeds 0 … N - 1, 3 if not given; with 0 the ledger is rewritten and nothing run\n"
        "  --again          run anew what is finished\n"
        "  --changed        run anew what was finished with other settings than the experiment has now\n"
        "  --launcher NAME  joblib, submitit_local or submitit_slurm (pip install '.[sweeps]'), with settings\n"
        "                   such as hydra.launcher.n_jobs=2 or hydra.launcher.partition=gpu\n"
        "  --output FOLDER  where jobs keep their runs and logs; outputs/reproduce if not given\n"
        "  --ledger FOLDER  where ledger.md, ledger.json and ledger/ go; experiments if not given",
        _reproduce,
    ),
    "list": Command(
        "[NAME ...]",
        "Show the experiments and problems that can be run",
        "Experiments reproduce a published result; each is shown with that result.  With NAMEs, all that is known of\n"
        "these experiments or problems: the whole description, every published value and its source, coefficients.",
        _list,
    ),
    "doctor": Command(
        "",
        "Show versions and devices, and test the installation",
        "The checks take some seconds; the exit code is 1 if one of them fails.",
        _doctor,
    ),
}
